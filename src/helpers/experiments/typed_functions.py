"""Functions typed in cells, tried under each start method and engine: which version a child runs."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from helpers.programs.program import run_program
from helpers.views.table import Table

LIMIT = 90.0  # seconds for a program that needs about two
ORDER = ("fork", "spawn", "forkserver")


def what_runs() -> Table:
    """Return one row per engine and change: what came of a function typed in a cell.

    "answers" and "the old one" are answers; "no answer: its worker died" is a Pool that waits for ever. Each
    program forgets the file it was read from, since a notebook's cells have none.
    """
    methods = [one for one in ORDER if one in multiprocessing.get_all_start_methods()]
    with ThreadPoolExecutor(3) as side_by_side:
        seen = list(side_by_side.map(_try, methods))
    rows = [(*what.split(" · "), *(one[what] for one in seen)) for what in seen[0]]
    return Table(["the function is", "under", *methods], rows)


def _try(method: str) -> dict[str, str]:
    lines = [
        'if __name__ == "__main__":',
        "    from helpers.experiments import typed_functions_program",
        f"    typed_functions_program.say_what_runs({method!r})",
    ]
    outcome = run_program("\n".join(lines) + "\n", limit=LIMIT, name="trial.py")
    if outcome.exit_code:
        raise RuntimeError(f"the trial of {method} did not come to its end: {outcome!r}")
    said: dict[str, str] = json.loads(outcome.stdout)
    return said
