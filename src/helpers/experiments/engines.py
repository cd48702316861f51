"""Ten libraries that run the same function: the same job in each, and what the benchmark has measured.

`python -m benchmarks.bench_engines --store` writes engines.json, which the tables are drawn from.
"""

import json
from pathlib import Path
from typing import Any

from helpers.views.table import Table

MEASURED = Path(__file__).with_name("engines.json")
PEER = "Pool"
"""The library that the others are compared with."""

# Each is complete but for `square` and `items`, and leaves the answers in `answers`.
JOBS = {
    PEER: """\
from multiprocessing import Pool
with Pool(2) as pool:
    answers = pool.map(square, items)""",
    "parmap": """\
import parmap
answers = parmap.map(square, items, pm_processes=2)""",
    "ProcessPoolExecutor": """\
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(2) as executor:
    answers = list(executor.map(square, items))""",
    "joblib": """\
from joblib import Parallel, delayed
answers = Parallel(n_jobs=2)(delayed(square)(item) for item in items)""",
    "Pebble": """\
from pebble import ProcessPool
with ProcessPool(2) as pool:
    answers = list(pool.map(square, items).result())""",
    "mpire": """\
from mpire import WorkerPool
with WorkerPool(2) as pool:
    answers = pool.map(square, items)""",
    "dask": """\
from distributed import Client
with Client(n_workers=2) as client:
    answers = client.gather(client.map(square, items))""",
    "ray": """\
import ray
with ray.init(num_cpus=2):
    answers = ray.get([ray.remote(square).remote(item) for item in items])""",
    "ipyparallel": """\
from ipyparallel import Cluster
with Cluster(n=2) as client:
    answers = client[:].map_sync(square, items)""",
    "MPI": """\
from mpi4py.futures import MPIPoolExecutor
with MPIPoolExecutor(2) as executor:
    answers = list(executor.map(square, items))""",
}
PACKAGES = {  # the module of each that is not Python's own
    "parmap": "parmap",
    "joblib": "joblib",
    "Pebble": "pebble",
    "mpire": "mpire",
    "dask": "distributed",
    "ray": "ray",
    "ipyparallel": "ipyparallel",
    "MPI": "mpi4py",
}
MPI = {  # Open MPI's settings: more processes than cores, and as root in a container
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
_PROGRAM = """\
import os
from helpers.workers.numbers import square

if __name__ == "__main__":
    os.environ.update({variables})
    if {ray}:  # the names of its sockets leave no room for a temporary folder of ours
        os.environ.pop("TMPDIR", None)
    items = range(5)
{lines}
    print(answers)
"""
_SPEEDS = {
    "start": "start and first map, s",
    "tiny": "a tiny task, µs",
    "naps": "100 naps of 10 ms, s",
    "arrays": "12 arrays of 8 MB, s",
}


def same_job(name: str) -> str:
    """Return the job as this library wants it; LookupError names those there are."""
    if name not in JOBS:
        raise LookupError(f"no job is written for {name!r}: there are {', '.join(JOBS)}")
    return JOBS[name]


def measured() -> dict[str, Any]:
    """Return what the benchmark stored: machine, date, and for each library its figures and its fates."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return found


def speeds() -> Table:
    """Return one row per library: its last release, and the medians of the benchmark."""
    found = measured()
    rows = [
        (name, one["release"], *(_three_digits(one[column]) for column in _SPEEDS))
        for name, one in found["engines"].items()
    ]
    caption = f"2 workers; {found['machine']}; releases looked up on {found['looked up']}"
    return Table(("library", "last release", *_SPEEDS.values()), rows, caption)


def _three_digits(number: float) -> str:
    return f"{number:.3g}" if number < 1000 else f"{number:.0f}"


def fates() -> Table:
    """Return one row per library: what it does when a worker dies, never ends, or runs a typed function."""
    columns = {
        "killed": "a worker is killed",
        "endless": "a task never ends",
        "typed": "a function typed in a cell",
    }
    rows = [(name, *(one[column] for column in columns)) for name, one in measured()["engines"].items()]
    return Table(("library", *columns.values()), rows)


def try_job(name: str, limit: float = 120.0) -> str:
    """Return the answers of the job, run as a program, where its library is installed; else how to get it."""
    from importlib.util import find_spec

    from helpers.programs.program import run_program

    if find_spec(PACKAGES.get(name, "multiprocessing")) is None:
        return f"{name} is not installed here: pip install {PACKAGES[name].replace('_', '-')}"
    lines = "\n".join(f"    {line}" for line in same_job(name).splitlines())
    source = _PROGRAM.format(lines=lines, variables=MPI if name == "MPI" else {}, ray=name == "ray")
    outcome = run_program(source, limit=limit, name="job.py")
    return outcome.stdout.strip().splitlines()[-1] if not outcome.exit_code else repr(outcome)[-500:]
