"""Workers that change what they were given."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any


def append_to(items: list[Any], value: Any = "from the child") -> list[Any]:
    """Append the value to the list, which in a child is the child's own copy, and return it."""
    items.append(value)
    return items
