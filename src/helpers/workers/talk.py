"""Workers that hand an answer back through a queue or a pipe."""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:  # a child gets its end of the queue or pipe and needs no second import
    from multiprocessing.connection import Connection
    from multiprocessing.queues import Queue, SimpleQueue
    from typing import Any


def put_answer(queue: Queue[Any] | SimpleQueue[Any], function: Callable[..., Any], *args: Any) -> None:
    """Put `function(*args)` into the queue."""
    queue.put(function(*args))


def send_answer(connection: Connection[Any, Any], function: Callable[..., Any], *args: Any) -> None:
    """Send `function(*args)` through this end of a pipe and close the end."""
    with connection:
        connection.send(function(*args))
