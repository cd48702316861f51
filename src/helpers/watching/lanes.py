"""How runs are drawn: lanes of bars that thin out into density."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers.views.picture import (
    COLOURS,
    FAINT,
    GREY,
    INK,
    LETTER,
    SIZE,
    WIDTH,
    draw_title,
    ink_on,
    new_figure,
    plain,
)
from helpers.views.words import plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from helpers.watching.runs import Lane, Run, Span

LEFT, RIGHT = 1.85, 0.85  # inches beside the lanes, for the labels
MOST_LANES = 16
MOST_BARS = 300  # in a lane; above it the picture shows how busy the workers were
_BINS = 500
_LANE = 0.32  # inches, of up to eight lanes
_BAR = 0.76  # of the lane's height
_HALO = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.75}


class Row(NamedTuple):
    """One line of the picture: a lane, or several lanes that share it."""

    label: str
    lanes: "tuple[Lane, ...]"
    shared: bool  # at the same time, so that only their density can be drawn
    starting: bool  # whether the time before the first task is the start of the worker

    @property
    def tasks(self) -> int:
        """The number of tasks that were started in these lanes."""
        return sum(len(lane.spans) for lane in self.lanes)


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
    return f"{lane.label} · PID {lane.pid}"


def _end(span: "Span", until: float) -> float:
    return until if span.end is None else span.end


def _one_after_another(run: "Run") -> "list[list[Lane]]":
    """Return the lanes in slots, each in the first slot that was over when the lane began."""
    slots: list[list[Lane]] = []
    ends: list[float] = []
    for lane in run.lanes:
        over = max(_end(span, run.seconds) for span in lane.spans)
        slot = next((i for i, end in enumerate(ends) if end <= lane.spans[0].start), None)
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
        spans = np.array([(span.start, _end(span, until)) for span in lane.spans])
        starts, ends = spans[:, 0], np.maximum(spans[:, 1], spans[:, 0])
        done = np.concatenate([[0.0], np.cumsum(ends - starts)])
        times = np.column_stack([starts, ends]).ravel()
        total += np.interp(edges, times, np.repeat(done, 2)[1:-1])
    return np.clip(np.diff(total) / np.diff(edges) / max(len(lanes), 1), 0, 1)


class Scale(NamedTuple):
    """How large things are in a panel."""

    until: float  # seconds, the end of the time axis
    inches: float  # per second
    text: float  # points, of the words in the bars
    crowded: bool  # a lane has no room for its bars: all lanes show how busy their workers were

    def letters(self, word: str) -> float:
        """Return the inches that the word and some air take."""
        return LETTER * (len(word) + 1) * self.text / SIZE


def draw_runs(runs: "Mapping[str, Run]", title: str, chunksize: int | None) -> "Figure":
    """Return a figure with one panel per run, one below the other, on one time axis from 0."""
    panels = [(name, run, rows_of(run)) for name, run in runs.items()]
    count = sum(max(len(rows), 1) for _, _, rows in panels)
    lane = _LANE if count <= 12 else max(0.2, _LANE * 12 / count)
    head, above, foot = 0.3 if title else 0.02, 0.34, 0.5
    height = head + foot + count * lane + above * len(panels)
    figure = new_figure(WIDTH, height)
    draw_title(figure, title, height)
    until = max(run.seconds for run in runs.values()) or 1e-3
    crowded = any(row.tasks > MOST_BARS for _, _, rows in panels for row in rows)
    scale = Scale(until, (WIDTH - LEFT - RIGHT) / until, min(SIZE - 1, lane * 72 * _BAR * 0.62), crowded)
    top = height - head
    for name, run, rows in panels:
        tall = max(len(rows), 1) * lane
        top -= above + tall
        axes = figure.add_axes((LEFT / WIDTH, top / height, 1 - (LEFT + RIGHT) / WIDTH, tall / height))
        _draw_panel(axes, run, rows, scale, chunksize)
        heading = f"{run!r}, {run.seconds:.2f} s"
        axes.annotate(f"{name}: {heading}" if name else heading, (0, 1), (72 * (0.1 - LEFT), 5),
                      xycoords="axes fraction", textcoords="offset points", size=SIZE, color=INK,
                      weight="bold" if name else "normal", parse_math=False)  # fmt: skip
        axes.tick_params(labelbottom=False)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("seconds since the start", size=SIZE, color=INK)
    return figure


def _draw_panel(axes: "Axes", run: "Run", rows: list[Row], scale: Scale, chunksize: int | None) -> None:
    """Draw the rows of one run."""
    plain(axes, grid="x")
    axes.set_xlim(0, scale.until)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.tick_params(axis="y", length=0)
    if not rows:
        axes.text(0, 0, " no task started", va="center", size=SIZE, style="italic", color=GREY)
    for y, row in enumerate(rows):
        colour = COLOURS[y % len(COLOURS)]
        axes.annotate(plural(row.tasks, "task"), (1, y), (5, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", va="center", size=scale.text, color=GREY)  # fmt: skip
        if row.starting:
            _draw_start(axes, y, row.lanes[0].spans[0].start, scale)
        if row.shared or scale.crowded:
            _draw_density(axes, y, row, scale.until, colour)
            continue
        for lane in row.lanes:
            fills = [colour] * len(lane.spans)
            if chunksize:
                fills = [COLOURS[span.task // chunksize % len(COLOURS)] for span in lane.spans]
            _draw_bars(axes, y, lane, run, scale, fills)


def _draw_start(axes: "Axes", y: int, first: float, scale: Scale) -> None:
    """Shade the time before a worker's first task."""
    if first * scale.inches < 0.02:
        return
    axes.barh(y, first, height=_BAR, color=FAINT, linewidth=0)
    if first * scale.inches > scale.letters("starting"):
        axes.text(
            first / 2, y, "starting", ha="center", va="center", size=scale.text, style="italic", color=GREY
        )


def _draw_density(axes: "Axes", y: int, row: Row, until: float, colour: str) -> None:
    """Draw how busy the lanes were, as a height, and mark the tasks that died."""
    import numpy as np

    edges = np.linspace(0, until, _BINS + 1)
    share = busy(row.lanes, edges, until)
    base = y + _BAR / 2
    axes.fill_between(
        edges, base, base - _BAR * np.append(share, share[-1]), step="post", color=colour, linewidth=0
    )
    axes.plot([0, until], [base, base], color=colour, linewidth=0.5)
    died = [span.start for each in row.lanes for span in each.spans if span.died]
    axes.plot(died, [y] * len(died), linestyle="", marker="x", color=INK, markersize=5, clip_on=False)


def _draw_bars(axes: "Axes", y: int, lane: "Lane", run: "Run", scale: Scale, fills: "list[str]") -> None:
    """Draw one bar per task in its colour, with its number where there is room for it."""
    usual = sorted(span.end - span.start for span in lane.spans if span.end is not None)
    stub = usual[len(usual) // 2] if usual else run.seconds / 10
    whole, whole_fills = [], []
    for span, fill in zip(lane.spans, fills, strict=True):
        if span.end is not None and not span.died:
            width = span.end - span.start
            whole.append((span.start, width))
            whole_fills.append(fill)
            ink = ink_on(fill)
        else:
            width = _draw_open_bar(axes, y, span, run, scale, stub, fill)
            ink = INK
        room = width * scale.inches
        if not span.died and room > scale.letters(str(span.task)):
            word = f"{span.task}{_remark(span, room)}"
            axes.text(span.start + width / 2, y, word, ha="center", va="center", size=scale.text, color=ink)
    # White lines between the bars of the whole lane or of none: chance would draw some of them.
    line = 0.8 if stub * scale.inches > 0.05 else 0.0
    axes.broken_barh(whole, (y - _BAR / 2, _BAR), facecolors=whole_fills, edgecolor="white", linewidth=line)


def _draw_open_bar(
    axes: "Axes", y: int, span: "Span", run: "Run", scale: Scale, stub: float, fill: str
) -> float:
    """Draw a task that died or still runs, and return its width in seconds.

    Nobody knows when a killed task's worker ended: its bar is as long as a usual task's.
    """
    end = _end(span, run.seconds)
    if span.died and span.end is None:
        end = min(end, span.start + max(stub, 0.3 / scale.inches))
    width = end - span.start
    hatch = "////" if span.died else None
    axes.barh(y, width, left=span.start, height=_BAR, color=fill, alpha=0.45, edgecolor=INK, linewidth=0.8,
              linestyle="--", hatch=hatch)  # fmt: skip
    if span.died:
        axes.plot(
            span.start + width / 2, y, marker="X", color=INK, markeredgecolor="white", markersize=scale.text
        )
        words = f" task {span.task} died "
        beside = (scale.until - end) * scale.inches > scale.letters(words)
        axes.text(end if beside else span.start, y, words, ha="left" if beside else "right", va="center",
                  size=scale.text, color=INK, weight="bold", bbox=_HALO)  # fmt: skip
    return width


def _remark(span: "Span", room: float) -> str:
    """Return a word on a task that did not simply finish, or a sign if there is no room for it."""
    word, sign = (
        (" still running", "…") if span.end is None else (" raised", "!") if span.raised else ("", "")
    )
    return word if room > LETTER * (len(word) + 3) else sign
