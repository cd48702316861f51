"""What the methods of a pool or an executor do, found out by calling them.

No answer is looked up: each one is the outcome of a small experiment with two workers. Tasks wait for marks
that other tasks or the parent leave, so that what is found does not depend on who is fast.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from math import isqrt
from multiprocessing.pool import AsyncResult, Pool
from typing import TYPE_CHECKING, Any

from helpers.processes.folders import own_folder
from helpers.workers.rendezvous import GAVE_UP, WithMarks, leave_mark

if TYPE_CHECKING:
    from helpers.views.table import Table

COLUMNS = (
    "method", "blocks?", "several arguments?", "in order?", "answers come", "reads its input",
    "error comes", "can time out?",
)  # fmt: skip
POOL_METHODS = (
    ("apply", 1), ("map", 1), ("starmap", 1), ("imap", 1), ("imap", 4), ("imap_unordered", 1),
    ("imap_unordered", 4), ("apply_async", 1), ("map_async", 1), ("starmap_async", 1),
)  # fmt: skip
EXECUTOR_METHODS = (("submit", 1), ("map", 1), ("map", 4))

_LIMIT = 30.0  # seconds for anything that has to come
_PATIENCE = 1.0  # seconds that a task waits for its call to return; a call that blocks takes so long
_MOMENT = 0.15  # seconds after which what cannot come is given up, and reading that stands still is over
_LONG = [bytes(100_000)] * 60  # far more than the pipe to the workers holds
_TIMEOUTS = (multiprocessing.TimeoutError, FutureTimeoutError)


def compare_methods(workers: Pool | Executor) -> "Table":
    """Return one row for each method of a pool or an executor that has two workers, each answer tried out.

    It takes about a second for each method that blocks. Raises TypeError for anything else than a pool or an
    executor, TimeoutError when its workers do not start to work.
    """
    from helpers.views.table import Table

    if not isinstance(workers, Pool | Executor):
        raise TypeError(f"compare_methods wants a Pool or an executor, not {workers!r}")
    methods = POOL_METHODS if isinstance(workers, Pool) else EXECUTOR_METHODS
    rows = [_row(Method(workers, name, chunksize)) for name, chunksize in methods]
    return Table(COLUMNS, rows, code=("method", "several arguments?"))


@dataclass(frozen=True)
class Method:
    """One method of a pool or an executor, called in the way that is its own, with chunks of one size."""

    workers: Any
    name: str
    chunksize: int = 1

    def __str__(self) -> str:
        """Return the name, and the chunk size where it is not 1."""
        return self.name if self.chunksize == 1 else f"{self.name}, chunksize={self.chunksize}"

    @property
    def takes_one_task(self) -> bool:
        """Whether a call is one task, not a list of them."""
        return self.name.startswith(("apply", "submit"))

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], **more: Any) -> Any:
        """Return what the method gives back when `function` is called with each item, or with the first."""
        call = getattr(self.workers, self.name)
        if self.name.startswith("apply"):
            return call(function, tuple(items)[:1])
        if self.name == "submit":
            return call(function, *tuple(items)[:1])
        if self.name.startswith("starmap"):
            items = ((item,) for item in items)
        return call(function, items, chunksize=self.chunksize, **more)


def _row(method: Method) -> tuple[str | None, ...]:
    blocks = _blocks(method)
    return (
        str(method),
        "yes" if blocks else "no",
        _several_arguments(method),
        _in_order(method),
        _answers_come(method, blocks),
        _reads(method),
        _error_appears(method, blocks),
        _can_time_out(method, blocks),
    )


def _blocks(method: Method) -> bool:
    """Return whether a task waits in vain for its call to return."""
    with _folder() as (folder, marks):
        handle = method(WithMarks(abs, folder, waits={0: "returned"}, limit=_PATIENCE), [0])
        leave_mark(folder, "returned")
        _take_all(handle)
        return GAVE_UP in marks()


def _in_order(method: Method) -> str | None:
    """Return "yes" when the answers stand in the order of the items though the first task ends last.

    The first chunk ends only after the third has begun, and the worker that begins the third has handed in
    the answers of the second. None for a single task.
    """
    if method.takes_one_task:
        return None
    items = list(range(3 * method.chunksize))
    third = 2 * method.chunksize
    with _folder() as (folder, marks):
        gate = WithMarks(abs, folder, leaves={third: "third begun"}, waits={0: "third begun"}, limit=_LIMIT)
        answers = _take_all(method(gate, items))
        if GAVE_UP in marks():
            raise TimeoutError("only one worker took tasks: give compare_methods a pool of two")
        return "yes" if answers == items else "no"


def _answers_come(method: Method, blocks: bool) -> str | None:
    """Return what comes together: the answers of one item, of one chunk, or all of them.

    The second item is held up while the first answer is asked for. A chunk of several items has no answer
    that can be asked for with a limit: there the held item gives up, and the first answer comes after it.
    """
    if method.takes_one_task:
        return None
    if blocks:
        return "all at once"
    size = method.chunksize
    with _folder() as (folder, marks):
        limit = _MOMENT if size > 1 else _LIMIT
        waits = {1: "open"} | dict.fromkeys(range(size, 3 * size), "all open")
        handle = method(WithMarks(abs, folder, waits=waits, limit=limit), range(3 * size))
        try:
            if not _gives_first(handle):
                return "all at once"
            return "chunk by chunk" if GAVE_UP in marks() else "one by one"
        finally:
            leave_mark(folder, "open")
            leave_mark(folder, "all open")
            _take_all(handle)


def _reads(method: Method) -> str | None:
    """Return how much of a long input is read while all workers are held up; None for a single task."""
    if method.takes_one_task:
        return None
    read: list[int] = []
    with _folder() as (folder, _):
        gate = WithMarks(len, folder, waits={_LONG[0]: "open"}, limit=_LIMIT)
        handle = method(gate, _noting(_LONG, read, lambda: leave_mark(folder, "open")))
        try:
            before = -1
            while before != len(read) < len(_LONG):
                before = len(read)
                time.sleep(_MOMENT)
            return "to its end" if len(read) == len(_LONG) else "until the pipe is full"
        finally:
            leave_mark(folder, "open")
            _take_all(handle)


def _several_arguments(method: Method) -> str:
    """Return how two arguments go in, or "no" when the function gets a tuple as its only one."""
    call = getattr(method.workers, method.name)
    arguments: tuple[Any, ...] = ([(2, 5)],)
    form = "[(a, b), ...]"
    if method.name.startswith("apply"):
        arguments, form = ((2, 5),), "(a, b)"
    elif method.name == "submit":
        arguments, form = (2, 5), "a, b"
    elif isinstance(method.workers, Executor):
        arguments, form = ([2], [5]), "[a, ...], [b, ...]"
    try:
        answers = _take_all(call(pow, *arguments))
    except TypeError:
        return "no"
    return form if answers == [32] else "no"


def _error_appears(method: Method, blocks: bool) -> str:
    """Return where the exception of one task that fails comes out, when, and which other answers do.

    The third task fails; the tasks behind its chunk are held up until somebody has heard of it.
    """
    items = [-1] if method.takes_one_task else [0, 1, -1, *range(9, 9 + 4 * method.chunksize)]
    with _folder() as (folder, marks):
        waits = dict.fromkeys(items[max(3, method.chunksize) :], "heard")
        gate = WithMarks(isqrt, folder, waits=waits, limit=_MOMENT if blocks else _LIMIT)
        where = "in the call"
        try:
            handle = method(gate, items)
            where = "in result()" if isinstance(handle, Future) else "in get()"
            if hasattr(handle, "__next__"):
                return _error_among_answers(handle, lambda: leave_mark(folder, "heard"))
            if not _raises_now(handle):
                where += ", at the end"
                leave_mark(folder, "heard")
            _take_all(handle)
        except ValueError:
            return where + ", at the end" * (GAVE_UP in marks())
    return "nowhere"


def _error_among_answers(answers: Iterator[Any], heard: Callable[[], None]) -> str:
    """Return whether the neighbours of the item that failed came, and whether anything came after it."""
    came: list[Any] = []
    while not came or not isinstance(came[-1], ValueError | StopIteration):
        came.append(_next_or_error(answers))
    heard()
    after: list[Any] = []
    while not after or not isinstance(after[-1], StopIteration):
        after.append(_next_or_error(answers))
    where = "at its item" if {0, 1} <= {*came, *after} else "instead of its chunk"
    return f"{where}, {'goes on' if len(after) > 1 else 'ends'}"


def _raises_now(handle: Any) -> bool:
    """Return whether the exception of a task comes out while other tasks are held up."""
    try:
        _ = handle.result(_MOMENT) if isinstance(handle, Future) else handle.get(_MOMENT)
    except _TIMEOUTS:
        return False
    except ValueError:
        return True
    return False


def _can_time_out(method: Method, blocks: bool) -> str:
    """Return what takes a timeout, tried on a task that does not end before it."""
    own = "timeout" in signature(getattr(method.workers, method.name)).parameters
    if blocks and not own:
        return "no"
    with _folder() as (folder, _):
        gate = WithMarks(abs, folder, waits={0: "open"}, limit=_LIMIT)
        handle = method(gate, [0], **({"timeout": _MOMENT} if own else {}))
        ask = next((name for name in ("get", "result", "next") if hasattr(handle, name)), "")
        if not ask and not own:
            leave_mark(folder, "open")
            _take_all(handle)
            return "no"
        try:
            _ = getattr(handle, ask)(_MOMENT) if ask else next(handle)
        except _TIMEOUTS:
            return f"{ask}(timeout)" if ask else f"{method.name}(timeout=)"
        finally:
            leave_mark(folder, "open")
            _take_all(handle)
    return "no"


def _take_all(handle: Any) -> list[Any]:
    """Return all answers behind what a method gave back: a list, a handle, an iterator or one answer."""
    if hasattr(handle, "__next__"):
        answers = []
        while True:
            try:
                answers.append(_next(handle))
            except StopIteration:
                return answers
    if isinstance(handle, AsyncResult):
        handle = handle.get(_LIMIT)
    elif isinstance(handle, Future):
        handle = handle.result(_LIMIT)
    return handle if isinstance(handle, list) else [handle]


def _next(handle: Any) -> Any:
    return handle.next(_LIMIT) if hasattr(handle, "next") else next(handle)


def _next_or_error(handle: Any) -> Any:
    """Return the next answer, or what is raised in its place."""
    try:
        return _next(handle)
    except (ValueError, StopIteration) as error:
        return error


def _gives_first(handle: Any) -> bool:
    """Return whether an answer can be had while other tasks are held up."""
    if hasattr(handle, "__next__"):
        return bool(_next(handle) == 0)
    try:
        handle.get(_MOMENT)
    except _TIMEOUTS:
        return False
    return True


def _noting(items: Iterable[Any], read: list[int], at_end: Callable[[], None]) -> Iterator[Any]:
    """Yield the items, note how many were asked for, and call `at_end` when all were."""
    for item in items:
        read.append(len(read))
        yield item
    at_end()


@contextmanager
def _folder() -> Iterator[tuple[str, Callable[[], set[str]]]]:
    """Yield a folder for marks, and a function that lists the marks in it."""
    with own_folder("marks") as folder:
        yield str(folder), lambda: {mark.name for mark in folder.iterdir()}
