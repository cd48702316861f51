"""A limit for every test that is not a cell: a test that hangs fails, says where, and the run goes on.

Where nothing reaches the test, as inside a signal's handler that waits, its worker says where all threads are
and ends; pytest-xdist fails the test and starts another worker.
"""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

DEFAULT = 120.0
DEAF = 3  # limits after which a worker ends that does not hear of them


def limit_of(item: pytest.Item) -> float:
    """Return the seconds of the item's `limit` marker, or the default."""
    marker = item.get_closest_marker("limit")
    return float(marker.args[0]) if marker else DEFAULT


@contextlib.contextmanager
def limited(seconds: float, stderr: int) -> Iterator[None]:
    """Let the block end within the limit, or fail where it is; only the main thread can be limited.

    A worker that ends itself writes into the file descriptor `stderr`.
    """
    message = (
        f"the test did not end within its limit of {seconds:g} s (mark it limit(seconds) to change that)"
    )
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if "PYTEST_XDIST_WORKER" in os.environ:
        faulthandler.dump_traceback_later(DEAF * seconds, exit=True, file=stderr)
    try:
        yield from (_by_signal if hasattr(signal, "setitimer") else _by_interrupt)(seconds, message)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _by_signal(seconds: float, message: str) -> Iterator[None]:
    def stop(*_: Any) -> None:
        pytest.fail(message)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 10.0)  # again, should the test swallow the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _by_interrupt(seconds: float, message: str) -> Iterator[None]:
    """Windows has no alarm: a thread interrupts the main thread, which sees it between two waits."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        _thread.interrupt_main()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if late.is_set():
            pytest.fail(message)
        raise
    finally:
        timer.cancel()
