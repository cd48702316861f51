"""Workers that hold memory."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:  # a child gets the events themselves and needs no second import
    from multiprocessing.synchronize import Event


def hold(megabytes: int, ready: Event, told: Event, limit: float = 30.0) -> int:
    """Fill memory, set `ready`, keep it until `told` is set or `limit` seconds passed, return its bytes."""
    block = b"\x01" * (megabytes * 2**20)  # not zeros: those the system would not have to store
    ready.set()
    told.wait(limit)
    return len(block)
