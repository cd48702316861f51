"""The lanes of a run while it goes on: redrawn as SVG in the notebook, and in the end a still picture."""

import threading
import warnings
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from helpers.views.picture import WIDTH, Picture, shown_as
from helpers.watching.lanes import draw_runs
from helpers.watching.runs import Run

if TYPE_CHECKING:
    from helpers.watching.recording import Recording

_EVERY = 0.1  # seconds between frames, at least


class _Text:
    """What is shown before the first frame, and beside every frame: only what is known before the run."""

    def __init__(self, sentence: str, svg: str = "") -> None:
        self.sentence = sentence
        self.svg = svg

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        if not self.svg:
            return {"text/plain": self.sentence}, {}
        shown = shown_as(WIDTH, f"{self.sentence}, running")
        return {"image/svg+xml": self.svg, "text/plain": self.sentence}, {"image/svg+xml": shown}


class LiveView:
    """The notebook shows the recording's lanes while the `with` statement runs; elsewhere nothing happens."""

    def __init__(self, recording: "Recording") -> None:
        """Be ready to show the recording."""
        self._recording = recording
        self._sentence = str(recording.plan)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name="live view", daemon=True)
        self._handle: Any = None
        self._failure: Exception | None = None

    def __enter__(self) -> "LiveView":
        """Show the sentence and start to draw."""
        self._handle = _show(_Text(self._sentence))
        if self._handle is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the drawing thread and leave the still picture."""
        if self._handle is None:
            return
        self._over.set()
        self._thread.join()
        run = getattr(error, "run", None) or self._recording.run([])
        self._handle.update(Picture(draw_runs({"": run}, "", None).figure(), self._sentence))
        if self._failure is not None:
            warnings.warn(f"the live view could not be drawn: {self._failure!r}", stacklevel=3)

    def _refresh(self) -> None:
        """Draw frames until the run is over; a frame takes at most a tenth of the time."""
        pause = _EVERY
        while not self._over.wait(pause):
            began = perf_counter()
            try:
                self._handle.update(_Text(self._sentence, frame(self._recording)))
            except Exception as error:  # a frame is worth no run: say it, go on without frames
                self._failure = error
                return
            pause = max(_EVERY, 10 * (perf_counter() - began))


def _show(text: _Text) -> Any:
    """Return the handle of a new display, or None outside IPython."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return None
    return display(text, display_id=True) if get_ipython() is not None else None  # type: ignore[no-untyped-call]


def frame(recording: "Recording") -> str:
    """Return the recording's lanes as they are now, as SVG, laid out as the still picture."""
    lanes = recording.lanes(look=False)
    now = max([recording.elapsed, *(lane.last for lane in lanes)])
    plan = recording.plan
    sheet = draw_runs({"": Run([], lanes, now, plan)}, "", None, lambda run: f"{plan}, {run.seconds:.1f} s")
    return sheet.svg(str(plan))
