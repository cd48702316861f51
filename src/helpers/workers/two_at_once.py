"""Functions that two processes run at once, with marks where a scheduler lets them pass one at a time."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any


def add_one(total: Any, step: Any) -> None:
    """Add one to the total: read it, then write it."""
    step("read")
    seen = total.value
    step("write")
    total.value = seen + 1


def add_one_locked(total: Any, step: Any) -> None:
    """Add one to the total, with the total's lock around both steps."""
    step("lock")
    with total.get_lock():
        step("read")
        seen = total.value
        step("write")
        total.value = seen + 1


def pay(left: Any, right: Any, step: Any) -> None:
    """Move 10 from left to right: lock left, then right."""
    step("lock left")
    with left.get_lock():
        step("lock right")
        with right.get_lock():
            left.value -= 10
            right.value += 10


def pay_back(left: Any, right: Any, step: Any) -> None:
    """Move 20 from right to left: lock right, then left."""
    step("lock right")
    with right.get_lock():
        step("lock left")
        with left.get_lock():
            right.value -= 20
            left.value += 20


def pay_back_in_order(left: Any, right: Any, step: Any) -> None:
    """Move 20 from right to left: lock left, then right, as `pay` does."""
    step("lock left")
    with left.get_lock():
        step("lock right")
        with right.get_lock():
            right.value -= 20
            left.value += 20


def book(seats: Any, sold: Any, step: Any) -> None:
    """Sell a seat if there is one: look, then take it."""
    step("look")
    if seats.value > 0:
        step("take")
        seats.value -= 1
        sold.value += 1
