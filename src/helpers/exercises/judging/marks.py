"""A folder for the marks by which tasks and a judge tell each other how far they are."""

from collections.abc import Iterator
from contextlib import contextmanager

from helpers.exercises.judging.waiting import quiet
from helpers.processes.folders import own_folder


@contextmanager
def marks(held: float) -> Iterator[str]:
    """Yield a folder for marks that tasks wait for, up to `held` seconds."""
    with quiet(held), own_folder("marks") as folder:
        yield str(folder)
