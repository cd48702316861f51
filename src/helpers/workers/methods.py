"""Workers that come out differently by the start method of their process."""

from __future__ import annotations

from multiprocessing import current_process, parent_process

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from collections.abc import Callable

ready = False  # set by a parent at run time: a copy of that parent knows it, a fresh Python does not


def started_by(item: object = None) -> tuple[str, object]:
    """Return the item, and before it the start method of this process: "main" in a main process.

    A plain `multiprocessing.Process`, which names no method, is "the default".
    """
    if parent_process() is None:
        return "main", item
    return type(current_process()).__name__.removesuffix("Process").lower() or "the default", item


def need_ready(item: object = None) -> None:
    """Raise RuntimeError unless `ready` was set to true in this process or in the one that was copied."""
    if not ready:
        raise RuntimeError("the parent did not set `ready`, or this process is no copy of it")


def not_picklable() -> Callable[[object], None]:
    """Return a function that no module holds, so that pickle does not find it by name."""

    def local(item: object) -> None:
        """Do nothing."""

    return local
