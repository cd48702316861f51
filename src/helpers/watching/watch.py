"""Watch anything shaped like `map`: its results, and which process did which task when."""

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from helpers.pools.plan import of_a_pool, of_parmap, plan
from helpers.watching.afar import ClusterRecording, cluster_behind
from helpers.watching.recording import Recording
from helpers.watching.runs import Lane, Run, Span, fate

if TYPE_CHECKING:
    from helpers.views.picture import Picture

__all__ = ["Lane", "Run", "Span", "Unfinished", "draw_side_by_side", "watch"]


class Unfinished(TimeoutError):  # noqa: N818 - it reads as what it says
    """The watched map did not end within its limit; `.run` holds what happened until then."""

    run: Run


class _TimeIsUp(BaseException):
    """Ends the watched call; no `except Exception` in between may catch it."""


def draw_side_by_side(runs: Mapping[str, Run], title: str = "") -> "Picture":
    """Return one picture of several runs, one below the other, on one time axis from 0."""
    from helpers.views.picture import Picture
    from helpers.watching.lanes import draw_runs

    if not runs:
        raise ValueError('no runs to draw: give a dictionary such as {"map": run, "Pool.map": other_run}')
    return Picture(
        draw_runs(runs, title, None).figure(), "; ".join(f"{name}: {run!r}" for name, run in runs.items())
    )


def watch(
    call: Callable[..., Any],
    function: Callable[..., Any],
    items: Iterable[Any],
    *args: Any,
    live: bool = False,
    limit: float = 60.0,
    called: str = "",
    **kwargs: Any,
) -> Run:
    """Return the results of `call(function, items, ...)` and who did which task when.

    `call` is anything shaped like `map`: `map`, `pool.map` and its siblings, `parmap.map`, `executor.map`, a
    dask client's `map`.
    Everything else goes to it as it is. With `live`, a notebook shows the lanes while the call runs. The
    run's sentence counts the tasks, or names them as they are `called` where their number differs between
    machines.

    Raises NotImportable (a TypeError) for a function that a child could not import; Unfinished when the call
    takes more than `limit` seconds; and whatever the call raises, with the run until then as its `.run`.

    On Linux and macOS the limit holds in the main thread for every call. On Windows, and in other threads, it
    holds for what can be waited for with a limit: all maps of a Pool, `parmap.map` and `starmap` without a
    progress bar, their async forms, an executor's `map`, and futures. Anything else there (the builtin `map`,
    a function of yours that waits inside) ends when it ends: nothing can interrupt it.
    """
    _check(call, function, limit)
    numbered = list(enumerate(items))
    planned = replace(plan(call, len(numbered), args, kwargs), called=called)
    client = cluster_behind(call, kwargs)
    if client is not None:
        planned = replace(planned, offered=planned.offered or len(client.nthreads()))
    elif planned.noun not in ("process", "thread"):
        from helpers.programs.importable import refuse_unimportable

        refuse_unimportable(function)
    recording = Recording(planned) if client is None else ClusterRecording(planned, client)
    traced = recording.traced(function)
    try:
        with _live_view(recording) if live else nullcontext():
            results = _collect(recording, limit, call, traced, numbered, args, kwargs)
            return recording.run(results)
    except Unfinished:
        raise
    except BaseException as error:
        with suppress(AttributeError):  # an exception without room for attributes
            error.run = recording.run([])  # type: ignore[attr-defined]
        raise
    finally:
        recording.remove()


def _check(call: object, function: object, limit: float) -> None:
    """Refuse arguments that cannot be watched."""
    if not callable(call):
        raise TypeError(
            f"watch wants something shaped like map, not {call!r}: write watch(pool.map, function, items)"
        )
    if not callable(function):
        raise TypeError(
            f"watch wants a function second, not {function!r}: write watch(pool.map, function, items)"
        )
    if not isinstance(limit, int | float) or not limit > 0:
        raise ValueError(f"limit={limit!r}: the limit is a number of seconds above 0")


def _live_view(recording: Recording) -> Any:
    from helpers.watching.live import LiveView

    return LiveView(recording)


def _collect(
    recording: Recording,
    limit: float,
    call: Callable[..., Any],
    traced: Callable[..., Any],
    numbered: list[tuple[int, Any]],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[Any]:
    """Return the results of the call, or raise Unfinished at the limit."""
    snapshot: list[Run] = []

    def ring(*_: object) -> None:
        snapshot.append(recording.run([]))  # before anybody cleans up and ends the workers
        raise _TimeIsUp

    deadline = perf_counter() + limit
    try:
        if not _can_ring():
            call = _asynchronous(call, kwargs, limit)
        with _alarm(limit, ring):
            return _settle(call(traced, numbered, *args, **kwargs), deadline, ring)
    except _TimeIsUp:
        raise _unfinished(snapshot[0], limit) from None


def _settle(value: Any, deadline: float, ring: Callable[[], None]) -> list[Any]:
    """Return the results behind whatever a map returned: a list, an iterator, futures or an AsyncResult."""

    def left() -> float:
        return max(0.0, deadline - perf_counter())

    # Leaving the `with` of parmap's results ends their pool: `ring` has to look at the workers before.
    with value if hasattr(value, "__exit__") else nullcontext():
        try:
            if hasattr(value, "get") and hasattr(value, "wait"):
                return list(value.get(left()))
            if isinstance(value, list):
                return [item.result(left()) if _is_future(item) else item for item in value]
            if isinstance(value, Iterator):
                return list(_drain(value, left))
        except (TimeoutError, multiprocessing.TimeoutError):
            if perf_counter() >= deadline:  # else it is the task's own
                ring()
            raise
    raise TypeError(f"watch wants something shaped like map, but the call returned {type(value).__name__!r}")


def _is_future(item: Any) -> bool:
    return hasattr(item, "result") and hasattr(item, "cancel")


def _drain(iterator: Iterator[Any], left: Callable[[], float]) -> Iterator[Any]:
    """Yield what the iterator gives, waiting for each no longer than is left (where it can be told to)."""
    following = getattr(iterator, "next", None)  # Pool's own iterators take a timeout
    if following is None:
        yield from iterator
        return
    while True:
        try:
            yield following(left())
        except StopIteration:
            return


def _can_ring() -> bool:
    """Tell whether a signal can interrupt a call that waits: not on Windows, and only in the main thread."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextmanager
def _alarm(limit: float, ring: Callable[..., None]) -> Iterator[None]:
    """Call `ring` in this thread after `limit` seconds, even when it waits in a blocking call.

    A timer of the system's, not a thread: forking while threads run is what this project teaches to avoid.
    """
    if not _can_ring():
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    earlier = signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *earlier)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)


def _asynchronous(call: Callable[..., Any], kwargs: dict[str, Any], limit: float) -> Callable[..., Any]:
    """Return the form of a blocking map that can be waited for with a limit, if it has one."""
    if isinstance(call, partial):
        inner = _asynchronous(call.func, {**call.keywords, **kwargs}, limit)
        return partial(inner, *call.args, **call.keywords)
    name = getattr(call, "__name__", "")
    home: Any = None
    if of_a_pool(call):
        home = call.__self__  # type: ignore[attr-defined]
    elif of_parmap(call) and not kwargs.get("pm_pbar"):
        home = sys.modules["parmap"]
    elif isinstance(getattr(call, "__self__", None), Executor):
        return call if "timeout" in kwargs else partial(call, timeout=limit)
    return getattr(home, f"{name}_async") if home and name in ("map", "starmap") else call


def _unfinished(run: Run, limit: float) -> Unfinished:
    """Return the exception that says what happened and what to do; its notes name workers and PIDs."""
    outcomes = run.outcomes()
    if outcomes["died"]:
        cure = "a Pool never gives back a task whose worker died: end it with terminate() and find out why"
    elif outcomes["running"]:
        cure = "give a larger limit=, or end the pool with terminate()"
    else:
        cure = "its workers took no task: look at their messages, and end the pool with terminate()"
    error = Unfinished(f"not finished within {limit:g} s: {run!r}; {cure}")
    error.run = run
    for lane in run.lanes:
        for span in lane.spans:
            if span.end is None or span.died:
                error.add_note(f"task {span.task} on {lane.label} (PID {lane.pid}): {fate(span)}")
    return error
