"""Run the notebooks again and again beside a load on every core, and count what fails: flakes.

    python -m tests.flakes --runs 100                          each notebook under each start method in turn
    python -m tests.flakes --runs 30 notebooks/09_parmap.ipynb -- --start-method fork
    python -m tests.flakes --runs 18 --load 0                  on a quiet machine, to compare with

One run is one notebook under one start method. What follows `--` goes to pytest. The exit code is 1 when a
run failed. `docs/support.md` says what was counted last.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.gate.scopes import cores

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1800.0  # seconds of one round at most
SPIN = f"""\
import os, time
parent, end = os.getppid(), time.monotonic() + {LIMIT}
while os.getppid() == parent and time.monotonic() < end:
    for _ in range(10**6):
        pass
"""


@dataclass
class Tally:
    """How often one notebook ran under one start method, and each failure as `cell: reason`."""

    runs: int = 0
    failed: int = 0
    reasons: list[str] = field(default_factory=list)


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep this many processes busy for the length of the block; none outlives it, or this process."""
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def one_round(notebooks: Sequence[str], options: Sequence[str], tallies: dict[str, Tally]) -> int:
    """Run the notebooks once under each start method, add to the tallies, and return the number of runs."""
    with tempfile.TemporaryDirectory(prefix="flakes-") as folder:
        result = Path(folder) / "result.xml"
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *notebooks, f"--junitxml={result}", *options],
            cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", timeout=LIMIT,
        )  # fmt: skip
        if run.returncode not in (0, 1):
            raise SystemExit(f"pytest did not run:\n{(run.stdout + run.stderr)[-3000:]}")
        return count(result, tallies)


def count(result: Path, tallies: dict[str, Tally]) -> int:
    """Add what a JUnit file says to the tallies by notebook and start method; return the number of runs."""
    found: dict[str, list[str]] = {}
    for case in ElementTree.parse(result).iter("testcase"):
        who = case.get("classname", "").replace("notebooks.", "").replace(".ipynb", "")
        reasons = found.setdefault(who, [])
        for fault in case:
            if fault.tag in ("failure", "error"):
                reasons.append(f"{case.get('name')}: {_reason(fault)}")
    for who, reasons in found.items():
        tallies[who].runs += 1
        tallies[who].failed += bool(reasons)
        tallies[who].reasons += reasons
    return len(found)


def _reason(fault: ElementTree.Element) -> str:
    """Return the failure's own words in one line, without nbval's colours and the cell's source."""
    words = re.sub(r"(\x1b|#x1B)\[\d+m", "", f"{fault.get('message')}\n{fault.text}")
    traceback = words.rpartition("Traceback:")[2] or words
    return re.sub(r"\s+", " ", traceback).strip()[:300]


def show(tallies: dict[str, Tally], seconds: float, processes: int) -> None:
    """Print the table, then each failure with its reason."""
    runs, failed = (sum(getattr(tally, name) for tally in tallies.values()) for name in ("runs", "failed"))
    print(f"{'runs':>6} {'failed':>7}")
    for who, tally in sorted(tallies.items()):
        print(f"{tally.runs:6} {tally.failed:7}  {who}")
    print(
        f"{runs:6} {failed:7}  in all: Python {sys.version.split()[0]}, {sys.platform}, {cores()} cores, "
        f"{processes} busy processes beside them, {seconds / 60:.1f} min"
    )
    for who, tally in sorted(tallies.items()):
        for reason in tally.reasons:
            print(f"\n{who}\n    {reason}")


def main(arguments: Sequence[str]) -> int:
    """Run rounds until there were that many runs; return 1 when one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebooks", nargs="*", default=["notebooks"])
    parser.add_argument("--runs", type=int, default=100, help="at least so many (100)")
    parser.add_argument("--load", type=int, default=cores(), help="busy processes beside them (one a core)")
    split = arguments.index("--") if "--" in arguments else len(arguments)
    chosen = parser.parse_args(arguments[:split])
    tallies: dict[str, Tally] = defaultdict(Tally)
    began = time.monotonic()
    done = 0
    with load(chosen.load):
        try:
            while done < chosen.runs:
                done += one_round(chosen.notebooks, arguments[split + 1 :], tallies)
                print(f"{done} of {chosen.runs} runs", file=sys.stderr, flush=True)
        finally:
            show(tallies, time.monotonic() - began, chosen.load)
    return 1 if any(tally.failed for tally in tallies.values()) else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
