"""One small program started under each method, with a clock at its steps: what happens until the worker runs.

`trace_starts()` runs the program and returns a `Starts`: what was measured, drawn and as a table.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from helpers.processes.folders import own_folder
from helpers.programs.program import run_program
from helpers.programs.start_methods import methods
from helpers.views.drawing import Boxes, Drawing, Line, Mark, Words
from helpers.views.picture import COLOURS, FAINT, GREY, INK, SIZE, WIDTH, Picture
from helpers.views.table import Table
from helpers.views.words import plural

LIMIT = 30.0  # seconds for a program that needs less than one
# The program. What it imports at its top stands for what a real file imports: each reader pays for it.
SOURCE = """\
import time
began = time.perf_counter_ns()
import decimal, json, os, re, sys
def note(what, at=None):
    line = json.dumps([what, at or time.perf_counter_ns(), os.getpid(), os.getppid()]) + "\\n"
    with open({notes!r}, "a") as file:
        file.write(line)
def worker():
    note("worker")
    note("command " + "".join(re.findall(r"from multiprocessing\\S+ import \\w+", " ".join(sys.orig_argv))))
note("file", began)
note("read")
if __name__ == "__main__":
    from helpers.experiments.start_steps_program import start_two
    start_two({method!r}, worker, note)
"""


@dataclass(frozen=True)
class Start:
    """The start of one child: moments in milliseconds since `start()` was called, and what went to the child.

    `launched` is when a new Python was started for it, None where there was none; `pickled` names what was
    pickled, with its bytes. `server` holds what the fork server did at this start: its launch and the begin
    and end of its reading of the file, None for what it did not do.
    """

    method: str
    number: int
    returned: float
    launched: float | None
    file: float | None
    read: float | None
    worker: float
    pickled: tuple[tuple[str, int], ...]
    command: str
    server: tuple[float | None, float | None, float | None]

    @property
    def bytes(self) -> int:
        """The bytes that were pickled for the child."""
        return sum(size for _, size in self.pickled)


@dataclass(frozen=True)
class Starts:
    """The first two starts under each method."""

    starts: tuple[Start, ...]

    def table(self) -> Table:
        """Return the steps, one row each, with what the second start under each method did."""
        second = [one for one in self.starts if one.number == 2]
        rows = [
            ("is pickled", *(_list(name for name, _ in one.pickled) for one in second)),
            ("a new Python starts", *(_new_python(one, self.starts) for one in second)),
            ("the child's command line", *(one.command for one in second)),
            (
                "your file is read",
                *("no" if one == "by nobody" else "yes" for one in self.read_by().values()),
            ),
            ("the worker's first line", *("runs" if one.worker else "-" for one in second)),
        ]
        return Table(["step", *(one.method for one in second)], rows)

    def read_by(self) -> dict[str, str]:
        """Return for each method who reads the program's file before its worker runs."""
        found = dict.fromkeys((one.method for one in self.starts), "by nobody")
        for one in self.starts:
            if one.file is not None:
                found[one.method] = "by each child"
            elif one.server[1] is not None:
                found[one.method] = "once, by the server"
        return found

    def draw(self) -> Picture:
        """Return the picture: one panel a start, all on one axis from the call of `start()`."""
        return Picture(_draw(self.starts).figure(), repr(self))

    def __repr__(self) -> str:
        """Return the sentence that the picture shows."""
        parts = []
        for one in self.starts:
            if one.number == 2:
                what = "pickles, and the" if one.bytes else "pickles nothing, and the"
                read = "not read" if self.read_by()[one.method] == "by nobody" else "read first"
                parts.append(f"under {one.method} Python {what} file is {read}")
        return f"{plural(len(self.starts), 'start')}: {'; '.join(parts)}"


def trace_starts() -> Starts:
    """Return what was measured of two starts under each method that this system has."""
    return Starts(tuple(one for method in methods() for one in _trace(method)))


def _trace(method: str) -> list[Start]:
    with own_folder("steps") as folder:
        notes = folder / "notes"
        outcome = run_program(SOURCE.format(notes=str(notes), method=method), limit=LIMIT, name="steps.py")
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        if outcome.exit_code or not lines:
            raise RuntimeError(f"the program under {method} did not come to its end: {outcome!r}")
    return list(_starts(method, [json.loads(line) for line in lines]))


def _starts(method: str, notes: list[list[object]]) -> Iterable[Start]:
    """Yield the starts that the notes tell of: each is [what, nanoseconds, PID, parent's PID]."""
    events = sorted(
        ((str(what), int(str(at)), int(str(pid))) for what, at, pid, _ in notes), key=lambda one: one[1]
    )
    main = next(pid for what, _, pid in events if what == "start")
    workers = [pid for what, _, pid in events if what == "worker"]
    servers = {pid for _, _, pid in events} - {main, *workers}
    calls = [at for what, at, _ in events if what == "start"]
    for number, (zero, child) in enumerate(zip(calls, workers, strict=True), 1):
        until = calls[number] if number < len(calls) else sys.maxsize

        def first(what: str, pids: Iterable[int], zero: int = zero, until: int = until) -> float | None:
            found = [at for name, at, pid in events if name == what and pid in pids and zero <= at < until]
            return (found[0] - zero) / 1e6 if found else None

        pickled, command = [], ""
        for what, at, pid in events:
            if pid == main and zero <= at < until and what.startswith("pickled "):
                _, size, name = what.split(" ", 2)
                pickled.append((name, int(size)))
        for what, _, pid in events:
            if pid == child and what.startswith("command "):
                command = what.removeprefix("command ") or "the parent's"
        yield Start(
            method,
            number,
            first("returned", [main]) or 0.0,
            first("launched child", [main]),
            first("file", [child]),
            first("read", [child]),
            first("worker", [child]) or 0.0,
            tuple(pickled),
            command,
            (first("launched server", [main]), first("file", servers), first("read", servers)),
        )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


def _new_python(second: Start, starts: Sequence[Start]) -> str:
    if second.launched is not None:
        return "yes"
    first = next(one for one in starts if one.method == second.method and one.number == 1)
    return "no" if first.server[0] is None else "once: the server"


_LEFT, _ROW, _HEAD = 0.95, 0.3, 0.8  # inches: beside the bars, of a row, above a panel


def _draw(starts: Sequence[Start]) -> Drawing:
    """Return the drawing: for each start a row for the parent, one for a new server, one for the child."""
    shown = [one for one in starts if one.number == 1 or one.method == "forkserver"]
    until = max(max(one.worker, one.returned) for one in shown) * 1.04
    rows = [3 if one.server[0] is not None else 2 for one in shown]
    sheet = Drawing(WIDTH, 0.44 + sum(_HEAD + _ROW * count for count in rows) + 0.8)
    sheet.add(Words(0.1, 0.2, "From start() to the first line of the worker", SIZE + 3, bold=True))
    inch = (WIDTH - _LEFT - 0.25) / until
    top = 0.44
    for one, count in zip(shown, rows, strict=True):
        _panel(sheet, one, top, inch, len([each for each in shown if each.method == one.method]) > 1)
        top += _HEAD + _ROW * count
    step = next(one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if until / one <= 8)
    for tick in range(0, int(until) + 1, step):
        sheet.add(Words(_LEFT + tick * inch, top + 0.14, str(tick), anchor="middle"))
    sheet.add(Words(WIDTH / 2, top + 0.36, "milliseconds since start() was called", anchor="middle"))
    _legend(sheet, top + 0.62)
    return sheet


def _legend(sheet: Drawing, y: float) -> None:
    """Add what the bars mean."""
    sheet.add(Boxes([(0.1, y - 0.08, 0.3, 0.16)], [FAINT], GREY, 0.6, hatched=True))
    sheet.add(Words(0.48, y, "a new Python starts"))
    sheet.add(Boxes([(2.3, y - 0.08, 0.3, 0.16)], [COLOURS[1]], GREY, 0.6))
    sheet.add(Words(2.68, y, "reads your file"))
    sheet.add(Mark(4.2, y, 7, INK, dot=True), Words(4.35, y, "the worker's first line"))


def _panel(sheet: Drawing, one: Start, top: float, inch: float, several: bool) -> None:
    """Add one start: its heading, what was pickled, and its rows of bars."""
    which = f", start {one.number}" if several else ""
    sizes = " and ".join(f"{name} ({size} bytes)" for name, size in one.pickled)
    sheet.add(
        Words(0.1, top + 0.16, f"{one.method}{which}: the worker begins after {one.worker:.1f} ms", bold=True)
    )
    sheet.add(Words(0.1, top + 0.38, f"pickled: {sizes or 'nothing'}", SIZE - 0.5))
    sheet.add(Words(0.1, top + 0.56, f"command line of the child: {one.command}", SIZE - 0.5))
    y = top + _HEAD

    def bar(begin: float, end: float, colour: str, hatched: bool = False) -> None:
        width = max((end - begin) * inch, 0.02)
        sheet.add(Boxes([(_LEFT + begin * inch, y - 0.1, width, 0.2)], [colour], GREY, 0.6, hatched=hatched))

    def row(name: str) -> None:
        sheet.add(Words(_LEFT - 0.1, y, name, anchor="end"))

    row("parent")
    bar(0, one.returned, COLOURS[0])
    y += _ROW
    launched, file, read = one.server
    if launched is not None:
        row("fork server")
        bar(launched, one.returned, FAINT, hatched=True)
        if file is not None and read is not None:
            bar(file, read, COLOURS[1])
        y += _ROW
    row("child")
    begin = one.launched if one.launched is not None else min(one.returned, one.file or one.worker)
    bar(begin, one.worker, FAINT, hatched=one.launched is not None)
    if one.file is not None and one.read is not None:
        bar(one.file, one.read, COLOURS[1])
    x = _LEFT + one.worker * inch
    sheet.add(Line([(x, y - 0.13), (x, y + 0.13)], INK, 1.6), Mark(x, y, 7, INK, dot=True))
