"""Workers that share something with others."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def many_times(times: int, function: Callable[..., Any], *args: Any) -> None:
    """Call `function(*args)` so many times."""
    for _ in range(times):
        function(*args)


def inverted(byte: int) -> int:
    """Return the byte with its bits turned over."""
    return 255 - byte


def inverted_or_error(byte: int) -> int:
    """Return the byte with its bits turned over; ValueError for 13."""
    if byte == 13:
        raise ValueError("13 brings bad luck")
    return 255 - byte
