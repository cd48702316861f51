"""What a call shaped like `map` tells about its run before it starts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from multiprocessing.pool import Pool
from typing import Any

from helpers.pools.chunks import default_chunksize
from helpers.processes.multiprocessing_internals import number_of_workers
from helpers.views.words import plural


@dataclass(frozen=True)
class Plan:
    """What is known before the run: tasks, workers offered and what they are, and the size of the chunks.

    `called` names the tasks where their number differs from machine to machine; `bar` is what a bar of the
    picture is.
    """

    tasks: int
    offered: int | None
    noun: str
    chunksize: int | None
    called: str = ""
    bar: str = "task"

    @property
    def serial(self) -> bool:
        """Whether the call does everything in the process that calls it."""
        return self.noun == "process"

    def __str__(self) -> str:
        """Return a sentence such as "8 tasks on 4 workers"."""
        tasks = self.called or plural(self.tasks, "task")
        if self.serial:
            return f"{tasks} in this process"
        return f"{tasks} on {plural(self.offered, self.noun)}" if self.offered else tasks


def plan(call: Callable[..., Any], tasks: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Plan:
    """Return what the call and its arguments tell about the run."""
    while isinstance(call, partial):
        args, kwargs, call = (*call.args, *args), {**call.keywords, **kwargs}, call.func
    if call in (map, starmap) or not kwargs.get("pm_parallel", True):
        return Plan(tasks, None, "process", None)
    pool = kwargs.get("pm_pool")
    owner = getattr(call, "__self__", None) if pool is None else pool
    kind = type(owner).__name__
    noun = "thread" if "Thread" in kind else "interpreter" if "Interpreter" in kind else "worker"
    offered = number_of_workers(owner) or kwargs.get("pm_processes")
    if not isinstance(offered, int):
        offered = None if of_parmap(call) else 0  # parmap starts its own workers, of others nothing is known
    return Plan(tasks, offered, noun, _chunksize(call, tasks, offered, args, kwargs))


def _chunksize(
    call: Callable[..., Any], tasks: int, offered: int | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> int | None:
    """Return the size of the chunks in which the call hands out its tasks; None when it cannot be known."""
    given = kwargs.get("chunksize", kwargs.get("pm_chunksize"))
    if given is None and of_a_pool(call) and args:
        given = args[0]
    if isinstance(given, int) and given > 0:
        return given
    if of_a_pool(call) or of_parmap(call):
        if getattr(call, "__name__", "").startswith("imap"):
            return 1
        return default_chunksize(tasks, offered) if offered else None
    return 1 if hasattr(getattr(call, "__self__", None), "submit") else None


def of_a_pool(call: Callable[..., Any]) -> bool:
    """Tell whether the call is a method of a multiprocessing Pool."""
    return isinstance(getattr(call, "__self__", None), Pool)


def of_parmap(call: Callable[..., Any]) -> bool:
    """Tell whether the call is one of parmap's four functions."""
    return (getattr(call, "__module__", None) or "").split(".")[0] == "parmap"
