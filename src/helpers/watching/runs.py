"""What a watched run is: its plan, its lanes of spans, and the sentence, picture and table of them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers.pools.plan import Plan
from helpers.views.words import plural

if TYPE_CHECKING:
    from helpers.views.picture import Picture
    from helpers.views.table import Table


class Span(NamedTuple):
    """One task in one worker: from `start` to `end` in seconds since the start of `watch`.

    `end` is None for a task that still ran when it was looked at, or that `died` with its worker; `raised`
    says that it ended with an exception.
    """

    task: int
    start: float
    end: float | None
    died: bool = False
    raised: bool = False


class Lane(NamedTuple):
    """What one worker did: its label ("worker 1"), its process id and its spans, sorted by start."""

    label: str
    pid: int
    spans: tuple[Span, ...]


def _name_tasks(tasks: list[int]) -> str:
    """Return "task 3", "tasks 3 and 5" or, when there are many, "12 tasks"."""
    if len(tasks) > 5:
        return plural(len(tasks), "task")
    *most, last = map(str, tasks)
    return f"tasks {', '.join(most)} and {last}" if most else f"task {last}"


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """A watched run: its results, and the lanes that say which worker did which task when.

    `seconds` is how long the whole call took, starting included.
    """

    results: list[Any]
    lanes: tuple[Lane, ...]
    seconds: float
    plan: Plan = field(repr=False)

    @property
    def workers(self) -> int:
        """The number of distinct processes that took a task."""
        return len({lane.pid for lane in self.lanes})

    @property
    def tasks(self) -> int:
        """The number of tasks that were given."""
        return self.plan.tasks

    @property
    def overlapping(self) -> bool:
        """Whether tasks of two different processes were at work at the same time."""
        ends = sorted(
            (span.start, self.seconds if span.end is None else span.end, lane.pid)
            for lane in self.lanes
            for span in lane.spans
        )
        latest: dict[int, float] = {}
        for start, end, pid in ends:
            if any(until > start for other, until in latest.items() if other != pid):
                return True
            latest[pid] = max(end, latest.get(pid, 0.0))
        return False

    def outcomes(self) -> dict[str, list[int]]:
        """Return the numbers of the tasks that did not come to a good end, by what became of them."""
        spans = {span.task: span for lane in self.lanes for span in lane.spans}
        found: dict[str, list[int]] = {"died": [], "raised": [], "running": [], "never": []}
        for task in range(self.tasks):
            span = spans.get(task)
            if span is None:
                found["never"].append(task)
            elif span.died:
                found["died"].append(task)
            elif span.end is None:
                found["running"].append(task)
            elif span.raised:
                found["raised"].append(task)
        return found

    def _outcome(self) -> str:
        words = {
            "died": ("died with its worker", "died with their workers"),
            "raised": ("raised an exception", "raised an exception"),
            "running": ("still running", "still running"),
            "never": ("never started", "never started"),
        }
        parts = [
            f"{_name_tasks(tasks)} {words[what][len(tasks) > 1]}"
            for what, tasks in self.outcomes().items()
            if tasks
        ]
        return ", ".join(parts) or ("all finished" if self.tasks else "nothing to do")

    def __repr__(self) -> str:
        """Return a sentence of facts that are the same in each run: `8 tasks on 4 workers, all finished`."""
        return f"{self.plan}, {self._outcome()}"

    def draw(self, title: str = "", by: str = "worker", chunksize: int | None = None) -> "Picture":
        """Return the picture of the run: one lane per worker, one bar per task, time from 0.

        `by="chunk"` colours the bars by the chunk they were handed out in; `chunksize` is needed only where
        `watch` could not know it. Raises ValueError for another `by` or an unknown chunk size.
        """
        from helpers.views.picture import Picture
        from helpers.watching.lanes import draw_runs

        if by not in ("worker", "chunk"):
            raise ValueError(f'draw(by={by!r}): bars are coloured by="worker" or by="chunk"')
        size = chunksize or self.plan.chunksize
        if by == "chunk" and not size:
            raise ValueError(
                'the size of the chunks is not known: say it, as in draw(by="chunk", chunksize=10)'
            )
        return Picture(draw_runs({"": self}, title, size if by == "chunk" else None), repr(self))

    def table(self) -> "Table":
        """Return one row per task: worker, process id, task, start, end (seconds) and what became of it."""
        from helpers.views.table import Table

        rows = [
            (
                lane.label,
                lane.pid,
                span.task,
                round(span.start, 3),
                span.end and round(span.end, 3),
                fate(span),
            )
            for lane in self.lanes
            for span in lane.spans
        ]
        return Table(("worker", "PID", "task", "start (s)", "end (s)", "outcome"), rows)


def fate(span: Span) -> str:
    """Return what became of the task."""
    if span.died:
        return "died with its worker"
    if span.end is None:
        return "still running"
    return "raised an exception" if span.raised else "finished"
