"""Workers that end, each in its own way."""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:  # a child gets the event itself and needs no second import
    from multiprocessing.synchronize import Event
    from typing import NoReturn


def return_normally() -> str:
    """Return a value that a Process drops: exit code 0."""
    return "done"


def raise_error(message: str = "something went wrong in the child") -> NoReturn:
    """Raise ValueError: a traceback and exit code 1."""
    raise ValueError(message)


def exit_with(code: int | str | None = 3) -> NoReturn:
    """Call sys.exit: the exit code is the number, 0 for None, 1 for a text, which goes to standard error."""
    sys.exit(code)


def exit_hard(code: int = 4) -> NoReturn:
    """End at once without cleaning up: no `finally`, no flush, no `atexit`; the exit code is the number."""
    os._exit(code)


def end_by_signal(number: int = signal.SIGTERM) -> None:
    """Send this process a signal; if it ends so, the exit code is minus the number (Windows: the number)."""
    os.kill(os.getpid(), number)


def ignore_terminate(ready: Event, limit: float = 30.0) -> None:
    """Ignore the signal that terminate() sends, set `ready`, and sleep for `limit` seconds.

    On Windows nothing can be ignored: there terminate() ends a process as kill() does.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready.set()
    time.sleep(limit)


def sleep_until_ended(limit: float = 30.0) -> None:
    """Sleep, `limit` seconds at most, for somebody else to end this process."""
    time.sleep(limit)
