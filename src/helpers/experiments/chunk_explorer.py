"""Turn the knobs of a pool and see its lanes: a real pool runs each time a control changes."""

from dataclasses import dataclass
from html import escape
from multiprocessing import Pool
from typing import TYPE_CHECKING, Any, NamedTuple

from helpers.pools.chunks import chunks
from helpers.views.words import plural
from helpers.watching.watch import watch
from helpers.workers.naps import nap

if TYPE_CHECKING:
    from helpers.views.picture import Picture
    from helpers.watching.runs import Run

MOST_PROCESSES = 8
TASKS = 24
_NAP = 0.04  # seconds, of a usual task
SHAPES = {
    "even": [_NAP] * TASKS,
    "uneven": [2 * _NAP * (place + 1) / (TASKS + 1) for place in range(TASKS)],  # longer and longer
    "one straggler": [_NAP] * 12 + [15 * _NAP] + [_NAP] * 11,
}
_LIMIT = 60.0  # seconds for one run


class Job(NamedTuple):
    """What the controls say."""

    processes: int = 2
    chunksize: int = 6
    shape: str = next(iter(SHAPES))


@dataclass(frozen=True)
class JobRun:
    """A job that a real pool has done."""

    job: Job
    run: "Run"

    @property
    def sentence(self) -> str:
        """What is the same in each run: how many tasks in how many chunks, for how many workers."""
        cut = chunks(TASKS, self.job.processes, self.job.chunksize)
        workers = plural(self.job.processes, "worker")
        return f"{plural(TASKS, 'task')} in {plural(len(cut), 'chunk')} of up to {cut.size} on {workers}"

    @property
    def idle(self) -> float:
        """The seconds between the last end of the worker that was done first and of the one done last."""
        ends = [lane.spans[-1].end or self.run.seconds for lane in self.run.lanes]
        return max(ends) - min(ends)

    def picture(self) -> "Picture":
        """Return the lanes, their bars coloured by chunk."""
        from helpers.views.picture import Picture

        return Picture(self.run.draw(by="chunk").figure, self.sentence)


def explore_chunks(processes: int = 2, chunksize: int = 6) -> None:
    """Show controls and, below them, the lanes of a pool that ran with what they say.

    A change of a control runs the pool again and redraws the picture. Where no notebook runs, the picture of
    the first run stays. Raises ValueError for processes or a chunk size out of range, and ImportError where
    IPython or ipywidgets is missing.
    """
    from IPython.display import display

    job = Job(_in_range("processes", processes, MOST_PROCESSES), _in_range("chunksize", chunksize, TASKS))
    done = run_job(job)
    panel = _panel_class()(job)
    panel.report(done)
    display(panel)  # type: ignore[no-untyped-call]
    panel.handle = display(done.picture(), display_id=True)  # type: ignore[no-untyped-call]


def run_job(job: Job) -> JobRun:
    """Return what a real pool made of the job."""
    with Pool(job.processes) as pool:
        return JobRun(job, watch(pool.map, nap, SHAPES[job.shape], chunksize=job.chunksize, limit=_LIMIT))


def _in_range(name: str, value: int, most: int) -> int:
    if not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name} is {value!r}, but it must be a whole number from 1 to {most}")
    return value


def _panel_class() -> Any:
    """Return the class of the controls; ipywidgets is imported when somebody wants them."""
    import ipywidgets as w

    label = {"description_width": "90px"}

    class Panel(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
        """Processes, chunk size, job shape and a button; each change runs a real pool.

        All of them are fields for numbers and buttons: JupyterLab takes the arrow keys away from lists that
        drop down and from radio buttons, and moves to another cell.
        """

        handle: Any = None  # of the picture, which stays where widgets do not live

        def __init__(self, job: Job) -> None:
            self.processes = w.BoundedIntText(
                value=job.processes, min=1, max=MOST_PROCESSES, description="processes", style=label
            )
            self.chunksize = w.BoundedIntText(
                value=job.chunksize, min=1, max=TASKS, description="chunk size", style=label
            )
            self.shape = w.ToggleButtons(
                options=list(SHAPES), value=job.shape, description="job shape", style=label
            )
            self.again = w.Button(description="Run again")
            self.said = w.HTML()
            super().__init__(
                [w.HBox([self.processes, self.chunksize]), self.shape, w.HBox([self.again, self.said])]
            )
            for control in (self.processes, self.chunksize, self.shape):
                control.observe(self.run, "value")
            self.again.on_click(self.run)

        def __repr__(self) -> str:
            return "Controls: processes, chunk size, job shape, Run again (they work while the notebook runs)"

        def run(self, _: object = None) -> None:
            """Run a pool with what the controls say, and redraw.

            What is pressed meanwhile waits for its turn. Nothing is disabled: it would lose the keyboard.
            """
            self.said.value = "running ..."
            try:
                done = run_job(Job(self.processes.value, self.chunksize.value, self.shape.value))
                self.report(done)
                if self.handle is not None:
                    self.handle.update(done.picture())
            except Exception as error:  # nobody would see it: it is not in a cell
                self.said.value = f"this did not work: {escape(str(error))}"

        def report(self, done: JobRun) -> None:
            """Say in words what the picture shows."""
            self.said.value = (
                f"{done.sentence}, {done.job.shape}: {done.run.seconds:.2f} s. "
                f"Workers that took a task: {done.run.workers}; "
                f"the first of them to end waited {done.idle:.2f} s for the last."
            )

    return Panel
