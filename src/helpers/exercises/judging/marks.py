"""A folder for the marks by which tasks and a judge tell each other how far they are."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.exercises.judging.waiting import quiet


@contextmanager
def marks(held: float) -> Iterator[str]:
    """Yield a folder for the marks of gates, at which tasks wait up to `held` seconds."""
    with (
        quiet(held),
        tempfile.TemporaryDirectory(prefix="helpers-marks-", ignore_cleanup_errors=True) as folder,
    ):
        yield folder
