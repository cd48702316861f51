"""What watching costs: per task over a bare `pool.map`, and how long drawing 100 000 tasks takes."""

from multiprocessing import get_all_start_methods, get_context
from statistics import median
from time import perf_counter

from helpers.watching.watch import watch
from helpers.workers.numbers import square

title = "Watching"
TASKS = 20_000
CHUNK = 100
ROUNDS = 7
DRAWN = 100_000

Row = tuple[str, float, str, float | None, bool | None]


def _cost_per_task(method: str) -> float:
    """Return the microseconds per task that `watch` adds to `pool.map`, median of interleaved rounds."""
    numbers = range(TASKS)
    extra = []
    with get_context(method).Pool(2) as pool:
        pool.map(square, numbers, CHUNK)  # the workers start
        for _ in range(ROUNDS):
            began = perf_counter()
            pool.map(square, numbers, CHUNK)
            between = perf_counter()
            watch(pool.map, square, numbers, chunksize=CHUNK)
            extra.append((perf_counter() - between) - (between - began))
    return median(extra) / TASKS * 1e6


def _drawing() -> float:
    """Return the seconds that drawing many tasks takes, the import of matplotlib apart."""
    with get_context("spawn").Pool(2) as pool:
        watch(pool.map, square, range(10)).draw().png  # noqa: B018 - matplotlib is imported and its fonts are read
        run = watch(pool.map, square, range(DRAWN))
    began = perf_counter()
    run.draw().png  # noqa: B018
    return perf_counter() - began


def measure() -> list[Row]:
    """Return rows of (what, value, unit, allowed, met)."""
    rows: list[Row] = []
    for method in ("fork", "spawn"):
        if method in get_all_start_methods():
            cost = _cost_per_task(method)
            rows.append(
                (f"watch over pool.map in chunks of {CHUNK}, {method}", cost, "µs per task", 10.0, cost <= 10)
            )
    seconds = _drawing()
    rows.append((f"drawing {DRAWN} tasks", seconds, "s", 3.0, seconds < 3))
    return rows


if __name__ == "__main__":
    for what, value, unit, allowed, met in measure():
        print(f"{what}: {value:.2f} {unit} (allowed: {allowed:g}, {'met' if met else 'MISSED'})")
