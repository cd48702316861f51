"""Helpers for learning multiprocessing: see processes, watch workers, check answers.

Every public name loads on first use, so that `import helpers`, which each spawned worker does, is cheap.
"""

import sys

TYPE_CHECKING = False  # type checkers read it as true; `typing` would cost more than this whole package
if TYPE_CHECKING:
    from typing import Any

_HOMES = {
    "ExecutorPool": "pools.executor_pool",
    "Picture": "views.picture",
    "Table": "views.table",
    "Unfinished": "watching.watch",
    "check": "exercises.judging.verdict",
    "chunks": "pools.chunks",
    "doctor": "doctor",
    "draw_side_by_side": "watching.watch",
    "draw_stages": "watching.stages",
    "family": "processes.family",
    "identity": "workers.identity",
    "run_program": "programs.program",
    "tryout": "experiments.tryout",
    "wait_until": "waiting",
    "watch": "watching.watch",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> "Any":
    """Return the public object called `name`, importing its module the first time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}; it offers {', '.join(__all__)}")
    from importlib import import_module

    module = import_module(f"helpers.{_HOMES[name]}")
    globals()[name] = found = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return [*globals(), *__all__]


if "IPython" in sys.modules:  # a notebook: its cell magics come with the first import; workers never get here
    from helpers.programs.magics import register

    register()
