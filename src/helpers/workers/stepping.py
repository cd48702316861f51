"""A process that goes step by step: at each mark it waits until the parent lets it pass.

The function that runs here is an ordinary worker with marks, `step("read")`, in it. The locks and shared
numbers that it gets are real; they are wrapped, so that the parent hears which lock was taken, which one is
waited for, and which one was given back. A process also stops by itself before it takes a lock, unless it
passed a mark right before: what it did since then and the taking are two things, and others may come between.
Children import this module, so it imports as little as it can.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing.process import parent_process

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from typing import Any, Protocol

    class Line(Protocol):
        """What connects a process, a real or an imagined one, with whoever lets it go on."""

        def tell(self, kind: str, what: str = "", known: tuple[tuple[str, Any], ...] = ()) -> None:
            """Say where this process is."""

        def hear(self) -> None:
            """Return when this process may go on."""

        def take(self, lock: Any) -> None:
            """Wait for a lock that another process holds, and take it."""


LIMIT = 600.0  # seconds that a process waits for its turn, or for a lock, at most
_LOOK = 1.0  # seconds between looks whether the parent still lives
_SHOWN = (bool, float, int, str)  # what a mark tells of the function's variables


class Pipe:
    """The line of a real process: one end of a pipe. Whoever is left alone, or waits too long, leaves."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        """Keep this process's end of the pipe."""
        self._connection = connection

    def tell(self, kind: str, what: str = "", known: tuple[tuple[str, Any], ...] = ()) -> None:
        """Say where this process is."""
        self._connection.send((kind, what, known))

    def hear(self) -> None:
        """Return when the parent says that this process may go on."""
        _until(lambda: self._connection.poll(_LOOK))
        try:
            self._connection.recv()
        except EOFError:  # the parent has gone
            os._exit(1)

    def take(self, lock: Any) -> None:
        """Wait for a lock that another process holds, and take it."""
        _until(lambda: lock.acquire(timeout=_LOOK))


def _until(come: Callable[[], bool]) -> None:
    """Return as soon as it has come; this process ends without its parent, and after the limit."""
    parent: Any = parent_process()
    for _ in range(round(LIMIT / _LOOK)):
        if come():
            return
        if not parent.is_alive():
            break
    os._exit(1)


class Step:
    """What a function calls at its marks: `step("read")` returns when the parent lets this process pass."""

    def __init__(self, line: Line) -> None:
        """Keep the line to the parent."""
        self.line = line
        self.has_begun = False  # passed a mark
        self.is_fresh = False  # passed a mark, and took no lock since

    def __call__(self, mark: str) -> None:
        """Tell where this process is, with the plain values of the caller's variables, and wait."""
        names = sys._getframe(1).f_locals.items()
        self.stop(str(mark), tuple((name, it) for name, it in names if type(it) in _SHOWN))

    def stop(self, mark: str, known: tuple[tuple[str, Any], ...] = ()) -> None:
        """Wait until this process may pass."""
        self.line.tell("before", mark, known)
        self.line.hear()
        self.has_begun = self.is_fresh = True


class TellingLock:
    """A lock whose process tells when it takes it, when it has to wait for it, and when it gives it back."""

    def __init__(self, name: str, lock: Any, step: Step) -> None:
        """Keep the lock itself, which any other process may hold."""
        self._name, self._lock, self._step, self._depth = name, lock, step, 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Return whether this process has the lock now; ValueError for a timeout, which needs a clock."""
        if timeout is not None:
            raise ValueError("here turns are counted, not seconds: acquire the lock without a timeout")
        if not (self._depth or self._step.is_fresh):
            self._step.stop(f"take {self._name}")
        return self.take(block)

    def take(self, block: bool = True) -> bool:
        """Return whether this process has the lock now."""
        line = self._step.line
        waits = not self._lock.acquire(block=False)
        if waits and not block:
            return False
        if waits:
            line.tell("waits", self._name)
            line.take(self._lock)
        self._depth += 1
        self._step.is_fresh = False
        if self._depth == 1:
            line.tell("took", self._name)
        if waits:  # the one that gave it back goes on to its next mark first
            line.hear()
        return True

    def release(self) -> None:
        """Give the lock back; the lock's own error where this process does not have it."""
        self._lock.release()
        self._depth -= 1
        if self._depth <= 0:
            self._step.line.tell("freed", self._name)

    def __enter__(self) -> bool:
        """Take the lock."""
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        """Give the lock back."""
        self.release()


class TellingValue:
    """A shared number, used as a multiprocessing.Value is: its lock is taken for each reading and writing."""

    def __init__(self, name: str, number: Any, lock: Any, step: Step) -> None:
        """Keep the number, something with a `value`, and wrap its lock."""
        self._name, self._number, self._step = name, number, step
        self._lock = TellingLock(f"{name}'s lock", lock, step)

    @property
    def value(self) -> Any:
        """The number."""
        self._take("read")
        try:
            return self._number.value
        finally:
            self._lock.release()

    @value.setter
    def value(self, number: Any) -> None:
        self._take("write")
        try:
            self._number.value = number
        finally:
            self._lock.release()

    def _take(self, what: str) -> None:
        if not self._step.has_begun:  # else it would go before anybody is let go
            self._step.stop(f"{what} {self._name}")
        self._lock.take()

    def get_lock(self) -> TellingLock:
        """Return the number's lock."""
        return self._lock

    def __enter__(self) -> bool:
        """Take the number's lock."""
        return self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        """Give it back."""
        self._lock.release()


def run(line: Line, function: Callable[..., object], shared: Mapping[str, Any]) -> None:
    """Call the function with its shared things and `step`, and tell how it came out.

    A shared thing is a lock, or a pair of a number (something with a `value`) and its lock.
    """
    step = Step(line)
    telling = {
        name: TellingValue(name, it[0], it[1], step) if isinstance(it, tuple) else TellingLock(name, it, step)
        for name, it in shared.items()
    }
    try:
        function(**telling, step=step)
    except Exception as error:
        line.tell("raised", f"{type(error).__name__}: {error}")
    else:
        line.tell("ended")


def run_in_process(
    connection: Connection[Any, Any], function: Callable[..., object], shared: Mapping[str, Any]
) -> None:
    """Run the function as a process whose other end of the pipe the parent has."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Stop and Ctrl-C are for the parent, which ends this one
    pairs = {
        name: (it.get_obj(), it.get_lock()) if hasattr(it, "get_obj") else it for name, it in shared.items()
    }
    with connection:
        run(Pipe(connection), function, pairs)
