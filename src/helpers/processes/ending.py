"""End processes: the only place that does, and only those that are told by more than their PID."""

import contextlib
import time
from collections.abc import Callable, Iterable

import psutil

from helpers.processes.roles import TRACKER, is_alive, role

LIMIT = 5.0  # seconds that a resource tracker has to unlink what it knows and leave


def end(find: Callable[[], Iterable[psutil.Process]], limit: float = LIMIT) -> list[psutil.Process]:
    """End all that `find()` returns until it finds nothing alive; return what is left after twice the limit.

    It is asked again and again: a process may have started another one meanwhile. Resource trackers go last
    and by themselves: they see that all others are gone, and unlink what those have left.
    """
    began = time.monotonic()
    while alive := [process for process in find() if is_alive(process)]:
        late = time.monotonic() - began - limit
        for process in alive:
            if late > 0 or role(process).name != TRACKER:
                with contextlib.suppress(psutil.Error):
                    process.kill()  # psutil asks once more whether the PID still belongs to this process
        if late > limit:
            return alive
        time.sleep(0.02)
    return []
