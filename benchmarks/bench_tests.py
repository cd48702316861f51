"""How long the test command takes, an author's quick answer, and what a full course will cost.

It runs everything and then parts of it again, so it is run only when it is named: `python benchmarks tests`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from tests.gate.scopes import ALLOWED, FIRST, REST

title = "The test command"
slow = True
ROOT = Path(__file__).resolve().parents[1]
LIMIT = 3600.0  # seconds for one run
QUICK = 90.0  # seconds allowed for `--quick`
RATIO = 1.3  # allowed: wall time of the notebooks over (their cells' own time + kernel starts) / cores
CORES = 2
PER_NOTEBOOK = ("notebooks/", "tests/test_mutants.py")  # these kinds of tests grow with each notebook
ALLOWED_MINUTES = {7: 6.0, 17: 10.0}  # notebooks, and what all tests may take with so many, on two cores

Row = tuple[str, float, str, float | None, bool | None]


def measure() -> list[Row]:
    """Return what the tests cost, and what they will with a full course of notebooks."""
    seconds, report = _run("--scope-times")
    scopes = {what: float(spent) for spent, what in re.findall(r"^ +([\d.]+) (\S.*)$", report, re.MULTILINE)}
    sums = (*PER_NOTEBOOK, REST)
    longest = max(spent for what, spent in scopes.items() if what not in sums and "in all" not in what)
    each = sum(scopes[kind] for kind in PER_NOTEBOOK)
    everything = sum(scopes[kind] for kind in (*FIRST, REST))
    now = len(list((ROOT / "notebooks").glob("*.ipynb")))
    with_so_many = {
        count: seconds * (each * count / now + everything - each) / everything for count in ALLOWED_MINUTES
    }
    quick = _run("--quick")[0]
    notebooks, report = _run("notebooks", "--notebook-times", f"--numprocesses={CORES}")
    total = re.search(r"^ *([\d.]+) +([\d.]+) +[\d.]+ in all$", report, re.MULTILINE)
    if not total:
        raise RuntimeError(f"the notebooks' times are not in what pytest said:\n{report[-2000:]}")
    return [
        _row(f"python start.py test, with {now} notebooks", seconds / 60, "min", None),
        *(
            _row(f"  with {count} notebooks, by arithmetic", with_so_many[count] / 60, "min", allowed)
            for count, allowed in ALLOWED_MINUTES.items()
        ),
        *(_row(f"  tests' own seconds: {kind}", scopes[kind], "s", None) for kind in (*FIRST, REST)),
        _row("  the longest scope (what one worker runs in one piece)", longest, "s", ALLOWED),
        _row("python start.py test --quick", quick, "s", QUICK),
        _row(
            f"notebooks on {CORES} workers: wall time / (cells + kernel starts) / {CORES}",
            notebooks / ((float(total[1]) + float(total[2])) / CORES), "times", RATIO,
        ),
    ]  # fmt: skip


def _row(what: str, value: float, unit: str, allowed: float | None) -> Row:
    return what, value, unit, allowed, None if allowed is None else value <= allowed


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
