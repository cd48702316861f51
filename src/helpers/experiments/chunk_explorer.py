"""Turn the knobs of a pool and see its lanes: a real pool runs each time a control changes."""

import threading
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
# When the kernel has gone, JupyterLab marks the views of its widgets and leaves them where they are, deaf.
_WHEN_DISCONNECTED = """<style>
.chunk-explorer .gone { display: none }
.chunk-explorer.jupyter-widgets-disconnected .gone { display: block }
.chunk-explorer.jupyter-widgets-disconnected::before,
.chunk-explorer.jupyter-widgets-disconnected .jupyter-widgets-disconnected::before { display: none }
.chunk-explorer.jupyter-widgets-disconnected .widget-hbox,
.chunk-explorer.jupyter-widgets-disconnected .widget-toggle-buttons { display: none }
</style><div class="gone">The kernel that ran these controls has gone. Run the notebook's first cell and then
this one to have them back; below is what they showed last.</div>"""


class Job(NamedTuple):
    """What the controls say."""

    processes: int = 2
    chunksize: int = 6
    shape: str = next(iter(SHAPES))

    @property
    def sentence(self) -> str:
        """How many tasks in how many chunks, for how many workers."""
        cut = chunks(TASKS, self.processes, self.chunksize)
        workers = plural(self.processes, "worker")
        return f"{plural(TASKS, 'task')} in {plural(len(cut), 'chunk')} of up to {cut.size} on {workers}"


@dataclass(frozen=True)
class JobRun:
    """A job that a real pool has done."""

    job: Job
    run: "Run"

    @property
    def words(self) -> str:
        """What the picture shows."""
        return (
            f"{self.job.sentence}, {self.job.shape}: {self.run.seconds:.2f} s. "
            f"Workers that took a task: {self.run.workers}; "
            f"the first of them to end waited {self.idle:.2f} s for the last."
        )

    @property
    def idle(self) -> float:
        """The seconds between the last end of the worker that was done first and of the one done last."""
        ends = [lane.last for lane in self.run.lanes]
        return max(ends) - min(ends)

    def picture(self) -> "Picture":
        """Return the lanes, their bars coloured by chunk."""
        from helpers.views.picture import Picture

        return Picture(self.run.draw(by="chunk").figure, self.job.sentence)


class Running:
    """What stands in the picture's place until it is there; no worker is drawn before it has worked."""

    def __init__(self, job: Job) -> None:
        """Keep the job that is under way."""
        self.job = job

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        from helpers.views.drawing import Drawing, Words
        from helpers.views.picture import GREY, WIDTH, shown_as

        told = f"{self.job.sentence}, {self.job.shape}: running"
        # About as high as the picture will be, so that the page does not jump.
        sheet = Drawing(WIDTH, 0.8 + 0.34 * min(self.job.processes, -(-TASKS // self.job.chunksize)))
        sheet.add(Words(0.1, 0.2, told, colour=GREY, italic=True))
        bundle = {"image/svg+xml": sheet.svg(told), "text/plain": self.job.sentence}
        return bundle, {"image/svg+xml": shown_as(WIDTH, told)}


def explore_chunks(processes: int = 2, chunksize: int = 6) -> None:
    """Show controls and, below them, the lanes of a pool that ran with what they say.

    A change of a control runs the pool again and redraws the picture; number, sentence and picture are always
    of the same job. Where no notebook runs, the picture of the first run stays, and after a restart of the
    kernel a sentence in the place of the controls says what to do. Raises ValueError for processes or a chunk
    size out of range, and ImportError where IPython or ipywidgets is missing.
    """
    from IPython.display import display

    job = Job(_in_range("processes", processes, MOST_PROCESSES), _in_range("chunksize", chunksize, TASKS))
    done = run_job(job)
    panel = _panel_class()(job)
    panel.said.value = escape(done.words)
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
        drop down and from radio buttons, and moves to another cell. Nothing is disabled while a pool runs: it
        would lose the keyboard.

        Pools run in a thread, so that a control that is changed meanwhile is heard at once; of several
        changes only the last one counts.
        """

        handle: Any = None  # of the picture, which stays where widgets do not live
        thread: threading.Thread | None = None

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
                [
                    w.HBox([self.processes, self.chunksize]),
                    self.shape,
                    w.HBox([self.again]),
                    w.HTML(_WHEN_DISCONNECTED),
                    self.said,
                ]
            )
            self.add_class("chunk-explorer")
            self._lock = threading.Lock()  # held while something is shown: sentence and picture go together
            self._wanted: Job | None = None  # the newest job that no pool has been given
            for control in (self.processes, self.chunksize, self.shape):
                control.observe(self.run, "value")
            self.again.on_click(self.run)

        def __repr__(self) -> str:
            return "Controls: processes, chunk size, job shape, Run again (they work while the notebook runs)"

        def run(self, _: object = None) -> None:
            """Show at once which job the controls say now, and have a pool run it."""
            with self._lock:
                job = self._wanted = Job(self.processes.value, self.chunksize.value, self.shape.value)
                self._show(f"{job.sentence}, {job.shape}: running", Running(job))
                if self.thread is None:
                    self.thread = threading.Thread(target=self._work, name="chunk explorer", daemon=True)
                    self.thread.start()

        def _work(self) -> None:
            """Run the newest job until there is none; what is not the newest any more is not shown."""
            while True:
                with self._lock:
                    job, self._wanted = self._wanted, None
                    if job is None:
                        self.thread = None
                        return
                try:
                    done = run_job(job)
                    words, shown = done.words, done.picture()
                    _ = shown.png  # drawn before anything is shown, since it takes a moment
                except Exception as error:  # nobody would see it: it is not in a cell
                    words, shown = f"{job.sentence}: this did not work: {error}", None
                with self._lock:
                    if self._wanted is None:
                        self._show(words, shown)

        def _show(self, words: str, shown: "Picture | Running | None") -> None:
            self.said.value = escape(words)
            if self.handle is not None and shown is not None:
                self.handle.update(shown)

    return Panel
