"""What the notebook's cells did: which one failed just now, and which module of workers each cell made."""

from collections.abc import Callable
from typing import Any

_failed: dict[str, str] = {}  # what the cell that ended last raised, by its source; empty when it was fine
_running: list[tuple[str, str | None]] = []  # source and id of the cell that runs now
_makers: dict[str, str] = {}  # the cell, by id, that made each module of workers
_made: set[str] = set()  # modules that the running cell made, or tried to make


def follow(shell: Any, withdraw: Callable[[str], None]) -> None:
    """From now on each cell of this shell is noted; `withdraw` gets modules that their cell makes no more."""

    def begins(info: Any) -> None:
        _running[:] = [(info.raw_cell or "", getattr(info, "cell_id", None))]
        _made.clear()

    def ends(result: Any) -> None:
        error = result.error_before_exec or result.error_in_exec
        _failed.clear()
        if error is not None:
            _failed[result.info.raw_cell or ""] = type(error).__name__
        cell = getattr(result.info, "cell_id", None)
        for name in [name for name, maker in _makers.items() if maker == cell and name not in _made]:
            del _makers[name]
            withdraw(name)

    shell.events.register("pre_run_cell", begins)
    shell.events.register("post_run_cell", ends)


def note_made(name: str, cell: str | None) -> None:
    """The module `name` is the one of this cell; without an id nothing can be said of cells."""
    _made.add(name)
    if cell:
        _makers[name] = cell


def failed_before() -> str | None:
    """Return what the cell before the running one raised, None when it was fine or is the same cell."""
    now = [source for source, _ in _running]
    return next((kind for source, kind in _failed.items() if source not in now), None)


def running_id() -> str | None:
    """Return the id of the cell that runs, None where the notebook's page does not tell it."""
    return _running[0][1] if _running else None
