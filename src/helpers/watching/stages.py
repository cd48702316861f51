"""A pipeline drawn: one lane for each process of each stage, one bar for each item, from measured times."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from helpers.pools.plan import Plan
from helpers.views.words import plural
from helpers.watching.runs import Lane, Run, Span

if TYPE_CHECKING:
    from helpers.views.picture import Picture

Note = tuple[str, int, float, float]


def draw_stages(notes: Iterable[Note], began: float, title: str = "", called: str = "items") -> "Picture":
    """Return the picture of a pipeline: stages from top to bottom as they first began, time from 0.

    A note is (stage, PID, start, end) of one item, in seconds by `time.perf_counter`; `began` is when the
    pipeline did, by the same clock. Raises ValueError without notes, or for one that lies before `began`.
    """
    lanes: dict[tuple[str, int], list[Span]] = {}
    for stage, pid, start, end in sorted(notes, key=lambda note: note[2]):
        if not began <= start <= end:
            raise ValueError(
                f"the note {(stage, pid, start, end)} is not in order: expected began ({began}) <= start <= "
                "end, all read from time.perf_counter()"
            )
        spans = lanes.setdefault((stage, pid), [])
        spans.append(Span(len(spans), start - began, end - began))
    if not lanes:
        raise ValueError("no notes to draw: collect (stage, PID, start, end) of each item")
    stages = list(dict.fromkeys(stage for stage, _ in lanes))
    rows = sorted(lanes.items(), key=lambda one: stages.index(one[0][0]))
    drawn = tuple(Lane.of(stage, pid, spans) for (stage, pid), spans in rows)
    most = max(len(lane) for lane in drawn)
    through = f"{called} through {plural(len(stages), 'stage')}"
    run = Run([], drawn, max(lane.last for lane in drawn), Plan(most, 0, "stage", None, through))
    return run.draw(title)
