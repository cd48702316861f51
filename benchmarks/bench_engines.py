"""The same job by Pool, parmap, ProcessPoolExecutor, joblib and mpire, side by side.

`python -m benchmarks.bench_engines` prints one table, `--json` the same numbers for a program. Every engine
runs in an interpreter of its own in every round; the order is rotated from round to round, so that a machine
that gets busier is unfair to nobody. joblib and mpire come with `pip install -e ".[bench]"`; without them
their lines are missing, and a sentence says so. The engines take the system's default start method.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import Pool, get_start_method
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

title = "The same job by five libraries"
WORKERS = 2
ROUNDS = 5
LIMIT = 60.0  # seconds for one engine in one round
DEATH_LIMIT = 10.0  # seconds after which a map whose worker was killed counts as hanging

TINY, NAPS, ARRAYS = 10_000, 100, 12
COLUMNS = {
    "start": ("start and first map", "s"),
    "tiny": (f"a tiny task, of {TINY}", "µs"),
    "naps": (f"{NAPS} naps of 10 ms", "s"),
    "arrays": (f"{ARRAYS} arrays of 8 MB", "s"),
}
ROOT = Path(__file__).resolve().parents[1]
PEER = "Pool"  # what the ratios are to

Row = tuple[str, float, str, float | None, bool | None]
Map = Callable[[Callable[[Any], Any], Sequence[Any], int], Sequence[Any]]
Engine = Callable[[], AbstractContextManager[Map]]


# ------------------------------------------------------------------------------ the engines
@contextmanager
def _pool() -> Iterator[Map]:
    with Pool(WORKERS) as pool:
        yield pool.map


@contextmanager
def _parmap_own() -> Iterator[Map]:
    import parmap

    yield lambda work, items, size: parmap.map(work, items, pm_processes=WORKERS, pm_chunksize=size)


@contextmanager
def _parmap_given() -> Iterator[Map]:
    import parmap

    with Pool(WORKERS) as pool:
        yield lambda work, items, size: parmap.map(work, items, pm_pool=pool, pm_chunksize=size)


@contextmanager
def _executor() -> Iterator[Map]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(WORKERS) as executor:
        yield lambda work, items, size: list(executor.map(work, items, chunksize=size))


@contextmanager
def _executor_unchunked() -> Iterator[Map]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(WORKERS) as executor:
        yield lambda work, items, size: list(executor.map(work, items))


@contextmanager
def _joblib() -> Iterator[Map]:
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    try:
        with Parallel(n_jobs=WORKERS) as parallel:
            yield lambda work, items, size: parallel(delayed(work)(item) for item in items)
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def _mpire() -> Iterator[Map]:
    from mpire import WorkerPool

    with WorkerPool(WORKERS, keep_alive=True) as pool:
        yield lambda work, items, size: pool.map(work, items, chunk_size=size)


ENGINES: dict[str, tuple[Engine, str]] = {  # and the package that each needs
    PEER: (_pool, ""),
    "parmap": (_parmap_own, "parmap"),
    "parmap with pm_pool": (_parmap_given, "parmap"),
    "ProcessPoolExecutor": (_executor, ""),
    "… with its own chunk size of 1": (_executor_unchunked, ""),
    "joblib": (_joblib, "joblib"),
    "mpire": (_mpire, "mpire"),
}


# ------------------------------------------------------------------------------ one engine, in a child
def time_one(name: str) -> dict[str, float]:
    """Return the seconds (microseconds for a tiny task) that the engine takes in this process."""
    import numpy as np

    from helpers.pools.chunks import default_chunksize
    from helpers.workers.naps import nap
    from helpers.workers.numbers import square

    def taken(work: Callable[[Any], Any], items: Sequence[Any], right: Any) -> float:
        began = perf_counter()
        found = list(spread(work, items, default_chunksize(len(items), WORKERS)))
        seconds = perf_counter() - began
        if found != right:
            raise ValueError(f"{name} returned {str(found)[:80]}, expected {str(right)[:80]}")
        return seconds

    arrays = [np.ones(1_000_000) for _ in range(ARRAYS)]
    engine, package = ENGINES[name]
    import_module(package or "concurrent.futures.process")  # the import is not part of the start
    began = perf_counter()
    with engine() as spread:
        taken(square, [0, 1], [0, 1])
        start = perf_counter() - began
        taken(square, range(4), [0, 1, 4, 9])
        tiny = taken(square, range(TINY), [number**2 for number in range(TINY)]) / TINY * 1e6
        naps = taken(nap, [0.01] * NAPS, [0.01] * NAPS)
        large = taken(len, arrays, [1_000_000] * ARRAYS)
    return {"start": start, "tiny": tiny, "naps": naps, "arrays": large}


def lose_worker(name: str) -> str:
    """Return the name of the exception that tells that a worker was killed; an engine may never tell."""
    from helpers.workers.endings import end_by_signal

    with ENGINES[name][0]() as spread:
        try:
            spread(end_by_signal, [int(getattr(signal, "SIGKILL", signal.SIGTERM))], 1)
        except Exception as error:
            return type(error).__name__
    return "nothing"


# ------------------------------------------------------------------------------ all engines, from outside
def available() -> list[str]:
    """Return the engines that are installed; say on standard error which are not, and how to get them."""
    missing = {package for _, package in ENGINES.values() if package and find_spec(package) is None}
    if missing:
        print(
            f'not measured: {", ".join(sorted(missing))}; pip install -e ".[bench]" brings them',
            file=sys.stderr,
        )
    return [name for name, (_, package) in ENGINES.items() if package not in missing]


def compare(rounds: int = ROUNDS) -> dict[str, dict[str, Any]]:
    """Return for each engine the medians by column, their ratios to Pool, and what a killed worker does.

    A ratio is the median of the ratios within each round: both sides met the same load.
    """
    names = available()
    seen: list[dict[str, dict[str, float]]] = []
    for number in range(rounds):
        first = number % len(names)
        order = names[first:] + names[:first]
        seen.append({name: _timed(name) for name in (order if number % 2 == 0 else reversed(order))})
    return {
        name: {
            **{column: median(one[name][column] for one in seen) for column in COLUMNS},
            **{
                f"{column} to {PEER}": median(one[name][column] / one[PEER][column] for one in seen)
                for column in COLUMNS
            },
            "killed worker": _death(name),
        }
        for name in names
    }


def _timed(name: str) -> dict[str, float]:
    """Return what `time_one` says in an interpreter of its own."""
    said, _ = _child("time", name, LIMIT)
    if said is None:
        raise TimeoutError(f"{name} did not end within {LIMIT:g} s: stop what else runs, and try again")
    found: dict[str, float] = json.loads(said)
    return found


def _death(name: str) -> str:
    """Return what the engine does when a worker is killed in the middle of a task."""
    said, seconds = _child("lose", name, DEATH_LIMIT)
    return f"hangs (at {DEATH_LIMIT:g} s)" if said is None else f"{json.loads(said)} ({seconds:.1f} s)"


def _child(what: str, name: str, limit: float) -> tuple[str | None, float]:
    """Return the last line that a child interpreter prints, None at the limit, and its seconds."""
    from helpers.programs.program import run_program

    source = f"if __name__ == '__main__':\n    import sys\n    sys.path[:0] = {[str(ROOT), *sys.path]!r}\n"
    source += f"    from benchmarks.bench_engines import answer\n    answer({what!r}, {name!r})\n"
    began = perf_counter()
    outcome = run_program(source, limit=limit, name="engine.py")
    seconds = perf_counter() - began
    if outcome.ended == "at the limit":
        return None, seconds
    if outcome.exit_code or not outcome.stdout.strip():
        raise subprocess.SubprocessError(f"{name} failed:\n{outcome!r}")
    return outcome.stdout.splitlines()[-1], seconds


def answer(what: str, name: str) -> None:
    """Print as JSON what `time_one` or `lose_worker` returns, and end, whatever the engine left."""
    print(json.dumps(time_one(name) if what == "time" else lose_worker(name)), flush=True)
    sys.stderr.flush()
    if what == "lose":
        os._exit(0)


def measure() -> list[Row]:
    """Return rows of (what, value, unit, allowed, met); nothing is allowed or forbidden here."""
    found = compare()
    rows: list[Row] = []
    for name, values in found.items():
        for column, (what, unit) in COLUMNS.items():
            rows.append((f"{name}: {what}", values[column], unit, None, None))
            rows.append((f"{name}: … to {PEER}", values[f"{column} to {PEER}"], "times", None, None))
    return rows


def table(found: dict[str, dict[str, Any]]) -> Any:
    """Return one line per engine: each column, in brackets its ratio to Pool, and the killed worker."""
    from helpers.views.table import Table

    heads = [f"{what}, {unit}" for what, unit in COLUMNS.values()]
    rows = [
        (
            name,
            *(f"{values[column]:.3g} ({_short(values[f'{column} to {PEER}'])})" for column in COLUMNS),
            values["killed worker"],
        )
        for name, values in found.items()
    ]
    caption = (
        f"{title}: {WORKERS} workers, {get_start_method()}, Python {sys.version.split()[0]}; "
        f"medians of {ROUNDS} rounds, in brackets how many times {PEER}'s"
    )
    return Table(("engine", *heads, "a worker is killed"), rows, caption)


def _short(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


if __name__ == "__main__":
    numbers = compare()
    print(json.dumps(numbers, indent=1) if "--json" in sys.argv[1:] else table(numbers))
