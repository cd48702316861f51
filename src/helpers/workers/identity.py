"""Workers that say who they are."""

import time

from helpers.identity import Identity, identity


def who(_: object = None) -> Identity:
    """Return the identity of the process that runs this, whatever the argument."""
    return identity()


def who_after(seconds: float) -> Identity:
    """Sleep, then return who runs this; the sleep keeps a quick worker from taking every task."""
    time.sleep(seconds)
    return identity()
