"""One program under every start method, and its cures side by side: what each run said, which are right."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from helpers.programs.program import Outcome, run_program
from helpers.programs.start_methods import methods
from helpers.views.table import Table

LIMIT = 60.0  # seconds; a program that needs them is one that hangs
AT_ONE_TIME = 3  # programs
# The last line of a traceback; where the message begins in the next line, as far as its first blank one.
_ERROR = re.compile(r"^[\w.]+(?:Error|Exception|Warning)(?:: *\n(?:.*\S.*\n?)+|:.*|$)", re.MULTILINE)
_IMPORT = re.compile(r"^from multiprocessing import ([\w, ]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Runs:
    """What became of one program under each start method."""

    source: str
    outcomes: Mapping[str, Outcome]

    def table(self) -> Table:
        """Return one row per start method: the exit code, and what the program said."""
        rows = [(method, one.exit_code, said(one)) for method, one in self.outcomes.items()]
        return Table(["under", "exit code", "it says"], rows)

    def verdicts(self, right: str) -> list[str]:
        """Return for each start method "right", "fails", or the wrong answer; `right` is what to print."""
        return [_verdict(one, right) for one in self.outcomes.values()]

    def __repr__(self) -> str:
        """Return the table."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def three_ways(program: Outcome | str) -> Runs:
    """Return the Runs of a program, or of one that ran already, under every start method of this system."""
    source = program if isinstance(program, str) else program.source
    return _run_all([source])[0]


def compare_cures(cases: Mapping[str, tuple[Runs, Runs]]) -> Table:
    """Return three rows for each program: before, pinned to fork, and ported.

    Each case is the Runs of the program before and of the ported one, whose answer is right; the one
    before is run now, pinned to fork.
    """
    lazy = _run_all([pin_fork(before.source) for before, _ in cases.values()])
    rows = []
    for (name, (before, ported)), pinned in zip(cases.items(), lazy, strict=True):
        answer = next(iter(ported.outcomes.values())).stdout
        for cure, runs in (("before", before), ("lazy: fork", pinned), ("ported", ported)):
            rows.append((name, cure, *runs.verdicts(answer)))
    return Table(["program", "cure", *methods()], rows)


def pin_fork(source: str) -> str:
    """Return the program with fork for whatever it imports from multiprocessing, whatever the default is.

    Raises ValueError for a program without a line `from multiprocessing import …`.
    """

    def pinned(match: re.Match[str]) -> str:
        names = [name.strip() for name in match[1].split(",")]
        lines = [f'{name} = get_context("fork").{name}' for name in names]
        return "\n".join(["from multiprocessing import get_context", *lines])

    changed, count = _IMPORT.subn(pinned, source)
    if not count:
        raise ValueError("there is no line `from multiprocessing import …` that could be pinned to fork")
    return changed


def said(outcome: Outcome) -> str:
    """Return what a program printed, then the error that ended it, in one line; addresses are left out."""
    printed = outcome.stdout.split("\n")
    errors = _ERROR.findall(outcome.stderr) if outcome.exit_code else []
    lines = [*printed, *(" ".join(error.split()) for error in errors[-1:])]
    if outcome.ended != "by itself":
        lines.append(f"ended at the limit of {outcome.limit:g} s")
    return re.sub(r"0x[0-9a-fA-F]+", "0x…", " · ".join(filter(None, lines)))


def _verdict(outcome: Outcome, right: str) -> str:
    if outcome.exit_code or outcome.ended != "by itself":
        return "fails"
    return "right" if outcome.stdout == right else said(outcome)


def _run_all(sources: list[str]) -> list[Runs]:
    """Return the Runs of each program; a few run at a time."""
    tasks = [(source, method) for source in sources for method in methods()]
    with ThreadPoolExecutor(AT_ONE_TIME) as executor:
        outcomes = list(executor.map(lambda task: run_program(task[0], limit=LIMIT, method=task[1]), tasks))
    size = len(methods())
    return [
        Runs(source, dict(zip(methods(), outcomes[place * size :], strict=False)))
        for place, source in enumerate(sources)
    ]
