"""A worker that unpickles what it is sent, and says how it went."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from typing import Any


def unpack_all(connection: Connection[Any, Any]) -> None:
    """Answer each message with "" when it can be unpickled, else with the error, until None comes."""
    with connection:
        while (message := connection.recv()) is not None:
            connection.send(_error_of(message))


def _error_of(message: bytes) -> str:
    from multiprocessing.reduction import ForkingPickler

    try:
        ForkingPickler.loads(message)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
