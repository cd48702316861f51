"""What dask's scheduler costs: seconds per task and per megabyte, and how long whole jobs take.

`python -m benchmarks.bench_scheduler` prints them, `--store` writes what lesson 14 computes with. Slots are
threads of two worker processes: naps need no core, so that two cores can play a larger cluster.
"""

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from helpers.experiments.scaling import MEASURED
from helpers.workers.naps import nap
from helpers.workers.numbers import square

title = "What a scheduler costs"
ROUNDS = 3
TINY = 600  # tasks
JOBS = [  # (tasks, seconds of each, slots); the lesson fits its model to none of them
    (100, 0.1, 2),
    (400, 0.1, 8),
    (400, 0.02, 8),
    (800, 0.1, 32),
    (800, 0.02, 32),
    (1200, 0.1, 64),
]
MEGABYTES = 64

Row = tuple[str, float, str, float | None, bool | None]


def _seconds(call: Callable[[], Any]) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def _send(client: Any, data: bytes) -> None:
    client.submit(len, data, pure=False).result()


def figures() -> dict[str, Any]:
    """Return the seconds per task and per megabyte, and the seconds of each of JOBS; medians of ROUNDS."""
    from distributed import Client

    from helpers.programs.cluster import Cluster

    jobs = []
    for slots in sorted({slots for *_, slots in JOBS}):
        with Cluster(workers=2, threads=slots // 2) as cluster, Client(cluster.address) as client:
            client.wait_for_workers(2, timeout=60)
            client.gather(client.map(square, range(100), pure=False))
            if slots == 8:
                data = os.urandom(MEGABYTES * 1_000_000)
                tiny = median(
                    _seconds(lambda: client.gather(client.map(square, range(TINY), pure=False)))
                    for _ in range(ROUNDS)
                )
                large, alone = (
                    median(_seconds(partial(_send, client, one)) for _ in range(ROUNDS))
                    for one in (data, b"")
                )
            for tasks, length, needed in JOBS:
                if needed == slots:
                    took = median(
                        _seconds(lambda: client.gather(client.map(nap, [length] * tasks, pure=False)))  # noqa: B023
                        for _ in range(ROUNDS)
                    )
                    jobs.append({"tasks": tasks, "seconds": length, "slots": slots, "took": round(took, 3)})
    return {
        "measured": str(date.today()),
        "machine": f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "per task": round(tiny / TINY, 6),
        "per megabyte": round((large - alone) / MEGABYTES, 6),
        "jobs": jobs,
    }


def measure() -> list[Row]:
    """Return rows of (what, value, unit, allowed, met); nothing is allowed or forbidden here."""
    found = figures()
    rows: list[Row] = [
        ("dask: a task", found["per task"] * 1e3, "ms", None, None),
        ("dask: a megabyte", found["per megabyte"] * 1e3, "ms", None, None),
    ]
    for one in found["jobs"]:
        what = f"dask: {one['tasks']} naps of {one['seconds']:g} s in {one['slots']} slots"
        rows.append((what, one["took"], "s", None, None))
    return rows


if __name__ == "__main__":
    said = json.dumps(figures(), indent=1) + "\n"
    if "--store" in sys.argv[1:]:
        MEASURED.write_text(said, encoding="utf-8")
    print(said, end="")
