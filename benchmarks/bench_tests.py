"""How long the test command takes, and the notebooks' part of it beside the time of their cells.

It runs everything twice over, so it is run only when it is named: `python benchmarks tests`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

title = "The test command"
slow = True
ROOT = Path(__file__).resolve().parents[1]
LIMIT = 3600.0  # seconds for one run
MINUTES = 10.0  # allowed for all tests, on two cores
RATIO = 1.5  # allowed: wall time of the notebooks over (their cells' own time + kernel starts) / cores
CORES = 2

Row = tuple[str, float, str, float | None, bool | None]


def measure() -> list[Row]:
    """Return the minutes of `start.py test`, and how near its notebooks come to using both cores."""
    minutes = _run()[0] / 60
    seconds, report = _run("notebooks", "--notebook-times")
    total = re.search(r"^ *([\d.]+) +([\d.]+) +[\d.]+ in all$", report, re.MULTILINE)
    if not total:
        raise RuntimeError(f"the notebooks' times are not in what pytest said:\n{report[-2000:]}")
    ratio = seconds / ((float(total[1]) + float(total[2])) / CORES)
    return [
        ("python start.py test", minutes, "min", MINUTES, minutes <= MINUTES),
        ("notebooks: wall time / half of cells and kernel starts", ratio, "times", RATIO, ratio <= RATIO),
    ]


def _run(*arguments: str) -> tuple[float, str]:
    """Return the seconds that `start.py test` takes with these arguments, and what it says."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    began = perf_counter()
    run = subprocess.run(
        [sys.executable, str(ROOT / "start.py"), "test", *arguments],
        env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=LIMIT,
    )  # fmt: skip
    seconds = perf_counter() - began
    if run.returncode:
        raise RuntimeError(
            f"the tests fail, so their time says nothing:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
        )
    return seconds, run.stdout


if __name__ == "__main__":
    print(*measure(), sep="\n")
