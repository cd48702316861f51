"""A worker that says by which start method its process was started."""

from multiprocessing import current_process, parent_process


def started_by(item: object = None) -> tuple[str, object]:
    """Return the item, and before it the start method of this process: "main" in a main process.

    A plain `multiprocessing.Process`, which names no method, is "the default".
    """
    if parent_process() is None:
        return "main", item
    return type(current_process()).__name__.removesuffix("Process").lower() or "the default", item
