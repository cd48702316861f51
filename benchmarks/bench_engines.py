"""The same job by ten libraries, side by side: how fast, and what each does when something goes wrong.

`python -m benchmarks.bench_engines` prints one table, `--json` the same numbers for a program, and `--store`
writes what lesson 14 shows. Every engine runs in an interpreter of its own in every round; the order is
rotated from round to round, so that a machine that gets busier is unfair to nobody. What is not installed
comes with `pip install -e ".[bench]"` (MPI itself from the system); without it its lines are missing, and a
sentence says so. The engines take the system's default start method.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import Pool, get_start_method
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from helpers.experiments.engines import JOBS, MEASURED, MPI, PEER
from helpers.processes.folders import own_folder

title = "The same job by ten libraries"
WORKERS = 2
ROUNDS = 3
LIMIT = 60.0  # seconds for one engine in one round
DEATH_LIMIT = 25.0  # seconds after which a map whose worker was killed counts as hanging
PATIENCE = 2.0  # seconds that a caller waits for a task that never ends

ANSWER = "answer: "  # begins the line that counts; engines print, too
TINY, NAPS, ARRAYS = 10_000, 100, 12
COLUMNS = {
    "start": ("start and first map", "s"),
    "tiny": (f"a tiny task, of {TINY}", "µs"),
    "naps": (f"{NAPS} naps of 10 ms", "s"),
    "arrays": (f"{ARRAYS} arrays of 8 MB", "s"),
}
ROOT = Path(__file__).resolve().parents[1]
SLOW = {"dask", "ray"}  # thousands of tiny tasks would take them too long: they get fewer

Row = tuple[str, float, str, float | None, bool | None]
Map = Callable[[Callable[[Any], Any], Sequence[Any], int], Sequence[Any]]
Within = Callable[[Callable[[Any], Any], Any], Any]


@dataclass(frozen=True)
class Started:
    """An engine that is ready: its map, and one call that its user gives up after PATIENCE seconds."""

    spread: Map
    within: Within


Engine = Callable[[], AbstractContextManager[Started]]


# ------------------------------------------------------------------------------ the engines
@contextmanager
def _pool() -> Iterator[Started]:
    with Pool(WORKERS) as pool:
        yield Started(pool.map, lambda work, item: pool.map_async(work, [item]).get(PATIENCE))


@contextmanager
def _parmap_own() -> Iterator[Started]:
    import parmap

    def within(work: Callable[[Any], Any], item: Any) -> Any:
        with parmap.map_async(work, [item], pm_processes=WORKERS) as promised:
            return promised.get(PATIENCE)

    yield Started(
        lambda work, items, size: parmap.map(work, items, pm_processes=WORKERS, pm_chunksize=size), within
    )


@contextmanager
def _parmap_given() -> Iterator[Started]:
    import parmap

    with Pool(WORKERS) as pool:
        yield Started(
            lambda work, items, size: parmap.map(work, items, pm_pool=pool, pm_chunksize=size),
            lambda work, item: parmap.map_async(work, [item], pm_pool=pool).get(PATIENCE),
        )


def _of(executor: Any) -> Started:
    return Started(
        lambda work, items, size: list(executor.map(work, items, chunksize=size)),
        lambda work, item: executor.submit(work, item).result(PATIENCE),
    )


@contextmanager
def _executor() -> Iterator[Started]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(WORKERS) as executor:
        yield _of(executor)


@contextmanager
def _executor_unchunked() -> Iterator[Started]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(WORKERS) as executor:
        yield Started(lambda work, items, size: list(executor.map(work, items)), _of(executor).within)


@contextmanager
def _joblib() -> Iterator[Started]:
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    try:
        with Parallel(n_jobs=WORKERS) as parallel:
            yield Started(
                lambda work, items, size: parallel(delayed(work)(item) for item in items),
                lambda work, item: Parallel(n_jobs=WORKERS, timeout=PATIENCE)([delayed(work)(item)] * 2),
            )
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def _pebble() -> Iterator[Started]:
    from pebble import ProcessPool

    with ProcessPool(WORKERS) as pool:
        yield Started(
            lambda work, items, size: list(pool.map(work, items, chunksize=size).result()),
            lambda work, item: pool.schedule(work, args=[item], timeout=PATIENCE).result(),
        )


@contextmanager
def _mpire() -> Iterator[Started]:
    from mpire import WorkerPool

    with WorkerPool(WORKERS, keep_alive=True) as pool:
        yield Started(
            lambda work, items, size: pool.map(work, items, chunk_size=size),
            lambda work, item: pool.map(work, [item], task_timeout=PATIENCE),
        )


@contextmanager
def _dask() -> Iterator[Started]:
    from distributed import Client

    with Client(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as client:
        yield Started(
            lambda work, items, size: client.gather(client.map(work, list(items), pure=False)),
            lambda work, item: client.submit(work, item).result(timeout=PATIENCE),
        )


@contextmanager
def _ray() -> Iterator[Started]:
    import ray

    def sent(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        task = ray.remote(lambda item: work(item))  # a builtin function is refused
        return [task.remote(item) for item in items]

    os.environ.pop("TMPDIR", None)  # the names of its sockets leave no room for a folder of ours
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    with ray.init(num_cpus=WORKERS, **quiet):
        yield Started(
            lambda work, items, size: ray.get(sent(work, items)),
            lambda work, item: ray.get(sent(work, [item]), timeout=PATIENCE),
        )


@contextmanager
def _ipyparallel() -> Iterator[Started]:
    import logging

    import ipyparallel

    with ipyparallel.Cluster(n=WORKERS, log_level=logging.ERROR) as client:
        view = client.load_balanced_view()
        yield Started(
            lambda work, items, size: view.map_sync(work, items, chunksize=size),
            lambda work, item: view.apply_async(work, item).get(PATIENCE),
        )


@contextmanager
def _mpi() -> Iterator[Started]:
    os.environ.update(MPI)  # read with the import
    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor(WORKERS) as executor:
        yield _of(executor)


ENGINES: dict[str, tuple[Engine, str]] = {  # and the package that each needs
    PEER: (_pool, ""),
    "parmap": (_parmap_own, "parmap"),
    "parmap with pm_pool": (_parmap_given, "parmap"),
    "ProcessPoolExecutor": (_executor, ""),
    "… with its own chunk size of 1": (_executor_unchunked, ""),
    "joblib": (_joblib, "joblib"),
    "Pebble": (_pebble, "pebble"),
    "mpire": (_mpire, "mpire"),
    "dask": (_dask, "distributed"),
    "ray": (_ray, "ray"),
    "ipyparallel": (_ipyparallel, "ipyparallel"),
    "MPI": (_mpi, "mpi4py"),
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
    few = TINY // 10 if name in SLOW else TINY
    engine, package = ENGINES[name]
    import_module(package or "concurrent.futures.process")  # the import is not part of the start
    began = perf_counter()
    with engine() as started:
        spread = started.spread
        taken(square, [0, 1], [0, 1])
        start = perf_counter() - began
        taken(square, range(4), [0, 1, 4, 9])
        tiny = taken(square, range(few), [number**2 for number in range(few)]) / few * 1e6
        naps = taken(nap, [0.01] * NAPS, [0.01] * NAPS)
        large = taken(len, arrays, [1_000_000] * ARRAYS)
    return {"start": start, "tiny": tiny, "naps": naps, "arrays": large}


def killed(name: str) -> Iterator[str]:
    """Yield what became of four tasks, the second of which kills its worker the first time it runs."""
    from helpers.workers.endings import DiesOnce

    with own_folder("killed") as folder, ENGINES[name][0]() as started:
        try:
            answers = list(started.spread(DiesOnce(str(folder)), [0, 1, 2, 3], 1))
        except Exception as error:
            yield type(error).__name__
        else:
            yield "recovers" if answers == [0, 1, 2, 3] else f"returns {answers}"


def endless(name: str) -> Iterator[str]:
    """Yield what the caller gets of a task that never ends, and whether its worker can be used again."""
    from helpers.workers.naps import nap, pid_after

    with ENGINES[name][0]() as started:
        try:
            started.within(nap, 3600.0)
            said = "no error"
        except Exception as error:
            said = type(error).__name__
        yield f"{said}, and later tasks wait behind it"
        try:
            workers = len(set(started.spread(pid_after, [0.2] * 6, 1)))
            said += f", its worker {'works again' if workers == WORKERS else 'naps on'}"
        except Exception as error:
            said += f", then {type(error).__name__}"
        yield f"{said}, and leaving `with` waits for it"
    yield said


def typed(name: str) -> Iterator[str]:
    """Yield what becomes of a function that is in __main__ here and in no file, as one typed in a cell."""
    main = vars(sys.modules["__main__"])
    exec("def typed(number):\n    return number + 1\n", main)
    with ENGINES[name][0]() as started:
        try:
            answers = list(started.spread(main["typed"], [1, 2], 1))
        except Exception as error:
            yield type(error).__name__
        else:
            yield "works" if answers == [2, 3] else f"returns {answers}"


def job(name: str) -> Iterator[str]:
    """Yield "right" when the lines that the lesson shows give the right answers here."""
    from helpers.workers.numbers import square

    if name == "MPI":
        os.environ.update(MPI)
    if name == "ray":
        os.environ.pop("TMPDIR", None)
    scope: dict[str, Any] = {"square": square, "items": range(5)}
    exec(JOBS[name], scope)
    yield "right" if scope["answers"] == [0, 1, 4, 9, 16] else f"returned {scope['answers']}"


QUESTIONS = {"killed": killed, "endless": endless, "typed": typed, "job": job}


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
    """Return for each engine the medians by column, their ratios to Pool, and its answers to QUESTIONS.

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
            **{what: asked(what, name) for what in QUESTIONS},
        }
        for name in names
    }


def _timed(name: str) -> dict[str, float]:
    """Return what `time_one` says in an interpreter of its own."""
    said = _child("time", name, LIMIT)
    if said is None:
        raise TimeoutError(f"{name} did not end within {LIMIT:g} s: stop what else runs, and try again")
    found: dict[str, float] = json.loads(said)
    return found


def asked(what: str, name: str) -> str:
    """Return the engine's answer to one of QUESTIONS, or that it hangs."""
    if what == "job" and name not in JOBS:
        return ""
    said = _child(what, name, DEATH_LIMIT)
    return "hangs" if said is None else str(json.loads(said))


def _child(what: str, name: str, limit: float) -> str | None:
    """Return the last answer that a child interpreter printed, None when the limit came before any."""
    from helpers.programs.program import run_program

    source = f"if __name__ == '__main__':\n    import sys\n    sys.path[:0] = {[str(ROOT), *sys.path]!r}\n"
    source += f"    from benchmarks.bench_engines import answer\n    answer({what!r}, {name!r})\n"
    # Under fork a typed function is there already: the question is put where it has to travel.
    outcome = run_program(source, limit=limit, name="engine.py", method="spawn" if what == "typed" else None)
    lines = [line for line in outcome.stdout.splitlines() if line.startswith(ANSWER)]
    if outcome.ended == "by itself" and not lines:
        raise subprocess.SubprocessError(f"{name} failed:\n{outcome!r}")
    return lines[-1].removeprefix(ANSWER) if lines else None


def answer(what: str, name: str) -> None:
    """Print as JSON what `time_one` or one of QUESTIONS says, and end, whatever the engine left."""
    for found in [time_one(name)] if what == "time" else QUESTIONS[what](name):
        print(ANSWER + json.dumps(found), flush=True)
    sys.stderr.flush()
    os._exit(0)


def store(found: dict[str, dict[str, Any]]) -> None:
    """Write what lesson 14 shows; raise ValueError where one of its jobs was not right."""
    wrong = {name: one["job"] for name, one in found.items() if one["job"] not in ("", "right")}
    if wrong or JOBS.keys() - found.keys():
        raise ValueError(
            f"not stored: {wrong or sorted(JOBS.keys() - found.keys())} did not give the answers"
        )
    where = f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    kept = (*COLUMNS, "killed", "endless", "typed")
    engines = {name: {"release": release(name), **{key: found[name][key] for key in kept}} for name in JOBS}
    said = {
        "looked up": str(date.today()),
        "machine": f"{where}, {get_start_method()}",
        "engines": engines,
    }
    MEASURED.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def release(name: str) -> str:
    """Return the version that was measured; of the standard library, whose it is."""
    package = ENGINES[name][1]
    return version(package) if package else "with Python"


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
            *(values[what] for what in ("killed", "endless", "typed")),
        )
        for name, values in found.items()
    ]
    caption = (
        f"{title}: {WORKERS} workers, {get_start_method()}, Python {sys.version.split()[0]}; "
        f"medians of {ROUNDS} rounds, in brackets how many times {PEER}'s"
    )
    return Table(
        ("engine", *heads, "a worker is killed", "a task never ends", "typed in a cell"), rows, caption
    )


def _short(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


if __name__ == "__main__":
    numbers = compare()
    if "--store" in sys.argv[1:]:
        store(numbers)
    print(json.dumps(numbers, indent=1) if "--json" in sys.argv[1:] else table(numbers))
