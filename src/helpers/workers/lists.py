"""Workers that change what they were given."""

from typing import Any


def append_to(items: list[Any], value: Any = "from the child") -> list[Any]:
    """Append the value to the list, which in a child is the child's own copy, and return it."""
    items.append(value)
    return items
