"""Two imagined processes that take turns: the model of a program, computed without starting any process.

The functions are the real ones. They run in two threads of this process, of which one moves at a time, on
numbers and locks that are plain Python objects. So all schedules of a small program are listed in a moment.
"""

import threading
from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import Any

from helpers.watching.turns import NAMES, Program
from helpers.workers.stepping import run


class _Abandoned(BaseException):
    """Ends the thread of an imagined process that nobody lets go any more."""


class _Lock:
    """A lock that threads can be called away from; `again` is whether its holder may take it once more."""

    def __init__(self, changed: threading.Condition, again: bool) -> None:
        self.changed, self.again, self.depth = changed, again, 0
        self.holder: object = None

    def acquire(self, block: bool = False) -> bool:
        """Return whether this thread has the lock now; nobody waits here."""
        me = threading.current_thread()
        with self.changed:
            if self.depth and not (self.again and self.holder is me):
                return False
            self.holder, self.depth = me, self.depth + 1
            return True

    def release(self) -> None:
        """Give the lock back; errors as multiprocessing's locks have them."""
        with self.changed:
            if self.again and self.holder is not threading.current_thread():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if not self.depth:
                raise ValueError("semaphore or lock released too many times")
            self.depth -= 1
            self.changed.notify_all()


class _Line:
    """The line of an imagined process."""

    def __init__(self, cast: "ImaginedCast", who: str) -> None:
        self._cast, self._who = cast, who
        self.inbox: SimpleQueue[bool] = SimpleQueue()

    def tell(self, kind: str, what: str = "", known: tuple[tuple[str, Any], ...] = ()) -> None:
        """Say where this one is."""
        self._cast.told.put((self._who, kind, what, known))

    def hear(self) -> None:
        """Return when this one may go on."""
        if not self.inbox.get():
            raise _Abandoned

    def take(self, lock: _Lock) -> None:
        """Wait for a lock that another one holds, and take it."""
        with self._cast.changed:
            self._cast.changed.wait_for(lambda: self._cast.closed or lock.acquire())
        if self._cast.closed:
            raise _Abandoned


class ImaginedCast:
    """The threads A and B."""

    def __init__(self, program: Program) -> None:
        """Start both."""
        self.closed = False
        self.changed = threading.Condition()  # around an RLock: a lock is tried while it is held
        self.told: SimpleQueue[tuple[str, str, str, tuple[tuple[str, Any], ...]]] = SimpleQueue()
        self.shared = {name: self._made(it) for name, it in program.shared.items()}
        self._lines = {who: _Line(self, who) for who in NAMES}
        self._threads = [
            threading.Thread(target=self._run, args=(program, who), daemon=True) for who in NAMES
        ]
        for thread in self._threads:
            thread.start()

    def _made(self, it: Any) -> Any:
        if isinstance(it, int):
            return SimpleNamespace(value=it), _Lock(self.changed, again=True)
        return _Lock(self.changed, again=it.__name__ == "RLock")

    def _run(self, program: Program, who: str) -> None:
        try:
            run(
                self._lines[who],
                program.functions[who],
                {name: self.shared[name] for name in program.wanted(who)},
            )
        except _Abandoned:
            return
        except SystemExit as end:
            self._lines[who].tell("gone", f"(exit code {end.code or 0})")

    def receive(self, limit: float) -> tuple[str, str, str, tuple[tuple[str, Any], ...]]:
        """Return the next thing that one of them tells; TimeoutError when none does."""
        try:
            return self.told.get(timeout=limit)
        except Empty:
            raise TimeoutError from None

    def go(self, who: str) -> None:
        """Let one of them go on."""
        self._lines[who].inbox.put(True)

    def numbers(self) -> dict[str, int]:
        """Return the shared numbers."""
        return {name: it[0].value for name, it in self.shared.items() if isinstance(it, tuple)}

    def is_free(self, lock: str) -> bool:
        """Return whether nobody holds the lock."""
        it = self.shared[lock.removesuffix("'s lock")]
        return not (it[1] if isinstance(it, tuple) else it).depth

    def close(self) -> None:
        """End both threads, wherever they wait."""
        self.closed = True
        for line in self._lines.values():
            line.inbox.put(False)
        with self.changed:
            self.changed.notify_all()
        for thread in self._threads:
            thread.join(1)
