"""The lanes of a run while it goes on: redrawn as SVG in the notebook, and in the end a still picture."""

import threading
from collections.abc import Sequence
from html import escape
from math import floor, log10
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from helpers.views.picture import COLOURS, FAINT, GREY, INK, Picture, ink_on
from helpers.watching.lanes import MOST_BARS, MOST_LANES, busy, draw_runs

if TYPE_CHECKING:
    from helpers.watching.recording import Recording
    from helpers.watching.runs import Lane

_WIDTH, _LEFT, _RIGHT, _TOP, _LANE, _BAR = 768, 178, 82, 34, 30, 23  # pixels, as in the still picture
_EVERY = 0.1  # seconds between frames, at least
_EDGES = 301  # of the bins of a crowded lane


class _Text:
    """What is shown before the first frame, and beside every frame: only what is known before the run."""

    def __init__(self, sentence: str, svg: str = "") -> None:
        self.sentence = sentence
        self.svg = svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        pictures = {"image/svg+xml": self.svg} if self.svg else {}
        return {**pictures, "text/plain": self.sentence}


class LiveView:
    """The notebook shows the recording's lanes while the `with` statement runs; elsewhere nothing happens."""

    def __init__(self, recording: "Recording") -> None:
        """Be ready to show the recording."""
        self._recording = recording
        self._sentence = str(recording.plan)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name="live view", daemon=True)
        self._handle: Any = None

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
        self._handle.update(Picture(draw_runs({"": run}, "", None), self._sentence))

    def _refresh(self) -> None:
        """Draw frames until the run is over; a frame takes at most a tenth of the time."""
        pause = _EVERY
        while not self._over.wait(pause):
            began = perf_counter()
            try:
                lanes = self._recording.lanes(look=False)
                self._handle.update(
                    _Text(self._sentence, frame(lanes, self._recording.elapsed, self._sentence))
                )
            except Exception:
                continue
            finally:
                pause = max(_EVERY, 10 * (perf_counter() - began))


def _show(text: _Text) -> Any:
    """Return the handle of a new display, or None outside IPython."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        return None
    return display(text, display_id=True) if get_ipython() is not None else None  # type: ignore[no-untyped-call]


def frame(lanes: "Sequence[Lane]", now: float, sentence: str) -> str:
    """Return the lanes at the time `now` (seconds) as SVG."""
    now = max(now, 1e-3)
    shown = lanes[:MOST_LANES]
    height = _TOP + max(len(shown), 1) * _LANE + 44
    scale = (_WIDTH - _LEFT - _RIGHT) / now
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" role="img" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">',
        f"<title>{escape(sentence)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        _text(10, 18, f"{sentence}, {now:.1f} s", INK),
        *_axis(now, scale, height),
    ]
    for number, lane in enumerate(shown):
        parts += _lane(lane, _TOP + number * _LANE, COLOURS[number % len(COLOURS)], now, scale)
    if len(lanes) > len(shown):
        parts.append(_text(10, height - 8, f"and {len(lanes) - len(shown)} more", GREY))
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, words: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'


def _box(x: float, y: float, width: float, fill: str, extra: str = "") -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{_BAR}" fill="{fill}"{extra}/>'
    )


def _axis(now: float, scale: float, height: float) -> list[str]:
    """Return the faint lines, their numbers and the axis's name."""
    rough = now / 7
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    bottom = height - 38
    parts = []
    for tick in range(int(now / step) + 1):
        x = _LEFT + tick * step * scale
        parts.append(f'<path d="M{x:.1f} {_TOP - 6}V{bottom}" stroke="{FAINT}"/>')
        parts.append(_text(x, bottom + 14, f"{tick * step:g}", INK, "middle"))
    return [
        *parts,
        _text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 31, "seconds since the start", INK, "middle"),
    ]


def _lane(lane: "Lane", y: float, colour: str, now: float, scale: float) -> list[str]:
    """Return one lane: its label, the shaded start, and its bars or its density."""
    count = f"{len(lane.spans)} task{'s' * (len(lane.spans) != 1)}"
    parts = [
        _text(_LEFT - 8, y + 16, f"{lane.label} · PID {lane.pid}", INK, "end"),
        _text(_WIDTH - _RIGHT + 8, y + 16, count, GREY),
    ]
    wait = lane.spans[0].start * scale
    if wait > 2:
        parts.append(_box(_LEFT, y, wait, FAINT))
    if wait > 60:
        parts.append(_text(_LEFT + wait / 2, y + 16, "starting", GREY, "middle"))
    if len(lane.spans) > MOST_BARS:
        return [*parts, _density(lane, y, colour, now, scale)]
    for span in lane.spans:
        x = _LEFT + span.start * scale
        width = ((now if span.end is None else span.end) - span.start) * scale
        outline = (
            f' stroke="{INK}" stroke-dasharray="4 3" fill-opacity="0.5"'
            if span.end is None
            else ' stroke="white"'
        )
        parts.append(_box(x, y, width, colour, outline))
        if width > 9 * len(str(span.task)) + 6:
            ink = INK if span.end is None else ink_on(colour)
            parts.append(_text(x + width / 2, y + 16, str(span.task), ink, "middle"))
    return parts


def _density(lane: "Lane", y: float, colour: str, now: float, scale: float) -> str:
    """Return a crowded lane as a filled curve of how busy its worker was."""
    import numpy as np

    edges = np.linspace(0, now, _EDGES)
    base = y + _BAR
    steps = zip(edges[:-1], edges[1:], base - _BAR * busy([lane], edges, now), strict=True)
    path = "".join(f"L{_LEFT + a * scale:.1f} {top:.1f}H{_LEFT + b * scale:.1f}" for a, b, top in steps)
    return f'<path d="M{_LEFT} {base}{path}V{base}Z" fill="{colour}"/>'
