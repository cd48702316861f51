"""Workers that take time."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:  # a child gets the event itself and needs no second import
    from collections.abc import Callable
    from multiprocessing.synchronize import Event
    from typing import Any


def nap(seconds: float) -> float:
    """Sleep and return the seconds that were asked for."""
    time.sleep(seconds)
    return seconds


def nap_until(told: Event, limit: float = 30.0) -> bool:
    """Sleep until the event `told` is set, at most `limit` seconds, and return whether it was set."""
    return told.wait(limit)


class Later:
    """Called like `function`, it returns the same, but `seconds` later; picklable when `function` is."""

    def __init__(self, function: Callable[..., Any], seconds: float, but: object = None) -> None:
        """Keep what to call, how long to sleep before, and the first argument that is not kept waiting."""
        self.function = function
        self.seconds = seconds
        self.but = but

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Sleep, then return `function(*args, **kwargs)`."""
        if self.but is None or args[:1] != (self.but,):
            time.sleep(self.seconds)
        return self.function(*args, **kwargs)


def pid_after(seconds: float) -> int:
    """Sleep and return the PID of this process."""
    time.sleep(seconds)
    return os.getpid()
