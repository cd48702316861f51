"""What stays behind is measured as it is, and nothing stays of the measuring."""

import errno
import sys

import pytest

from helpers.exercises.leave_nothing_running import LINES
from helpers.experiments import leftovers
from helpers.experiments.leftovers import (
    Leftovers,
    kill_a_worker,
    known,
    press_stop,
    what_outlives,
    what_stays,
)
from helpers.programs.start_methods import methods

POSIX = sys.platform != "win32"
METHODS = methods()


def test_what_a_pool_and_a_process_leave() -> None:
    """The lines that matter, under every start method; the notebook measures them all."""
    lines = ["pool = Pool(2)", "pool = Pool(2); del pool", "pool = Pool(2); pool.close()"]
    seen = what_stays(*lines)
    assert seen.columns == ("after", *METHODS)
    assert [row[0] for row in seen.rows] == lines
    assert all(right for _, right in seen.as_expected().rows), seen


def test_exercise_numbers_are_measured() -> None:
    """The right answers to exercise 1 are what a machine shows."""
    for line, *seen in what_stays(*LINES).rows:
        alive = f"{LINES[line]} alive"
        assert all((alive in fact) if LINES[line] else "alive" not in fact for fact in seen), (line, seen)


def test_a_line_that_raises_and_one_that_is_not_known() -> None:
    """A mistake in a line leaves nothing and stops no other line; of both nothing is known."""
    seen = what_stays("no_such_name", "pool = Pool(1)")
    assert seen.rows == (
        ("no_such_name", *["nothing"] * len(METHODS)),
        ("pool = Pool(1)", *["1 alive"] * len(METHODS)),
    )
    assert [right for _, right in seen.as_expected().rows] == [None, None]


def test_what_differs_from_what_is_known_is_false() -> None:
    """The comparison can say no."""
    expected = {"a": ("2 alive", "nothing"), "b": ("nothing", "nothing")}
    seen = Leftovers(
        ("after", "fork", "spawn"), (("a", "2 alive", "1 alive"), ("b", "nothing", "nothing")), expected
    )
    assert seen.as_expected().rows == (("a", False), ("b", True))


def test_zombies_only_where_the_parent_has_to_reap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork server reaps, and Windows has none."""
    facts = {"x": "2 zombies", "y": "2 alive"}
    monkeypatch.setattr(leftovers, "WINDOWS", False)
    assert known(facts, "spawn") == facts
    assert known(facts, "forkserver") == {"x": "nothing", "y": "2 alive"}
    monkeypatch.setattr(leftovers, "WINDOWS", True)
    assert known(facts, "spawn") == {"x": "nothing", "y": "2 alive"}


def test_what_outlives_its_program() -> None:
    """Orphans are seen, and a kernel's restart leaves none."""
    table = what_outlives(
        "pool = Pool(1)", "Process(target=sleep, args=(60,)).start(); die()", restarted="p = Pool(1)"
    )
    assert [left for _, left in table.rows] == ["nothing", "orphans", "nothing"]


@pytest.mark.skipif(not POSIX, reason="Windows cannot signal a group of processes")
def test_stop() -> None:
    """A line that ends and cleans up comes back, one that will not hear does not."""
    seen = press_stop(
        "with Pool(2) as pool: pool.map(stay, range(2))",
        "ignore_ctrl_c(); Pool(1).map(stay, [0])",
        "child = Process(target=stay); child.start(); child.join()",
    )
    assert [back for _, back, _ in seen.rows] == ["yes", "no", "yes"]
    assert seen.rows[0][2] == "nothing"
    assert seen.as_expected().rows[2][1]


def test_stop_is_not_tried_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says so, and nothing is claimed."""
    monkeypatch.setattr(leftovers, "WINDOWS", True)
    assert press_stop("pool = Pool(2)").rows == (("pool = Pool(2)", "not tried", "-"),)


def test_a_killed_worker() -> None:
    """The executor tells, the Pool does not."""
    assert [heard for _, heard in kill_a_worker("Pool", "executor").rows] == [
        "nothing: it waits for ever",
        "BrokenProcessPool",
    ]


def test_a_trial_that_says_nothing_is_an_error() -> None:
    """Never an empty table."""
    with pytest.raises(RuntimeError, match="started no process"):
        what_outlives(restarted="1")


def test_no_more_processes_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `ulimit -u`."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(leftovers, "run_program", refuse)
    with pytest.raises(RuntimeError, match=r"no further process can be started .*ulimit -u"):
        what_stays("pool = Pool(2)")


@pytest.mark.skipif(not POSIX, reason="Windows has no signal that a Stop button could send")
def test_a_stop_that_python_has_not_heard_is_pressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "with Pool(2) as pool: pool.map(stay, range(4))"
    monkeypatch.setattr("helpers.experiments.leftovers.os.killpg", lambda *_: None)  # one press is lost
    assert press_stop(line).rows == ((line, "yes", "nothing"),)
