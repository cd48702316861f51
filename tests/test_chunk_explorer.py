"""The chunk explorer: a real pool for each change, controls with names, a sentence where no widget lives."""

import threading
from typing import Any

import pytest

from helpers.experiments import chunk_explorer
from helpers.experiments.chunk_explorer import SHAPES, TASKS, Job, explore_chunks, run_job
from helpers.waiting import wait_until

EVEN, UNEVEN, STRAGGLER = SHAPES


class Screen:
    """Stands in for a notebook: what was displayed, and the pictures that came into the picture's place."""

    def __init__(self) -> None:
        """Have shown nothing."""
        self.shown: list[Any] = []
        self.pictures: list[Any] = []

    def display(self, thing: Any, display_id: bool = False) -> "Screen | None":
        """Keep what is shown and return the handle when one is wanted."""
        self.shown.append(thing)
        return self if display_id else None

    def update(self, thing: Any) -> None:
        """Keep a picture."""
        self.pictures.append(thing)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Return the screen that a fresh explorer was shown on."""
    shown = Screen()
    monkeypatch.setattr("IPython.display.display", shown.display)
    monkeypatch.setattr(chunk_explorer, "SHAPES", {name: [0.001] * TASKS for name in SHAPES})
    explore_chunks(processes=2, chunksize=6)
    return shown


def test_the_picture_stands_outside_the_controls(screen: Screen) -> None:
    panel, picture = screen.shown
    assert repr(panel) == (
        "Controls: processes, chunk size, job shape, Run again (they work while the notebook runs)"
    )
    assert repr(picture) == "24 tasks in 4 chunks of up to 6 on 2 workers"
    assert set(picture._repr_mimebundle_()[0]) == {"image/png", "text/plain"}


def test_each_control_has_a_name_and_keeps_its_keys(screen: Screen) -> None:
    panel = screen.shown[0]
    controls = (panel.processes, panel.chunksize, panel.shape, panel.again)
    assert [control.description for control in controls] == [
        "processes", "chunk size", "job shape", "Run again",
    ]  # fmt: skip
    assert [type(control).__name__ for control in controls] == [
        "BoundedIntText", "BoundedIntText", "ToggleButtons", "Button",
    ]  # fmt: skip


def wait_for_the_pool(panel: Any) -> None:
    """Go on once the panel has shown what its controls say."""
    wait_until(lambda: panel.thread is None, limit=30)


def test_a_change_runs_a_pool_and_redraws(screen: Screen) -> None:
    panel = screen.shown[0]
    panel.chunksize.value = 12
    wait_for_the_pool(panel)
    panel.processes.value = 1
    wait_for_the_pool(panel)
    panel.shape.value = STRAGGLER
    wait_for_the_pool(panel)
    panel.again.click()
    wait_for_the_pool(panel)
    assert [type(shown).__name__ for shown in screen.pictures] == ["Running", "Picture"] * 4
    assert [repr(picture) for picture in screen.pictures[1::2]] == [
        "24 tasks in 2 chunks of up to 12 on 2 workers",
        *["24 tasks in 2 chunks of up to 12 on 1 worker"] * 3,
    ]
    assert panel.said.value.startswith("24 tasks in 2 chunks of up to 12 on 1 worker, one straggler: ")
    assert "took a task: 1;" in panel.said.value


def test_number_sentence_and_picture_agree_at_every_moment(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a pool runs, further changes are shown at once, and only the last of them gets a pool."""
    panel = screen.shown[0]
    go_on, jobs, real = threading.Event(), [], run_job

    def wait_then_run(job: Job) -> Any:
        jobs.append(job.chunksize)
        assert go_on.wait(30)
        return real(job)

    monkeypatch.setattr(chunk_explorer, "run_job", wait_then_run)
    for size in (12, 8, 3):
        panel.chunksize.value = size
        told = f"24 tasks in {24 // size} chunks of up to {size} on 2 workers"
        assert panel.said.value == f"{told}, even: running"
        data, metadata = screen.pictures[-1]._repr_mimebundle_()
        assert data["text/plain"] == told
        assert metadata["image/svg+xml"]["alt"] == f"{told}, even: running"
        wait_until(lambda: jobs, limit=30)
    go_on.set()
    wait_for_the_pool(panel)
    assert jobs == [12, 3]
    assert [type(shown).__name__ for shown in screen.pictures] == ["Running"] * 3 + ["Picture"]
    assert repr(screen.pictures[-1]) == "24 tasks in 8 chunks of up to 3 on 2 workers"
    assert panel.said.value.startswith(repr(screen.pictures[-1]))


def test_a_failure_is_told_and_the_controls_work_again(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job: Job) -> None:
        raise OSError("no more <processes>")

    monkeypatch.setattr(chunk_explorer, "run_job", fail)
    panel = screen.shown[0]
    panel.again.click()
    wait_for_the_pool(panel)
    assert panel.said.value.endswith("on 2 workers: this did not work: no more &lt;processes&gt;")
    monkeypatch.undo()
    panel.again.click()
    wait_for_the_pool(panel)
    assert "Workers that took a task" in panel.said.value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"processes": 0}, "processes is 0, but it must be a whole number from 1 to 8"),
        ({"chunksize": 25}, "chunksize is 25, but it must be a whole number from 1 to 24"),
        ({"chunksize": "6"}, "chunksize is '6'"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        explore_chunks(**arguments)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_a_job_of_so_many_naps(shape: str) -> None:
    done = run_job(Job(processes=2, chunksize=4, shape=shape))
    assert done.run.results == SHAPES[shape]
    assert len(done.run.results) == TASKS
    assert done.idle >= 0


def test_the_straggler_is_one_and_uneven_naps_grow() -> None:
    assert len(set(SHAPES[EVEN])) == 1
    assert SHAPES[UNEVEN] == sorted(SHAPES[UNEVEN])
    usual, *rest = sorted(set(SHAPES[STRAGGLER]))
    assert len(rest) == 1
    assert SHAPES[STRAGGLER].count(rest[0]) == 1
    assert rest[0] > 10 * usual
