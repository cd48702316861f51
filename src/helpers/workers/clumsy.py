"""A worker that dies in the middle of one of its tasks."""

import os
import time


def clumsy(number: int) -> int:
    """Return the number after a moment's sleep; in task 1 the process is killed, as when memory runs out."""
    time.sleep(0.2)
    if number == 1:
        os.kill(os.getpid(), 9)  # SIGKILL; Windows ends a process so, too
    return number


def count_or_sleep(path: str) -> int:
    """Return the number of definitions in a file; for the path "endless" sleep for two minutes."""
    if path == "endless":
        time.sleep(120)
    from helpers.workers.source import count_definitions

    return count_definitions(path)


def root_or_error(number: int) -> int:
    """Return the whole root of a number; ValueError below 0."""
    from math import isqrt

    return isqrt(number)
