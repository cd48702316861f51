"""Measure what we claim about speed and print it beside what is allowed: `python benchmarks [NAME …]`.

Without names every `bench_*.py` is run that does not call itself slow. The exit code is 1 when a figure is
missed, 2 for an unknown name.
"""

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADINGS = ("what", "measured", "allowed", "met")


def main(names: Sequence[str]) -> int:
    """Run the benchmarks called `names`, or all, and return the exit code."""
    there = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = sorted(set(names) - set(there))
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(there)}", file=sys.stderr)
        return 2
    met = [_run(name) for name in names or there if name in names or not _is_slow(name)]
    return 0 if all(met) else 1


def _is_slow(name: str) -> bool:
    """Return whether the benchmark is run only when it is named; say how, if so."""
    slow = bool(getattr(import_module(f"benchmarks.bench_{name}"), "slow", False))
    if slow:
        print(f"{name} takes long: python benchmarks {name} runs it")
    return slow


def _run(name: str) -> bool:
    """Run one benchmark under the leak gate, print its table, and return whether it met every figure."""
    from tests.gate.leaks import nothing_left

    module = import_module(f"benchmarks.bench_{name}")
    with nothing_left(of=f"the benchmark {name}"):
        rows = module.measure()
        _print(f"{module.title} ({name})", rows)
    return all(row[-1] is not False for row in rows)


def _print(title: str, rows: Sequence[tuple[str, float, str, float | None, bool | None]]) -> None:
    words = {True: "yes", False: "NO", None: ""}
    cells = [
        (what, f"{value:.3g} {unit}", "" if allowed is None else f"≤ {allowed:g} {unit}", words[met])
        for what, value, unit, allowed, met in rows
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *cells, strict=True)]
    print(f"\n{title}")
    for row in (HEADINGS, tuple("─" * width for width in widths), *cells):
        print("  ".join(map(str.ljust, row, widths)).rstrip(), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))  # for `python benchmarks` as well as `python -m benchmarks`
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main(sys.argv[1:]))
