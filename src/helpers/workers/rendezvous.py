"""Workers that wait for one another, or for the parent: an order of events is made, not hoped for.

One mechanism serves them all: a mark is a file in a folder that they share, left by one and waited for by
another.  No wait lasts longer than its limit, and whoever ends one so leaves the mark GAVE_UP.  While a
process waits, there is a mark named HELD and its PID.  Children import this module, so it takes what it needs
from the standard library and no more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any

GAVE_UP = "gave up"
HELD = "held-"
_PAUSE = 0.01  # seconds between looks


def leave_mark(folder: str, mark: str, text: str = "") -> None:
    """Leave a mark in the folder, with `text` at its end; nothing happens when the folder is gone."""
    try:
        file = os.open(f"{folder}/{mark}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except FileNotFoundError:
        return
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def mark_there(folder: str, mark: str) -> bool:
    """Return whether the mark is in the folder."""
    return os.path.exists(f"{folder}/{mark}")  # noqa: PTH110 - pathlib is slow to import


def wait_for(there: Callable[[], bool], folder: str, limit: float, heed: bool = True) -> None:
    """Wait until `there()` is true, but `limit` seconds at most; then the mark GAVE_UP is left in the folder.

    Nobody waits in a folder that is gone, nor, if they `heed` it, where somebody gave up.
    """

    def over() -> bool:
        return there() or (heed and mark_there(folder, GAVE_UP)) or not os.path.isdir(folder)  # noqa: PTH112

    if over():
        return
    held = f"{HELD}{os.getpid()}"
    leave_mark(folder, held)
    # Looks are counted, not seconds: where everything is slow, the others get more time.
    for _ in range(max(1, round(limit / _PAUSE))):
        time.sleep(_PAUSE)
        if over():
            break
    else:
        leave_mark(folder, GAVE_UP)
    try:  # noqa: SIM105 - contextlib is slow to import
        os.unlink(f"{folder}/{held}")  # noqa: PTH108
    except FileNotFoundError:  # gone with its folder, or another thread of this process waited, too
        pass


class AtBarrier:
    """Called like `function`, it returns the same, after calls of `parties` processes have come to be inside.

    So it is proved without a clock that they worked at one time. Picklable when `function` is. Each process
    leaves a mark called after its PID, a letter long for each call. Calls in the process `main` do not wait.
    """

    def __init__(
        self, function: Callable[..., Any], folder: str, main: int, parties: int, limit: float
    ) -> None:
        """Keep what the child needs."""
        self.function = function
        self.folder = folder
        self.main = main
        self.parties = parties
        self.limit = limit

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return `function(*args, **kwargs)` after the others have come."""
        leave_mark(self.folder, str(os.getpid()), ".")
        if os.getpid() != self.main:
            wait_for(self._all_there, self.folder, self.limit)
        return self.function(*args, **kwargs)

    def _all_there(self) -> bool:
        try:
            marks = os.listdir(self.folder)  # noqa: PTH208
        except FileNotFoundError:
            return True
        return len({mark for mark in marks if mark.isdigit()} - {str(self.main)}) >= self.parties


class WithMarks:
    """Called like `function`, it returns the same; but some items leave a mark first, and some wait for one.

    `leaves` and `waits` name the marks by item; the parent may leave one, too. Each item waits for its own
    mark, whoever gave up on another. Picklable when `function` is.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        folder: str,
        *,
        leaves: Mapping[Any, str] | None = None,
        waits: Mapping[Any, str] | None = None,
        limit: float = 20.0,
    ) -> None:
        """Keep what the child needs."""
        self.function = function
        self.folder = folder
        self.leaves = dict(leaves or {})
        self.waits = dict(waits or {})
        self.limit = limit

    def __call__(self, item: Any) -> Any:
        """Return `function(item)` once the mark that the item waits for is there."""
        if item in self.leaves:
            leave_mark(self.folder, self.leaves[item])
        if item in self.waits:
            wait_for(lambda: mark_there(self.folder, self.waits[item]), self.folder, self.limit, heed=False)
        return self.function(item)


class InReverse:
    """Called like `function`, it returns the same; but the process with an item outlives that with the next.

    So all processes must be at work together, and answers arrive in reverse. Picklable when `function` is.
    A call leaves a mark named after the place of its item, with its PID. Nothing waits in the process `main`.
    """

    def __init__(
        self, function: Callable[[Any], Any], items: Sequence[Any], folder: str, main: int, limit: float
    ) -> None:
        """Keep what the child needs."""
        self.function = function
        self.items = list(items)
        self.folder = folder
        self.main = main
        self.limit = limit

    def __call__(self, item: Any) -> Any:
        """Return `function(item)` after the process with the next item has ended."""
        place = self.items.index(item)
        leave_mark(self.folder, str(place), str(os.getpid()))
        answer = self.function(item)
        if os.getpid() != self.main and place + 1 < len(self.items):
            wait_for(lambda: self._has_ended(place + 1), self.folder, self.limit)
        return answer

    def _has_ended(self, place: int) -> bool:
        import psutil  # a zombie has ended, and only the system can tell

        try:
            with open(f"{self.folder}/{place}") as file:  # noqa: PTH123
                pid = file.read()
            return bool(pid) and psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE
        except FileNotFoundError:
            return False
        except psutil.NoSuchProcess:
            return True


def stay(_: object = None) -> int:
    """Return this process's PID once the folder HELPERS_TRIAL holds a mark "go", or after 60 seconds.

    A mark there, "inside-" and the PID, says that the process is inside.
    """
    folder = os.environ["HELPERS_TRIAL"]
    leave_mark(folder, f"inside-{os.getpid()}")
    wait_for(lambda: mark_there(folder, "go"), folder, 60)
    return os.getpid()
