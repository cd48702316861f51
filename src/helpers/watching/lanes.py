"""How runs are drawn: lanes of bars that thin out into density, laid out once for picture and live view."""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import floor, log10
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers.pools.chunks import chunk_colours
from helpers.views.drawing import POINTS, Area, Boxes, Drawing, Line, Mark, Words
from helpers.views.picture import COLOURS, FAINT, GREY, INK, LETTER, SIZE, WIDTH, ink_on
from helpers.views.words import plural

if TYPE_CHECKING:
    from helpers.watching.runs import Lane, Run, Span

LEFT, RIGHT = 1.85, 0.95  # inches beside the lanes, for the labels
MOST_LANES = 16
MOST_BARS = 300  # in a lane; above it the picture shows how busy the workers were
_BINS = 500
_LANE = 0.34  # inches, of up to eight lanes
_BAR = 0.76  # of the lane's height
_HAIR = 0.012  # inches, of a bar that would be too narrow to be seen
_LINE = 0.19  # inches, of a line of a heading
_PER_LINE = 80  # letters of a heading
_BARS = "seconds since the start; a bar is a {}"
_CHUNKS = "seconds since the start; a bar is a task, a colour is a chunk"
_DENSITY = "seconds since the start; the height is the share of the time at work"


class Row(NamedTuple):
    """One line of the picture: a lane, or several lanes that share it."""

    label: str
    lanes: "tuple[Lane, ...]"
    shared: bool  # at the same time, so that only their density can be drawn
    starting: bool  # whether the time before the first task is the start of the worker

    @property
    def tasks(self) -> int:
        """The number of tasks that were started in these lanes."""
        return sum(map(len, self.lanes))


class Panel(NamedTuple):
    """What is drawn of one run."""

    heading: list[str]  # its lines
    run: "Run"
    rows: list[Row]
    colours: list[str]  # of the rows
    bold: bool

    @property
    def lines(self) -> int:
        """How many lanes high the panel is."""
        return max(len(self.rows), 1)


class Scale(NamedTuple):
    """How large things are, the same in every panel of a picture."""

    until: float  # seconds, the end of the time axis
    lane: float  # inches, the height of one
    crowded: bool  # a lane has no room for its bars: all lanes show how busy their workers were
    chunksize: int | None  # of the chunks that the bars are coloured by

    @property
    def inches(self) -> float:
        """Inches per second."""
        return (WIDTH - LEFT - RIGHT) / self.until

    @property
    def text(self) -> float:
        """Points, of the words in the bars."""
        return min(SIZE - 1, self.lane * POINTS * _BAR * 0.62)

    def x(self, seconds: float) -> float:
        """Return the place of a moment."""
        return LEFT + seconds * self.inches

    def letters(self, word: str) -> float:
        """Return the inches that the word and some air take."""
        return LETTER * (len(word) + 1) * self.text / SIZE


def told(run: "Run") -> str:
    """Return the heading of a finished run: its sentence and how long it took."""
    return f"{run!r}, {run.seconds:.2f} s"


def draw_runs(
    runs: "Mapping[str, Run]", title: str, chunksize: int | None, heading: "Callable[[Run], str]" = told
) -> Drawing:
    """Return a drawing with one panel per run, one below the other, on one time axis from 0.

    A process keeps its name and its colour from panel to panel, and all panels show bars or all show density.
    """
    panels = _panels(runs, heading)
    count = sum(panel.lines for panel in panels)
    crowded = any(row.shared or row.tasks > MOST_BARS for panel in panels for row in panel.rows)
    until = max(run.seconds for run in runs.values()) or 1e-3
    scale = Scale(until, _LANE if count <= 12 else max(0.22, _LANE * 12 / count), crowded, chunksize)
    head, foot = 0.34 if title else 0.04, 0.5
    above = [(0.18 if number else 0.08) + _LINE * len(panel.heading) for number, panel in enumerate(panels)]
    sheet = Drawing(WIDTH, head + sum(above) + count * scale.lane + foot)
    if title:
        sheet.add(Words(0.1, 0.2, title, SIZE + 3, bold=True))
    top = head
    for panel, space in zip(panels, above, strict=True):
        top += space
        for number, line in enumerate(reversed(panel.heading)):
            sheet.add(Words(0.1, top - 0.14 - _LINE * number, line, bold=panel.bold))
        _draw_panel(sheet, top, panel, scale)
        top += panel.lines * scale.lane
    for tick in _ticks(until):
        sheet.add(Words(scale.x(tick), top + 0.15, f"{tick:g}", anchor="middle"))
    bar = panels[0].run.plan.bar
    what = _DENSITY if crowded else _CHUNKS if chunksize else _BARS.format(bar)
    sheet.add(Words((LEFT + WIDTH - RIGHT) / 2, top + 0.36, what, anchor="middle"))
    return sheet


def _panels(runs: "Mapping[str, Run]", heading: "Callable[[Run], str]") -> list[Panel]:
    named = with_one_name_each(runs.values())
    panels = []
    known: dict[Any, str] = {}  # the colour of each process
    for name, run in zip(runs, named, strict=True):
        rows = rows_of(run)
        lines = textwrap.wrap(f"{name}: {heading(run)}" if name else heading(run), _PER_LINE)
        panels.append(Panel(lines, run, rows, _row_colours(rows, known), bool(name)))
    return panels


def with_one_name_each(runs: "Iterable[Run]") -> "list[Run]":
    """Return the runs with lanes named so that a process has the same name in all of them.

    The name is the one of its first run. Others are numbered as in their run, past numbers that are taken.
    """
    names: dict[int, str] = {}
    renamed = []
    for run in runs:
        if run.plan.noun != "worker":  # threads share their process
            renamed.append(run)
            continue
        taken = {names[lane.pid] for lane in run.lanes if lane.pid in names}
        fresh = (
            name
            for number in range(1, len(run.lanes) + 1 + len(taken))
            if (name := f"worker {number}") not in taken
        )
        lanes = []
        for lane in run.lanes:
            if not lane.label.startswith("worker "):
                lanes.append(lane)
                continue
            if lane.pid not in names:
                names[lane.pid] = next(fresh)
            lanes.append(replace(lane, label=names[lane.pid]))
        renamed.append(replace(run, lanes=tuple(sorted(lanes, key=_number))))
    return renamed


def _number(lane: "Lane") -> int:
    last = lane.label.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0


def _row_colours(rows: list[Row], known: dict[Any, str]) -> list[str]:
    """Return a colour for each row: its process's, if it has one; a new one is not its neighbours'."""
    colours: list[str] = []
    for number, row in enumerate(rows):
        one = row.lanes[0]
        who = (
            (one.pid, one.label if one.label.startswith(("thread", "interpreter")) else "")
            if len(row.lanes) == 1
            else row.label
        )
        if who not in known:
            following = rows[number + 1].lanes[0] if number + 1 < len(rows) else None
            beside = {*colours[-1:], known.get((following.pid, "")) if following else None}
            turn = len(known)
            known[who] = next(
                colour
                for step in range(len(COLOURS))
                if (colour := COLOURS[(turn + step) % len(COLOURS)]) not in beside
            )
        colours.append(known[who])
    return colours


def rows_of(run: "Run") -> list[Row]:
    """Return at most sixteen rows: of more lanes, first those share a row that follow one another."""
    offered = len(run.lanes) if run.plan.offered is None else run.plan.offered
    if len(run.lanes) <= MOST_LANES:
        return [
            Row(_label(lane), (lane,), False, not run.plan.serial and number < offered)
            for number, lane in enumerate(run.lanes)
        ]
    slots = _one_after_another(run)
    rows = [
        Row(f"{len(slot)} processes in turn" if len(slot) > 1 else _label(slot[0]), slot, False, False)
        for slot in map(tuple, slots)
    ]
    if len(rows) <= MOST_LANES:
        return rows
    rest = tuple(lane for row in rows[MOST_LANES - 1 :] for lane in row.lanes)
    return [*rows[: MOST_LANES - 1], Row(f"{len(rest)} more, on average", rest, True, False)]


def _label(lane: "Lane") -> str:
    """Return the lane's name and PID, or, with a host before it, as much of the name as there is room for."""
    if ", " not in lane.label:
        return f"{lane.label} · PID {lane.pid}"
    most = int((LEFT - 0.1) / LETTER)
    return lane.label if len(lane.label) <= most else f"…{lane.label[1 - most :]}"


def _one_after_another(run: "Run") -> "list[list[Lane]]":
    """Return the lanes in slots, each in the first slot that was over when the lane began."""
    slots: list[list[Lane]] = []
    ends: list[float] = []
    for lane in run.lanes:
        over = float(lane.until(run.seconds).max())
        slot = next((i for i, end in enumerate(ends) if end <= lane.first), None)
        if slot is None:
            slots.append([lane])
            ends.append(over)
        else:
            slots[slot].append(lane)
            ends[slot] = over
    return slots


def busy(lanes: "Sequence[Lane]", edges: Any, until: float) -> Any:
    """Return the share of each bin between `edges` in which the lanes worked, 0 to 1, on average."""
    import numpy as np

    total = np.zeros(len(edges))
    for lane in lanes:
        starts = lane.starts
        ends = np.maximum(lane.until(until), starts)
        done = np.concatenate([[0.0], np.cumsum(ends - starts)])
        times = np.column_stack([starts, ends]).ravel()
        total += np.interp(edges, times, np.repeat(done, 2)[1:-1])
    return np.clip(np.diff(total) / np.diff(edges) / max(len(lanes), 1), 0, 1)


def _ticks(until: float) -> list[float]:
    """Return at most eight round numbers from 0."""
    rough = until / 7
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [number * step for number in range(int(until / step * 1.000001) + 1)]


def _draw_panel(sheet: Drawing, top: float, panel: Panel, scale: Scale) -> None:
    """Draw the rows of one run below `top`."""
    bottom = top + panel.lines * scale.lane
    for tick in _ticks(scale.until):
        sheet.add(Line([(scale.x(tick), top), (scale.x(tick), bottom)], FAINT))
    sheet.add(Line([(LEFT, bottom), (WIDTH - RIGHT, bottom)], GREY))
    if not panel.rows:
        sheet.add(Words(LEFT + 0.05, top + scale.lane / 2, "no task started", colour=GREY, italic=True))
    fills = _chunk_fills(panel, scale)
    for number, (row, colour) in enumerate(zip(panel.rows, panel.colours, strict=True)):
        y = top + (number + 0.5) * scale.lane
        sheet.add(Words(LEFT - 0.07, y, row.label, min(SIZE, scale.text + 1), anchor="end"))
        sheet.add(Words(WIDTH - RIGHT + 0.07, y, plural(row.tasks, panel.run.plan.bar), scale.text, GREY))
        if row.starting:
            _draw_start(sheet, y, row.lanes[0].first, scale)
        if scale.crowded:
            _draw_density(sheet, y, row, colour, scale)
            continue
        for lane in row.lanes:
            spans = lane.spans
            _draw_bars(sheet, y, lane, panel.run, scale, [fills.get(span.task, colour) for span in spans])


def _chunk_fills(panel: Panel, scale: Scale) -> dict[int, str]:
    """Return the colour of each task's chunk, if the bars are coloured by chunk."""
    size = scale.chunksize
    if not size or scale.crowded:
        return {}
    orders = [[int(task) // size for lane in row.lanes for task in lane.tasks] for row in panel.rows]
    colours = chunk_colours(orders)
    return {int(task): colours[int(task) // size] for lane in panel.run.lanes for task in lane.tasks}


def _draw_start(sheet: Drawing, y: float, first: float, scale: Scale) -> None:
    """Shade the time before a worker's first task."""
    if first * scale.inches < 0.02:
        return
    height = scale.lane * _BAR
    sheet.add(Boxes([(LEFT, y - height / 2, first * scale.inches, height)], [FAINT]))
    if first * scale.inches > scale.letters("starting"):
        sheet.add(Words(scale.x(first / 2), y, "starting", scale.text, INK, "middle", italic=True))


def _draw_density(sheet: Drawing, y: float, row: Row, colour: str, scale: Scale) -> None:
    """Draw how busy the lanes were, as a height, and mark the tasks that died."""
    import numpy as np

    edges = np.linspace(0, scale.until, _BINS + 1)
    height = scale.lane * _BAR
    base = y + height / 2
    tops = base - height * busy(row.lanes, edges, scale.until)
    x = LEFT + np.repeat(edges, 2)[1:-1] * scale.inches
    steps = np.column_stack([x, np.repeat(tops, 2)]).tolist()
    sheet.add(Area([(LEFT, base), *map(tuple, steps), (WIDTH - RIGHT, base)], colour))
    sheet.add(Line([(LEFT, base), (WIDTH - RIGHT, base)], colour, 0.5))
    for lane in row.lanes:
        sheet.add(*(Mark(scale.x(start), y, 5) for start in lane.deaths))


def _draw_bars(sheet: Drawing, y: float, lane: "Lane", run: "Run", scale: Scale, fills: "list[str]") -> None:
    """Draw one bar per task in its colour, with its number where there is room for it."""
    usual = sorted(span.end - span.start for span in lane.spans if span.end is not None)
    stub = usual[len(usual) // 2] if usual else run.seconds / 10
    height = scale.lane * _BAR
    whole, whole_fills, words = [], [], []
    for span, fill in zip(lane.spans, fills, strict=True):
        if span.end is not None and not span.died:
            width = max((span.end - span.start) * scale.inches, _HAIR)
            whole.append((scale.x(span.start), y - height / 2, width, height))
            whole_fills.append(fill)
            ink = ink_on(fill)
        else:
            width = _draw_open_bar(sheet, y, span, run, scale, stub, fill)
            ink = "#000000"
        if not span.died and width > scale.letters(str(span.task)):
            middle = scale.x(span.start) + width / 2
            word = f"{span.task}{_remark(span, width)}"
            words.append(Words(middle, y, word, scale.text, ink, "middle"))
    # White lines between the bars of the whole lane or of none: chance would draw some of them.
    line = 0.8 if stub * scale.inches > 0.05 else 0.0
    sheet.add(Boxes(whole, whole_fills, "white" if line else "", line), *words)


def _draw_open_bar(
    sheet: Drawing, y: float, span: "Span", run: "Run", scale: Scale, stub: float, fill: str
) -> float:
    """Draw a task that died or still runs, and return its width in inches.

    Nobody knows when a killed task's worker ended: its bar is as long as a usual task's.
    """
    end = run.seconds if span.end is None else span.end
    if span.died and span.end is None:
        end = min(end, span.start + max(stub, 0.3 / scale.inches))
    left, width, height = scale.x(span.start), (end - span.start) * scale.inches, scale.lane * _BAR
    sheet.add(Boxes([(left, y - height / 2, width, height)], [fill], INK, 0.8, open=True, hatched=span.died))
    if span.died:
        words = f" task {span.task} died "
        beside = WIDTH - RIGHT - left - width > scale.letters(words)
        sheet.add(Mark(left + width / 2, y, scale.text))
        sheet.add(
            Words(left + width if beside else left, y, words, scale.text, INK, "start" if beside else "end",
                  bold=True, halo=True)
        )  # fmt: skip
    return width


def _remark(span: "Span", room: float) -> str:
    """Return a word on a task that did not simply finish, or a sign if there is no room for it."""
    word, sign = (
        (" still running", "…") if span.end is None else (" raised", "!") if span.raised else ("", "")
    )
    return word if room > LETTER * (len(word) + 3) else sign
