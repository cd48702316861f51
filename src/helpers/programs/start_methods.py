"""Programs under every start method that this system has, side by side."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from helpers.programs.program import run_program

ORDER = ("fork", "spawn", "forkserver")
"""The start methods in the order in which lessons name them: the oldest first."""


def methods() -> list[str]:
    """Return the start methods of this system, in that order."""
    return sorted(multiprocessing.get_all_start_methods(), key=ORDER.index)


def ask_under_each(module: str, function: str, limit: float) -> dict[str, Any]:
    """Return by start method what `function(method)` of that module printed as JSON, in a program of its own.

    `limit` is in seconds. Raises RuntimeError for a program that did not come to its end.
    """

    def ask(method: str) -> Any:
        lines = [
            'if __name__ == "__main__":',
            f"    from {module} import {function}",
            f"    {function}({method!r})",
        ]
        outcome = run_program("\n".join(lines) + "\n", limit=limit, name="trial.py")
        if outcome.exit_code:
            raise RuntimeError(f"the trial of {method} did not come to its end: {outcome!r}")
        return json.loads(outcome.stdout)

    with ThreadPoolExecutor(len(ORDER)) as side_by_side:
        return dict(zip(methods(), side_by_side.map(ask, methods()), strict=True))
