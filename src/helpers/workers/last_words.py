"""A worker that says whether it could tidy up before its end, and the ways to end it from outside."""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:  # a child gets its end of the pipe and needs no second import
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess


def last_words(connection: Connection[str, str], line: str, limit: float = 30.0) -> None:
    """Send "inside", run the line of Python, and send "tidied up" from a `finally` block.

    A line that ends a child from outside (`stop` knows them) is for the parent: this process waits for it,
    `limit` seconds at most. Tracebacks go nowhere, so that an intended one does not reach the page.
    """
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - it stays open until the process ends
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job of a shell's background ignores it
    try:
        connection.send("inside")
        if line in _STOPS:
            _wait_in_naps(limit)
        else:
            exec(line, {"os": os, "sys": sys})
    finally:
        connection.send("tidied up")


def _wait_in_naps(limit: float) -> None:
    """Wait `limit` seconds: SIGINT in the moment before one long sleep would be heard only after it."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        time.sleep(0.05)


def stop(child: BaseProcess, line: str) -> None:
    """End the child from outside when the line is `child.terminate()`, `child.kill()` or `child.interrupt()`.

    Any other line is the child's own affair, and nothing happens. The signal of `interrupt()`, a method since
    Python 3.14, is sent by PID. On Windows all three end the child at once.
    """
    if line in _STOPS:
        _STOPS[line](child)


def _interrupt(child: BaseProcess) -> None:
    if sys.platform != "win32" and child.pid is not None:
        os.kill(child.pid, signal.SIGINT)
    else:
        child.terminate()


_STOPS = {
    "child.terminate()": lambda child: child.terminate(),
    "child.kill()": lambda child: child.kill(),
    "child.interrupt()": _interrupt,
}
