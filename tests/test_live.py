"""The live view: frames that can be drawn at any time, one thread that ends, silence outside a notebook."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from helpers.pools.plan import Plan
from helpers.watching import live
from helpers.watching.lanes import draw_runs
from helpers.watching.runs import Lane, Run, Span
from helpers.watching.watch import watch
from helpers.workers.naps import nap
from tests.watched import double, refuse_three

LANES = (
    Lane.of("worker 1", 11, (Span(0, 0.2, 0.5), Span(3, 0.6, None))),
    Lane.of("worker 2", 12, tuple(Span(n, n / 1000, n / 1000 + 0.0005) for n in range(900))),
)


class Notebook:
    """Stands in for a notebook's display: keeps every bundle that was shown."""

    def __init__(self) -> None:
        """Have shown nothing."""
        self.bundles: list[dict[str, str]] = []
        self.seen = threading.Event()
        self.ended = threading.Event()
        self.broken = False
        self.frames = 2  # that are seen before the call ends

    def show(self, thing: Any) -> "Notebook":
        """Keep the first display."""
        self.update(thing)
        return self

    def update(self, thing: Any) -> None:
        """Keep an update, or fail as a notebook might."""
        bundle = thing._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        if "image/png" in bundle:
            self.ended.set()
        elif len(self.bundles) >= self.frames:
            self.seen.set()
            self.ended.wait(0.5)  # a frame still under way when the call ends must not come after the picture
        self.bundles.append(bundle)
        if self.broken and "image/svg+xml" in bundle:
            raise ValueError("cannot show this")


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """Yield the notebook that shows what is displayed, and see that no thread is left."""
    _ = watch(map, double, [1]).draw().png  # matplotlib is imported: the picture comes at once
    shown = Notebook()
    monkeypatch.setattr(live, "_show", shown.show)
    yield shown
    assert not [thread for thread in threading.enumerate() if thread.name == "live view"]


def wait_to_be_seen(notebook: Notebook) -> None:
    """Go on once the notebook has shown frames."""
    assert notebook.seen.wait(20)


@pytest.mark.parametrize("lanes", [(), LANES, LANES * 20])
@pytest.mark.parametrize("now", [0.0, 0.9, 5000.0])
def test_a_frame_is_well_formed(lanes: tuple[Lane, ...], now: float) -> None:
    """A frame can be drawn before the first task, of crowded lanes, and of too many."""
    going = SimpleNamespace(
        plan=Plan(8, 2, "worker", 1, "8 tasks & <2>"), elapsed=now, lanes=lambda look: lanes
    )
    text = live.frame(going)  # type: ignore[arg-type]
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert ("more, on average" in text) == (len(lanes) > 16)
    assert "8 tasks &amp; &lt;2&gt; on 2 workers" in text
    assert len(text) < 300_000


def test_a_frame_looks_like_the_still_picture() -> None:
    """One layout serves both: every word of the picture is in the frame, at the same place."""
    run = Run([], LANES[:1], 1.0, Plan(8, 2, "worker", 1))
    sheet = draw_runs({"": run}, "A title", None)
    svg = sheet.svg("a sentence")
    painted = sorted((text.get_text(), 96 * text.get_position()[0]) for text in sheet.figure().axes[0].texts)
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    framed = sorted((str(text.text), float(text.attrib["x"])) for text in texts)
    assert [word for word, _ in framed] == [word for word, _ in painted]
    assert [x for _, x in framed] == pytest.approx([x for _, x in painted], abs=0.06)
    assert "stroke-dasharray" in svg  # the task that still runs


def test_it_begins_as_text_moves_and_ends_as_a_picture(notebook: Notebook) -> None:
    """First only text, then frames while the call blocks, in the end a PNG; the same text all the time."""
    run = watch(map, lambda _: wait_to_be_seen(notebook), [1], live=True)
    first, *frames, last = notebook.bundles
    assert first == {"text/plain": "1 task in this process"}
    assert frames
    assert all(set(bundle) == {"image/svg+xml", "text/plain"} for bundle in frames)
    assert set(last) == {"image/png", "text/plain"}
    assert {bundle["text/plain"] for bundle in notebook.bundles} == {"1 task in this process"}
    assert repr(run) == "1 task in this process, all finished"


def test_an_error_in_drawing_is_told_and_costs_no_result(notebook: Notebook) -> None:
    """Frames end with the first that cannot be shown; a warning says why; results and picture come."""
    notebook.broken = True
    notebook.frames = 1
    with pytest.warns(UserWarning, match=r"live view could not be drawn: ValueError\('cannot show this'\)"):
        run = watch(map, lambda _: wait_to_be_seen(notebook), [1], live=True)
    assert run.results == [None]
    assert [set(bundle) for bundle in notebook.bundles] == [
        {"text/plain"}, {"image/svg+xml", "text/plain"}, {"image/png", "text/plain"},
    ]  # fmt: skip


def test_a_failing_call_leaves_its_picture(notebook: Notebook) -> None:
    """The still picture is shown, and the thread ends, also when a task raises."""
    with pytest.raises(ValueError, match="three"):
        watch(map, refuse_three, [3], live=True)
    assert "image/png" in notebook.bundles[-1]


def test_outside_a_notebook_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A script may say live=True: nothing is printed, no thread is started."""
    assert watch(map, double, [1], live=True).results == [2]
    assert capsys.readouterr().out == ""
    assert watch(map, nap, [0.0], live=True).results == [0.0]
