"""What the methods of a pool or an executor do, found out by calling them.

No answer is looked up: each one is the outcome of a small experiment with two workers. Tasks wait for marks
that other tasks or the parent leave, so that what is found does not depend on who is fast.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from math import isqrt
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.waiting import wait_until
from helpers.workers.gates import Gate, leave_mark

if TYPE_CHECKING:
    from helpers.views.table import Table

COLUMNS = ("method", "blocks?", "in order?", "lazy?", "several arguments?", "error appears", "can time out?")
POOL_METHODS = (
    "apply", "map", "starmap", "imap", "imap_unordered", "apply_async", "map_async", "starmap_async",
)  # fmt: skip
EXECUTOR_METHODS = ("submit", "map")

_LIMIT = 30.0  # seconds for anything that has to come
_PATIENCE = 1.0  # seconds that a task waits for its call to return; a call that blocks takes so long
_MOMENT = 0.1  # seconds after which an answer that cannot come is given up
_EAGER = 5.0  # seconds in which a method that is not lazy reads a short input; it takes milliseconds
_MANY = 8  # tasks, more than two workers can have in hand; small enough for any pipe's buffer
_TIMEOUTS = (multiprocessing.TimeoutError, FutureTimeoutError)


def compare_methods(workers: Pool | Executor) -> "Table":
    """Return one row for each method of a pool or an executor that has two workers, each answer tried out.

    It takes about a second for each method that blocks. Raises TypeError for anything else than a pool or an
    executor, TimeoutError when its workers do not start to work.
    """
    from helpers.views.table import Table

    names = POOL_METHODS if isinstance(workers, Pool) else EXECUTOR_METHODS
    if not isinstance(workers, Pool | Executor):
        raise TypeError(f"compare_methods wants a Pool or an executor, not {workers!r}")
    rows = [_row(Method(workers, name)) for name in names]
    return Table(COLUMNS, rows, code=("method", "several arguments?"))


@dataclass(frozen=True)
class Method:
    """One method of a pool or an executor, called in the way that is its own."""

    workers: Any
    name: str

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
        return call(function, items, **more)


def _row(method: Method) -> tuple[str, ...]:
    blocks = _blocks(method)
    return (
        method.name,
        "yes" if blocks else "no",
        _in_order(method),
        _lazy(method, blocks),
        _several_arguments(method),
        _error_appears(method),
        _can_time_out(method, blocks),
    )


def _blocks(method: Method) -> bool:
    """Return whether a task waits in vain for its call to return."""
    with _folder() as (folder, marks):
        handle = method(Gate(abs, folder, waits={0: "returned"}, limit=_PATIENCE), [0])
        leave_mark(folder, "returned")
        _take_all(handle)
        return "gave up" in marks()


def _in_order(method: Method) -> str:
    """Return "yes" when the answers stand in the order of the items though the first task ends last.

    Task 0 ends only after task 2 has begun, and the worker that begins task 2 has handed in task 1's answer.
    """
    if method.takes_one_task:
        return "one answer"
    with _folder() as (folder, marks):
        gate = Gate(abs, folder, leaves={2: "third begun"}, waits={0: "third begun"}, limit=_LIMIT)
        answers = _take_all(method(gate, [0, 1, 2]))
        if "gave up" in marks():
            raise TimeoutError("only one worker took tasks: give compare_methods a pool of two")
        return "yes" if answers == [0, 1, 2] else "no"


def _lazy(method: Method, blocks: bool) -> str:
    """Return what comes bit by bit: the answers (the first before the last task is done), or the input, too.

    While all tasks but the first are held up, a method that is lazy with its input would not read all of it.
    """
    if method.takes_one_task:
        return "one answer"
    read: list[int] = []
    with _folder() as (folder, _):
        waits = {} if blocks else dict.fromkeys(range(1, _MANY), "open")
        gate = Gate(abs, folder, waits=waits, limit=_LIMIT)
        handle = method(gate, _noting(range(_MANY), read))
        try:
            if isinstance(handle, list) or not _gives_first(handle):
                return "no"
            wait_until(lambda: len(read) == _MANY, _EAGER, "the reading of the input")
            return "its answers"
        except TimeoutError:
            return "its answers and its input"
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


def _error_appears(method: Method) -> str:
    """Return where the exception of one task that fails comes out, and whether the other answers do."""
    try:
        handle = method(isqrt, [-1, 4, 9])
    except ValueError:
        return "in the call"
    if hasattr(handle, "__next__"):
        came = [_next_or_error(handle) for _ in range(3)]
        return "at its item, goes on" if {2, 3} <= set(came) else "at its item, ends"
    try:
        _take_all(handle)
    except ValueError:
        return "in result()" if isinstance(handle, Future) else "in get()"
    return "nowhere"


def _can_time_out(method: Method, blocks: bool) -> str:
    """Return what takes a timeout, tried on a task that does not end before it."""
    own = "timeout" in signature(getattr(method.workers, method.name)).parameters
    if blocks and not own:
        return "no"
    with _folder() as (folder, _):
        gate = Gate(abs, folder, waits={0: "open"}, limit=_LIMIT)
        handle = method(gate, [0], **({"timeout": _MOMENT} if own else {}))
        ask = next((name for name in ("get", "result", "next") if hasattr(handle, name)), "")
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


def _noting(items: Iterable[int], read: list[int]) -> Iterator[int]:
    """Yield the items and note which ones were asked for."""
    for item in items:
        read.append(item)
        yield item


@contextmanager
def _folder() -> Iterator[tuple[str, Callable[[], set[str]]]]:
    """Yield a folder for marks, and a function that lists the marks in it."""
    with tempfile.TemporaryDirectory(prefix="helpers-marks-", ignore_cleanup_errors=True) as folder:
        yield folder, lambda: {mark.name for mark in Path(folder).iterdir()}
