"""See which processes an answer really used, whatever it used to start them."""

import multiprocessing.pool
import multiprocessing.process
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from helpers.exercises.judging.marks import marks
from helpers.exercises.judging.registry import NotYet
from helpers.workers.rendezvous import GAVE_UP, AtBarrier


class Observation:
    """Which processes took tasks while `observed()` looked, how many each, and whether at one time."""

    def __init__(self, folder: str, size: int) -> None:
        """Nothing is known until `read`."""
        self._folder = Path(folder)
        self._size = size
        self.calls: dict[int, int] = {}
        self.met = False

    def read(self) -> None:
        """Keep what the folder says; it is removed afterwards."""
        files = [file for file in self._folder.iterdir() if file.name.isdigit()]
        self.calls = {int(file.name): file.stat().st_size for file in files}
        self.met = len(self.workers) >= self._size and not (self._folder / GAVE_UP).exists()

    @property
    def workers(self) -> set[int]:
        """Return the PIDs of the processes that took a task, this one left out."""
        return set(self.calls) - {os.getpid()}

    @property
    def tasks(self) -> int:
        """Return how many tasks all processes took."""
        return sum(self.calls.values())

    def require_parallel(self) -> None:
        """Raise NotYet unless at least two other processes were inside a task at one time."""
        if not self.workers:
            raise NotYet(
                "the result is right, but no other process took part: hand the work to a pool or a Process"
            )
        if len(self.workers) < self._size:
            raise NotYet(
                f"the result is right, but one process did all {self.tasks} tasks: look at the number of "
                "workers, at `chunksize`, and at whether you wait for each answer before the next task"
            )
        if not self.met:
            raise NotYet(
                f"the result is right, but the {len(self.workers)} processes worked one after the other: "
                "start all of them before you wait for the first"
            )


@contextmanager
def observed(size: int = 2, limit: float = 5.0) -> Iterator[Observation]:
    """Yield an Observation of the tasks that processes take in this block, complete when it ends.

    Sees `Process(target=...)`, every method of `Pool` (and so parmap), and `ProcessPoolExecutor`.  A task
    waits, at most `limit` seconds, until tasks of `size` processes are under way: that proves that they
    worked at one time without looking at a clock.  A Process subclass with its own `run` is not seen.
    """
    main = os.getpid()

    def meet(function: Any) -> Any:
        return function if isinstance(function, AtBarrier) else AtBarrier(function, folder, main, size, limit)

    pool = multiprocessing.pool.Pool
    with ExitStack() as stack:
        folder = stack.enter_context(marks())
        observation = Observation(folder, size)
        takers: list[tuple[type, str]] = [(ProcessPoolExecutor, "submit")]
        takers += [(pool, name) for name in ("_map_async", "apply_async", "imap", "imap_unordered")]
        for owner, name in takers:
            stack.enter_context(patch.object(owner, name, _with_meeting(getattr(owner, name), meet)))
        process = multiprocessing.process.BaseProcess
        stack.enter_context(patch.object(process, "start", _start(process.start, meet)))
        stack.callback(observation.read)
        yield observation


@contextmanager
def met(function: Callable[..., Any], size: int, limit: float) -> Iterator[tuple[AtBarrier, Observation]]:
    """Yield the function, made to wait until `size` processes are inside it, and what was seen of them."""
    with marks() as folder:
        seen = Observation(folder, size)
        yield AtBarrier(function, folder, os.getpid(), size, limit), seen
        seen.read()


def _with_meeting(method: Callable[..., Any], meet: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return `method` of a pool with its first argument, the function for the workers, replaced."""

    def replaced(pool: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        return method(pool, meet(function), *args, **kwargs)

    return replaced


def _start(start: Callable[[Any], None], meet: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Return `Process.start` that replaces a target which is not the library's own."""

    def replaced(process: Any) -> None:
        home = getattr(process._target, "__module__", None) or ""
        if process._target is not None and not home.startswith(("multiprocessing.", "concurrent.")):
            process._target = meet(process._target)
        start(process)

    return replaced
