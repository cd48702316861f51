"""The exercises of 15: tell the illness from its signs, repair a program, port one with several illnesses."""

import ast
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from helpers.exercises.judging import launcher
from helpers.exercises.judging.comparing import short
from helpers.exercises.judging.registry import NotYet, ToDo, exercise
from helpers.experiments.porting import said
from helpers.processes.folders import own_folder
from helpers.programs.program import Outcome, run_program
from helpers.programs.start_methods import methods

LIMIT = 20.0  # seconds; a program whose pool loses a worker ends at once
AT_ONE_TIME = 6  # programs

SIGNS = {
    "nested": "it names something within `<locals>`: where is that function written?",
    "object": "a type from the inside of Python, such as a file, cannot be pickled: what was handed over?",
    "guard": "the bootstrapping phase is the import of your file by a child: what did it start there?",
    "global": "nothing failed, so each worker found a value: the one that the file has when it is imported",
    "thread": "only fork copies a lock that somebody holds",
    "late": "it depends on what ran before: the fork server keeps the environment of its first start",
}
"""The illnesses, in the order of the signs in exercise 1, each with a hint."""


@exercise("diagnose")
def judge_diagnose(diagnoses: Sequence[str]) -> str:
    """Accept the illness behind each sign."""
    names = ", ".join(sorted(SIGNS))
    if not isinstance(diagnoses, list | tuple) or len(diagnoses) != len(SIGNS):
        raise NotYet(f"expected a list of {len(SIGNS)} words, one for each sign, out of {names}")
    for place, (given, (right, hint)) in enumerate(zip(diagnoses, SIGNS.items(), strict=True), 1):
        if given not in SIGNS:
            raise NotYet(f"sign {place}: {given!r} is none of the words: {names}")
        if given != right:
            raise NotYet(f"sign {place} is not that of {given!r}: {hint}")
    return "you can tell all six by their signs"


@exercise("repair")
def judge_repair(program: Outcome | str) -> str:
    """Accept prices.py when its workers know the rate under every start method."""
    _require_ported(program, {"3": "[3.0, 6.0, 9.0]\n", "0.5": "[0.5, 1.0, 1.5]\n"})
    return "the workers know the rate under every start method"


@exercise("port")
def judge_port(program: Outcome | str) -> str:
    """Accept stock.py when it gives its answer under every start method."""
    _require_ported(program, {"0": "[5, 2, 3]\n", "10": "[15, 12, 13]\n"})
    return "the program gives the same answer under every start method"


class _Run(NamedTuple):
    """One run of a learner's program."""

    method: str
    argument: str
    outcome: Outcome
    children: int


def _require_ported(program: Outcome | str, right: dict[str, str]) -> None:
    """Raise NotYet unless the program prints what is right for each argument under every start method."""
    source = program.source if isinstance(program, Outcome) else program
    if not isinstance(source, str):
        raise NotYet(f"expected a program, got {short(program)}: hand in what `--into` has kept of its run")
    if _is_empty(source):
        raise ToDo("replace `...` by your program, then run the cells again")
    first, *others = right
    tasks = [(method, first) for method in methods()]
    tasks += [(methods()[-1], argument) for argument in others]  # nobody can know them beforehand
    with ThreadPoolExecutor(AT_ONE_TIME) as executor:
        runs = list(executor.map(lambda task: _run(source, *task), tasks))
    for run in runs:
        _judge(run, right[run.argument], runs)


def _is_empty(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise NotYet(f"this is not Python yet: {error.msg} (line {error.lineno})") from None
    return all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) for one in body)


def _run(source: str, method: str, argument: str) -> _Run:
    with own_folder("port") as folder:
        script, note = folder / "program.py", folder / "started"
        script.write_text(source, encoding="utf-8")
        outcome = run_program(Path(launcher.__file__), method, note, script, argument, limit=LIMIT)
        children = note.stat().st_size if note.exists() else 0
    return _Run(method, argument, outcome, children)


def _judge(run: _Run, right: str, runs: list[_Run]) -> None:
    """Raise NotYet with what is wrong with a run, and with the illness behind it."""
    method, argument, outcome, children = run
    start = f"under {method}, called with {argument}, "
    if outcome.exit_code or outcome.ended != "by itself":
        raise NotYet(f"{start}{_why_failed(outcome, method)}")
    if not children:
        raise NotYet(f"{start}it starts no process: the work should still be done by children")
    if outcome.stdout != right:
        printed, expected = short(outcome.stdout.strip()), right.strip()
        forked = [one for one in runs if (one.method, one.argument) == ("fork", argument)]
        if method != "fork" and forked and forked[0].outcome.stdout == right:
            raise NotYet(
                f"{start}it prints {printed}, and under fork {expected}: a worker has what the file sets "
                "when it is imported, and nothing that the program sets afterwards; hand it over"
            )
        raise NotYet(f"{start}it prints {printed}, expected {expected}")
    if outcome.left_running:
        raise NotYet(f"{start}it leaves processes running: use `with Pool(...) as pool:`, or `join()`")


def _why_failed(outcome: Outcome, method: str) -> str:
    error = short(said(outcome))
    if launcher.PinnedToFork.__name__ in outcome.stderr:
        return (
            "it still starts its children by fork, the lazy cure: it brings back the deadlock beside a "
            "thread, and Windows has no fork. Leave the method open, and hand over what a worker needs"
        )
    if "bootstrapping phase" in outcome.stderr:
        return (
            "each child starts processes while it imports your file (bootstrapping phase): what only the "
            'program itself does belongs below `if __name__ == "__main__":`'
        )
    if "NameError" in error and method != "fork":
        return (
            f"it fails ({error}): a worker has what the file sets when it is imported, and nothing that is "
            "set below the guard; hand it over"
        )
    if outcome.ended != "by itself":
        return f"it did not come to its end within {outcome.limit:g} s: what does it wait for?"
    if "annot pickle" in error or "Can't" in error:
        return (
            f"something cannot be pickled ({error}): a function has to stand at the top of the file, and an "
            "object such as a connection is made by the worker itself, from its path"
        )
    imports = "; each child imports the file, and runs again what is not below the guard" * (method != "fork")
    return f"it fails ({error}){imports}"
