"""What a child has of its parent, tried under each start method: one row a thing, filled by running."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from helpers.programs.program import run_program
from helpers.views.table import Table

LIMIT = 60.0  # seconds for a program that needs about one
ORDER = ("fork", "spawn", "forkserver")


def what_is_inherited() -> Table:
    """Return one row per thing that a parent has or changes, and whether a child started then has it.

    The columns are the start methods of this system.
    """
    methods = [one for one in ORDER if one in multiprocessing.get_all_start_methods()]
    with ThreadPoolExecutor(3) as side_by_side:
        seen = list(side_by_side.map(_try, methods))
    return Table(["the parent's", *methods], [(what, *(one[what] for one in seen)) for what in seen[0]])


def _try(method: str) -> dict[str, str]:
    lines = [
        'if __name__ == "__main__":',
        "    from helpers.experiments import inheritance_program",
        f"    inheritance_program.say_what_is_inherited({method!r})",
    ]
    outcome = run_program("\n".join(lines) + "\n", limit=LIMIT, name="trial.py")
    if outcome.exit_code:
        raise RuntimeError(f"the trial of {method} did not come to its end: {outcome!r}")
    said: dict[str, str] = json.loads(outcome.stdout)
    return said
