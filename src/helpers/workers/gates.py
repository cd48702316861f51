"""A worker that waits at a gate for another task or for the parent: so an order of events is made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any


class Gate:
    """Called like `function`, it returns the same; but some items leave a mark first, and some wait for one.

    `leaves` and `waits` name the marks by item; a mark is an empty file in `folder`, and the parent may make
    one, too. Whoever waits longer than `limit` seconds leaves the mark "gave up" and goes on. Picklable when
    `function` is.
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
        if item in self.waits and not self._has_come(self.waits[item]):
            leave_mark(self.folder, "gave up")
        return self.function(item)

    def _has_come(self, mark: str) -> bool:
        # Looks are counted, not seconds: where everything is slow, the others get more time.
        for _ in range(max(1, round(self.limit / 0.01))):
            if mark_there(self.folder, mark) or not os.path.isdir(self.folder):  # noqa: PTH112 - nobody is left
                return True
            time.sleep(0.01)
        return False


def leave_mark(folder: str, mark: str) -> None:
    """Leave a mark in the folder."""
    open(f"{folder}/{mark}", "w").close()  # noqa: PTH123 - pathlib is slow to import


def mark_there(folder: str, mark: str) -> bool:
    """Return whether the mark is in the folder."""
    return os.path.exists(f"{folder}/{mark}")  # noqa: PTH110
