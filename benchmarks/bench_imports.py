"""What our modules add to the start of a process: milliseconds and modules of third parties."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

title = "Importing"
ROUNDS = 15
PAIRS = 30
LIMIT = 120.0

Row = tuple[str, float, str, float | None, bool | None]

_IMPORT = """
import sys
from time import perf_counter
before = set(sys.modules)
began = perf_counter()
import {name}
seconds = perf_counter() - began
files = [getattr(sys.modules[new], "__file__", None) or "" for new in set(sys.modules) - before]
print(seconds, sum("site-packages" in file or "dist-packages" in file for file in files))
"""

# Both children send 49 through a pipe as soon as they run; the order within a pair alternates.
_CHILDREN = """
from multiprocessing import get_context
from statistics import median
from time import perf_counter
from helpers.workers.numbers import square
from helpers.workers.talk import send_answer

context = get_context("spawn")

def seconds(ours):
    here, there = context.Pipe(duplex=False)
    began = perf_counter()
    call = (send_answer, (there, square, 7)) if ours else (there.send, (49,))
    child = context.Process(target=call[0], args=call[1])
    child.start()
    there.close()
    assert here.poll(60) and here.recv() == 49
    taken = perf_counter() - began
    child.join()
    here.close()
    return taken

seconds(True), seconds(False)
pairs = []
for number in range(PAIRS):
    first = seconds(number % 2 == 0)
    second = seconds(number % 2 == 1)
    pairs.append((first, second) if number % 2 == 0 else (second, first))
ours, plain = map(median, zip(*pairs))
print(ours, plain, median(one / other for one, other in pairs))
"""


def _numbers(program: str, **environment: str) -> list[float]:
    """Return the numbers that a program prints, run in a fresh interpreter that may keep bytecode, as usual.

    Without bytecode each start would compile our modules anew, and those of the standard library not.
    """
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=usual | environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]


def measure() -> list[Row]:
    """Return rows of (what, value, unit, allowed, met)."""
    names = ("nothing_in_it", "helpers", "helpers.workers")
    times: dict[str, list[float]] = {name: [] for name in names}
    foreign = dict.fromkeys(names, 0.0)
    with TemporaryDirectory() as folder:
        Path(folder, "nothing_in_it.py").touch()
        for _ in range(ROUNDS):
            for name in names:
                seconds, foreign[name] = _numbers(_IMPORT.format(name=name), PYTHONPATH=folder)
                times[name].append(seconds)
    empty = median(times["nothing_in_it"])
    rows: list[Row] = []
    for name in names[1:]:
        extra = (median(times[name]) - empty) * 1000
        strange = foreign[name]
        rows += [
            (f"import {name}, over an empty import", extra, "ms", 10.0, extra <= 10),
            (f"import {name}, modules of third parties", strange, "modules", 0.0, strange == 0),
        ]
    ours, plain, ratio = _numbers(_CHILDREN.replace("PAIRS", str(PAIRS)))
    return [
        *rows,
        ("spawned child answers, function of the standard library", plain * 1000, "ms", None, None),
        ("spawned child answers, worker of ours", ours * 1000, "ms", None, None),
        ("the second over the first, median of pairs", ratio, "times", 1.1, ratio <= 1.1),
    ]
