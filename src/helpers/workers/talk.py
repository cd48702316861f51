"""A worker that hands its answer back through a pipe."""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:  # a child gets its end of the pipe and needs no second import
    from multiprocessing.connection import Connection
    from typing import Any


def send_answer(connection: Connection[Any, Any], function: Callable[..., Any], *args: Any) -> None:
    """Send `function(*args)` through this end of a pipe and close the end."""
    with connection:
        connection.send(function(*args))
