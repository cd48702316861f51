"""Prove that tasks run at the same time in different processes, without a clock.

A task that enters waits inside until tasks of enough other processes have come: whoever leaves has met them.
Children import this module, so it takes what it needs from the standard library and no more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any


class Meeting:
    """Called like `function`, it returns the same, after `size` processes have come to be inside a call.

    Picklable when `function` is.  Calls are counted in `folder`, one file a process.  After `limit` seconds
    without a meeting nobody waits any more.  Calls in the process `main` are counted but do not wait.
    """

    def __init__(self, function: Callable[..., Any], folder: str, main: int, size: int, limit: float) -> None:
        """Keep what the child needs."""
        self.function = function
        self.folder = folder
        self.main = main
        self.size = size
        self.limit = limit

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return `function(*args, **kwargs)` after the others have come."""
        own = os.path.join(self.folder, str(os.getpid()))  # noqa: PTH118 - pathlib is slow to import
        file = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, b".")
        finally:
            os.close(file)
        if os.getpid() != self.main:
            self._wait()
        return self.function(*args, **kwargs)

    def _wait(self) -> None:
        deadline = time.monotonic() + self.limit
        alone = os.path.join(self.folder, "alone")  # noqa: PTH118
        while not os.path.exists(alone):  # noqa: PTH110
            if len(set(os.listdir(self.folder)) - {str(self.main)}) >= self.size:  # noqa: PTH208
                return
            if time.monotonic() > deadline:
                os.close(os.open(alone, os.O_WRONLY | os.O_CREAT, 0o600))
                return
            time.sleep(0.005)
