"""What watching costs: per task over a bare `pool.map`, and a million tasks from the call to the picture."""

from collections.abc import Callable
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.pool import Pool
from statistics import median
from time import perf_counter
from typing import Any

from helpers.watching.watch import watch
from helpers.workers.numbers import square

title = "Watching"
TASKS = 20_000
CHUNK = 100
ROUNDS = 7
MOST_PER_TASK = 2.5  # microseconds
MANY = (100_000, 1_000_000)
MOST_FOR_MANY = 3.0  # seconds

Row = tuple[str, float, str, float | None, bool | None]


def _seconds(action: Callable[[], Any]) -> float:
    began = perf_counter()
    action()
    return perf_counter() - began


def _cost_per_task(pool: Pool) -> float:
    """Return the microseconds per task that `watch` adds to `pool.map`, median of interleaved rounds."""
    numbers = range(TASKS)
    pool.map(square, numbers, CHUNK)  # the workers start
    extra = []
    for _ in range(ROUNDS):
        bare = _seconds(lambda: pool.map(square, numbers, CHUNK))
        extra.append(_seconds(lambda: watch(pool.map, square, numbers, chunksize=CHUNK)) - bare)
    return median(extra) / TASKS * 1e6


def _many(pool: Pool, tasks: int) -> tuple[float, float, float]:
    """Return the seconds that a bare map, a watched one and its picture take, matplotlib's import apart."""
    _ = watch(pool.map, square, range(10)).draw().png
    bare = _seconds(lambda: pool.map(square, range(tasks)))
    began = perf_counter()
    run = watch(pool.map, square, range(tasks))
    watched = perf_counter() - began
    return bare, watched, _seconds(lambda: run.draw().png)


def measure() -> list[Row]:
    """Return rows of (what, value, unit, allowed, met)."""
    rows: list[Row] = []
    for method in ("fork", "spawn"):
        if method not in get_all_start_methods():
            continue
        with get_context(method).Pool(2) as pool:
            cost = _cost_per_task(pool)
            what = f"watch over pool.map in chunks of {CHUNK}, {method}"
            rows.append((what, cost, "µs per task", MOST_PER_TASK, cost <= MOST_PER_TASK))
            for tasks in MANY:
                bare, watched, drawn = _many(pool, tasks)
                rows.append((f"pool.map, {tasks} tasks, {method}", bare, "s", None, None))
                rows.append((f"watch, {tasks} tasks, {method}", watched, "s", None, None))
                total = watched + drawn
                what = f"watch and draw, {tasks} tasks, {method}"
                rows.append((what, total, "s", MOST_FOR_MANY, total <= MOST_FOR_MANY))
    return rows


if __name__ == "__main__":
    for what, value, unit, allowed, met in measure():
        verdict = "" if allowed is None else f" (allowed: {allowed:g}, {'met' if met else 'MISSED'})"
        print(f"{what}: {value:.2f} {unit}{verdict}")
