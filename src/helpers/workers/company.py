"""A worker that keeps its parent company: something to look at, stop and end."""

from multiprocessing import parent_process


def keep_company(limit: float = 3600.0) -> None:
    """Sleep until the parent process has ended, however it ended, but `limit` seconds at most."""
    parent = parent_process()
    if parent is not None:
        parent.join(limit)
