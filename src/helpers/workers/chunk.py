"""What a worker does with a chunk: one task of an executor, several items."""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any


def run_chunk(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Return the function's results for the items of one chunk, in order."""
    return [function(item) for item in items]
