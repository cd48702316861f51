"""Workers that are hard to get answers from: one dies, one never ends, one has much to say."""

import os
import time

from helpers.workers.endings import refuse_main


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


def shout_or_die(word: str) -> str:
    """Return the word in capitals; for "die" a child ends at once, without an answer.

    Raises RuntimeError for "die" where no child runs it.
    """
    if word == "die":
        refuse_main("shout_or_die")
        os._exit(1)
    return word.upper()


def repeat(times: int) -> str:
    """Return a text of so many letters; a million does not fit into a pipe at once."""
    return "x" * times
