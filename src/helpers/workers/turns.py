"""Workers that look when they run, and when others do."""

from __future__ import annotations

from functools import partial
from operator import call
from threading import Event, Thread
from time import perf_counter

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def stretches(seconds: float) -> list[tuple[float, float]]:
    """Return (begin, end) of each stretch in which this thread ran, none with a pause above a millisecond.

    The thread computes for so many seconds; begin and end are readings of `perf_counter`.
    """
    found = []
    begin = last = perf_counter()
    until = begin + seconds
    while last < until:
        now = perf_counter()
        if now - last > 0.001:
            found.append((begin, last))
            begin = now
        last = now
    return [*found, (begin, last)]


def another_runs_during(function: Callable[..., object], *arguments: object) -> bool:
    """Return whether another thread of this process ran while `function(*arguments)` was under way."""
    steps: Any = (perf_counter, partial(function, *arguments), perf_counter)
    ticks, over = [], Event()

    def tick() -> None:
        while not over.is_set():
            ticks.append(perf_counter())

    ticker = Thread(target=tick)
    ticker.start()
    try:
        begin, _, end = map(call, steps)
    finally:
        over.set()
        ticker.join()
    return any(begin < moment < end for moment in ticks)
