"""A folder for the marks by which tasks and a judge tell each other how far they are."""

from collections.abc import Iterator
from contextlib import contextmanager

from helpers.exercises.judging.waiting import holding
from helpers.processes.folders import own_folder


@contextmanager
def marks() -> Iterator[str]:
    """Yield a folder for marks; a task that waits there for one is not taken for one that waits for ever."""
    with own_folder("marks") as folder, holding(str(folder)):
        yield str(folder)
