"""The worker's side of `watch` on a dask cluster: each task reports its start and end to the scheduler.

Files would not do: the workers' hosts have other disks. What a worker reported before it was killed has
arrived, since events travel before the task goes on.
"""

from __future__ import annotations

import os
import time

from helpers.workers.tracing import ENDED, EXITED, RAISED, STARTED

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Reported:
    """A picklable stand-in for `function` that takes numbered items and reports when each starts and ends."""

    def __init__(self, function: Callable[..., Any], topic: str) -> None:
        """Keep what to call, and the topic of the events."""
        self.function = function
        self.topic = topic
        self.__name__ = getattr(function, "__name__", "task")  # dask shows it

    def __call__(self, numbered: Any, *rest: Any, **extra: Any) -> Any:
        """Return what the function returns for the item."""
        if type(numbered) is tuple:
            number, item = numbered
            arguments = (item, *rest)
        else:
            number, arguments = numbered, (*rest[0], *rest[1:])
        self._report(number, STARTED)
        fate = EXITED
        try:
            result = self.function(*arguments, **extra)
            fate = ENDED
            return result
        except Exception:
            fate = RAISED
            raise
        finally:
            self._report(number, fate)

    def _report(self, number: int, fate: int) -> None:
        from distributed import get_worker

        get_worker().log_event(
            self.topic, {"task": number, "fate": fate, "time": time.time(), "pid": os.getpid()}
        )
