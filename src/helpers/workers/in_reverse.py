"""Workers that are hard to gather answers from: the first ends last, one dies, one has much to say."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any


class InReverse:
    """Called like `function`, it returns the same; but the process with an item outlives that with the next.

    So all processes must be at work together, and answers arrive in reverse. Picklable when `function` is.
    Each call leaves its PID in `folder`, in a file named after the item's place. After `limit` seconds nobody
    waits any more, and `folder` holds a file "alone". Calls in the process `main` never wait.
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
        with open(f"{self.folder}/{place}.part", "w") as file:  # noqa: PTH123 - pathlib is slow to import
            file.write(str(os.getpid()))
        os.replace(f"{self.folder}/{place}.part", f"{self.folder}/{place}")  # noqa: PTH105 - whole or not at all
        answer = self.function(item)
        if os.getpid() != self.main and place + 1 < len(self.items):
            self._wait_for_end_of(place + 1)
        return answer

    def _wait_for_end_of(self, place: int) -> None:
        deadline = time.monotonic() + self.limit
        alone = f"{self.folder}/alone"
        while not os.path.exists(alone) and not self._has_ended(place):  # noqa: PTH110
            if time.monotonic() > deadline:
                open(alone, "w").close()  # noqa: PTH123
            time.sleep(0.01)

    def _has_ended(self, place: int) -> bool:
        import psutil  # a zombie has ended, and only the system can tell

        try:
            with open(f"{self.folder}/{place}") as file:  # noqa: PTH123
                return psutil.Process(int(file.read())).status() == psutil.STATUS_ZOMBIE
        except FileNotFoundError:
            return False
        except psutil.NoSuchProcess:
            return True


def shout_or_die(word: str) -> str:
    """Return the word in capitals; for "die" the process ends at once, without an answer."""
    if word == "die":
        os._exit(1)
    return word.upper()


def repeat(times: int) -> str:
    """Return a text of so many letters; a million does not fit into a pipe at once."""
    return "x" * times
