"""What a watched run is: its plan, its lanes of spans, and the sentence, picture and table of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
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


class Fate(IntEnum):
    """What became of a task."""

    FINISHED = 0
    RAISED = 1
    DIED = 2
    RUNNING = 3
    NEVER = 4  # nobody has started it


@dataclass(frozen=True, eq=False)
class Lane:
    """What one worker did: its label ("worker 1"), its process id and its tasks, sorted by start.

    The tasks are columns, NumPy arrays of one length: their numbers, when they started and ended (seconds
    since the start of `watch`; NaN for an end that nobody has seen), and their fates. `spans` has them one by
    one.
    """

    label: str
    pid: int
    tasks: Any
    starts: Any
    ends: Any
    fates: Any

    @classmethod
    def of(cls, label: str, pid: int, spans: Iterable[Span]) -> "Lane":
        """Return the lane of these spans."""
        import numpy as np

        rows = list(spans)
        return cls(
            label,
            pid,
            np.array([span.task for span in rows], dtype=np.int64),
            np.array([span.start for span in rows], dtype=float),
            np.array([np.nan if span.end is None else span.end for span in rows], dtype=float),
            np.array([_fate(span) for span in rows], dtype=np.int64),
        )

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self.tasks)

    @property
    def deaths(self) -> list[float]:
        """When the tasks started that died with their worker."""
        return list(self.starts[self.fates == Fate.DIED].tolist())

    @property
    def first(self) -> float:
        """When the first task started."""
        return float(self.starts[0])

    @property
    def last(self) -> float:
        """The latest moment at which the worker noted something."""
        import numpy as np

        return float(np.nanmax(np.append(self.ends, self.starts[-1])))

    def until(self, now: float) -> Any:
        """Return the ends, `now` where none was seen."""
        import numpy as np

        return np.where(np.isnan(self.ends), now, self.ends)

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The tasks one by one."""
        columns = (column.tolist() for column in (self.tasks, self.starts, self.ends, self.fates))
        return tuple(
            Span(task, start, None if end != end else end, fate == Fate.DIED, fate == Fate.RAISED)
            for task, start, end, fate in zip(*columns, strict=True)
        )


def _fate(span: Span) -> Fate:
    if span.died:
        return Fate.DIED
    if span.end is None:
        return Fate.RUNNING
    return Fate.RAISED if span.raised else Fate.FINISHED


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
        import numpy as np

        times: dict[int, list[Any]] = {}
        for lane in self.lanes:
            times.setdefault(lane.pid, []).append(np.column_stack([lane.starts, lane.until(self.seconds)]))
        if not times:
            return False
        # Within a process, threads may overlap: only their union counts. Then any overlap is two processes'.
        work = np.concatenate([_union(np.concatenate(lanes)) for lanes in times.values()])
        return len(_union(work)) < len(work)

    def outcomes(self) -> dict[str, list[int]]:
        """Return the numbers of the tasks that did not come to a good end, by what became of them."""
        import numpy as np

        fates = np.full(self.tasks, Fate.NEVER)
        for lane in self.lanes:
            np.minimum.at(fates, lane.tasks, lane.fates)  # a cluster repeats what died: the best end counts
        words = {"died": Fate.DIED, "raised": Fate.RAISED, "running": Fate.RUNNING, "never": Fate.NEVER}
        return {word: np.flatnonzero(fates == fate).tolist() for word, fate in words.items()}

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
        replaced = self.plan.offered == 1 < self.workers  # by others, in their turn
        return f"{self.plan}{' at a time' * replaced}, {self._outcome()}"

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
        return Picture(draw_runs({"": self}, title, size if by == "chunk" else None).figure(), repr(self))

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


def _union(spans: Any) -> Any:
    """Return (start, end) of the times that at least one span covers; spans that only touch stay two."""
    import numpy as np

    spans = spans[np.lexsort((spans[:, 1], spans[:, 0]))]
    ends = np.maximum.accumulate(spans[:, 1])
    begins = np.flatnonzero(np.concatenate([[True], spans[1:, 0] >= ends[:-1]]))
    return np.column_stack([spans[begins, 0], ends[np.append(begins[1:], len(spans)) - 1]])


def fate(span: Span) -> str:
    """Return what became of the task."""
    if span.died:
        return "died with its worker"
    if span.end is None:
        return "still running"
    return "raised an exception" if span.raised else "finished"
