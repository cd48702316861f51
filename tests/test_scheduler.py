"""Two real processes take turns: what is seen of them is what the model says, and nobody is left."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Lock, RLock
from pathlib import Path
from typing import Any

import psutil
import pytest

from helpers.experiments import scheduler
from helpers.experiments.scheduler import Program, be_the_scheduler, replay, schedules, stop_playing
from helpers.processes.family import family
from helpers.processes.roles import is_alive
from helpers.waiting import wait_until
from helpers.watching import turns
from helpers.watching.real_cast import RealCast
from helpers.watching.turns import Session
from helpers.workers import two_at_once
from tests import stepped
from tests.test_kernel_end import kernel

NUMBER: Any = "0"
LOCK: Any = Lock()
METHODS = multiprocessing.get_all_start_methods()
COUNTING = Program(two_at_once.add_one, total=0)
LOCKED = Program(two_at_once.add_one_locked, total=0)
PAYING = Program(two_at_once.pay, two_at_once.pay_back, left=100, right=100)
IN_ORDER = Program(two_at_once.pay, two_at_once.pay_back_in_order, left=100, right=100)
PROGRAMS = {"counting": COUNTING, "locked": LOCKED, "paying": PAYING, "in order": IN_ORDER}
ODD = {
    "one lock": Program(stepped.with_lock, lock=Lock),
    "a lock twice": Program(stepped.twice, lock=Lock),
    "a recursive lock twice": Program(stepped.twice, lock=RLock),
    "never given back": Program(stepped.keep, lock=Lock),
    "not its own lock": Program(stepped.give_back, lock=RLock),
    "tried": Program(stepped.try_lock, lock=Lock, got=0),
    "a lock before the first mark": Program(stepped.lock_first, total=0),
    "a lock in the middle of a step": Program(stepped.look_then_lock, total=0),
    "no mark at all": Program(stepped.no_mark, total=0),
    "an error": Program(stepped.fail, two_at_once.add_one, total=0),
    "gone": Program(stepped.leave, two_at_once.add_one, total=0),
}


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    """Whatever a test does, no process of it is there afterwards, and no thread of the model."""
    yield
    stop_playing()
    assert repr(family()) == "MainProcess"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_model_equals_real_processes_for_every_schedule(name: str, method: str) -> None:
    """Every turn of every schedule: places, the functions' values, shared numbers, who holds which lock."""
    real = schedules(PROGRAMS[name], real=True, context=multiprocessing.get_context(method))
    assert real == schedules(PROGRAMS[name])


@pytest.mark.parametrize("name", ODD)
def test_the_model_equals_real_processes_for_odd_programs(name: str) -> None:
    assert schedules(ODD[name], real=True) == schedules(ODD[name])


def test_the_outcomes_are_those_that_a_reader_can_work_out() -> None:
    """Said here without the model: which interleavings of two marks each lose, and which lock up."""
    order = ["AABB", "ABAB", "ABBA", "BAAB", "BABA", "BBAA"]
    mixed = ["ABAB", "ABBA", "BAAB", "BABA"]
    assert [one.schedule for one in schedules(COUNTING)] == order
    assert [one.numbers["total"] for one in schedules(COUNTING)] == [2, 1, 1, 1, 1, 2]
    assert schedules(COUNTING).all("wrong") == mixed
    assert schedules(PAYING).all("deadlock") == mixed
    assert schedules(PAYING).all("right") == ["AABB", "BBAA"]
    assert {one.numbers["total"] for one in schedules(LOCKED)} == {2}
    assert schedules(IN_ORDER).all("right") == ["AABB", "ABAB", "BABA", "BBAA"]
    assert {tuple(one.numbers.values()) for one in schedules(IN_ORDER)} == {(110, 90)}


def test_odd_programs_have_their_own_verdicts() -> None:
    verdicts = {name: {one.verdict for one in schedules(program)} for name, program in ODD.items()}
    assert verdicts == {
        "one lock": {"right"},
        "a lock twice": {"stuck"},
        "a recursive lock twice": {"right"},
        "never given back": {"stuck"},
        "not its own lock": {"error"},
        "tried": {"right", "wrong"},
        "a lock before the first mark": {"right"},
        "a lock in the middle of a step": {"right", "wrong"},
        "no mark at all": {"right"},
        "an error": {"error"},
        "gone": {"error"},
    }


def test_a_process_stops_by_itself_before_it_takes_a_lock() -> None:
    """But not where a mark stands right before it; nor does it begin before it is let go."""
    marks = {
        name: [mark for _, mark, _ in replay(ODD[name], "AA").turns()][1:] for name in ODD if "lock " in name
    }
    assert marks["a lock before the first mark"] == ["take total's lock", "read"]
    assert marks["a lock in the middle of a step"] == ["look", "take total's lock"]
    assert [mark for _, mark, _ in replay(ODD["no mark at all"], "A").turns()] == ["", "read total"]
    assert [mark for _, mark, _ in replay(LOCKED, "AAA").turns()][1:] == ["lock", "read", "write"]


@pytest.mark.parametrize(
    ("name", "schedule", "words"),
    [
        (
            "a lock twice",
            "AAB",
            "AAB: stuck. A waits for lock, which it holds itself; B waits for lock, which A holds.",
        ),
        ("never given back", "AB", "AB: stuck. A has ended; B waits for lock, which A did not give back."),
        ("an error", "ABB", "ABB: error. A raised KeyError: 'no'; B has ended."),
        ("gone", "ABB", "ABB: error. A is gone (exit code 3); B has ended."),
        ("one lock", "AB", "AB: not over. A is before inside; B waits for lock, which A holds."),
    ],
)  # fmt: skip
def test_a_sentence_says_what_happened(name: str, schedule: str, words: str) -> None:
    assert replay(ODD[name], schedule).sentence == words


def test_a_deadlock_is_a_state_of_two_living_processes() -> None:
    """Both sleep, neither has ended, each has the lock that the other wants: seen before they are ended."""
    cast = RealCast(PAYING)
    try:
        session = Session(PAYING, cast)
        for who in "ABAB":
            moment = session.let(who)
        assert moment.is_deadlock
        assert repr(family()) == "MainProcess\n├── A: alive\n└── B: alive"
        assert [lock for lock in PAYING.locks if cast.is_free(lock)] == []
    finally:
        cast.close()


def test_an_outcome_is_a_sentence_and_a_table() -> None:
    assert (
        repr(replay(COUNTING, "ABBA"))
        == """\
ABBA: wrong. total = 1, but one process after the other gives total = 2.
turn  goes  passes  A                        B                        total
────  ────  ──────  ───────────────────────  ───────────────────────  ─────
   0  -     -       before read              before read                  0
   1  A     read    before write (seen = 0)  before read                  0
   2  B     read    before write (seen = 0)  before write (seen = 0)      0
   3  B     write   before write (seen = 0)  ended                        1
   4  A     write   ended                    ended                        1"""
    )


def test_what_has_no_end_yet_can_be_replayed() -> None:
    assert replay(COUNTING, "").sentence == "No turn yet: not over. A is before read; B is before read."
    assert replay(LOCKED, "AB").sentence == (
        "AB: not over. A is before read; B waits for total's lock, which A holds."
    )


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("ABC", "turn 3 of ABC: 'C' is nobody here: a turn is A's or B's"),
        ("AAA", "turn 3 of AAA: A cannot go: it has ended"),
    ],
)
def test_a_turn_that_cannot_be_is_refused(schedule: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replay(COUNTING, schedule)
    with pytest.raises(
        ValueError, match="turn 3 of ABB: B cannot go: it waits for total's lock, which A holds"
    ):
        replay(LOCKED, "ABB")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Program(lambda step: None), "lambda"),
        (lambda: Program(two_at_once.add_one), "add_one wants 'total', and nothing shared has that name"),
        (lambda: Program(two_at_once.add_one, total=NUMBER), "share a whole number, or Lock or RLock"),
        (lambda: Program(two_at_once.add_one, total=LOCK), "without brackets"),
        (lambda: Program(stepped.without_step, total=0), "has no parameter step"),
    ],
)
def test_a_program_that_cannot_run_is_refused(make: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        make()


@pytest.mark.parametrize("function", [stepped.loop, stepped.hidden_lock])
def test_who_comes_to_no_mark_is_ended_at_the_limit(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LIMIT", 2.0)
    with pytest.raises(TimeoutError, match=r"after A, A came to no mark for 2 s: look for an endless loop"):
        replay(Program(function), "AB")


def test_too_many_schedules_are_not_listed() -> None:
    with pytest.raises(ValueError, match="more than 5 schedules: use fewer marks"):
        schedules(COUNTING, most=5)
    with pytest.raises(ValueError, match="more than 30 turns: a loop around a mark"):
        schedules(Program(stepped.mark_for_ever))


def test_a_timeout_would_need_a_clock() -> None:
    for real in (True, False):
        (first, *_) = schedules(Program(stepped.with_timeout, lock=Lock), real=real)
        assert "here turns are counted, not seconds" in first.sentence


ORPHANS = """
import os, sys
from helpers.experiments.scheduler import Program
from helpers.watching.real_cast import RealCast
from helpers.watching.turns import Session
from helpers.workers.two_at_once import pay, pay_back
import multiprocessing

if __name__ == "__main__":
    program = Program(pay, pay_back, left=100, right=100)
    cast = RealCast(program, multiprocessing.get_context(sys.argv[1]))
    session = Session(program, cast)
    for who in sys.argv[2]:
        session.let(who)
    print(*(process.pid for process in cast._processes.values()), flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("schedule", ["A", "ABAB"], ids=["before a mark", "in a deadlock"])
@pytest.mark.parametrize("method", METHODS)
def test_they_leave_when_their_parent_has_gone(method: str, schedule: str, tmp_path: Path) -> None:
    file = tmp_path / "orphans.py"
    file.write_text(ORPHANS, encoding="utf-8")
    told = subprocess.check_output([sys.executable, file, method, schedule], timeout=60, text=True)
    left = [psutil.Process(int(pid)) for pid in told.split() if psutil.pid_exists(int(pid))]
    wait_until(lambda: not any(map(is_alive, left)), limit=20, what="the end of the orphans")


PLAYING = """\
import multiprocessing
multiprocessing.set_start_method({method!r}, force=True)
import helpers
from helpers.experiments import scheduler
from helpers.workers.two_at_once import pay, pay_back
panel = scheduler._panel_class()(scheduler.Program(pay, pay_back, left=100, right=100))
panel.field.value = "ABA"
assert panel.said.value.find("ABA: not over. A waits for") > 0, panel.said.value
"""


@pytest.mark.parametrize("method", METHODS)
def test_they_end_with_the_kernel_that_plays_them(method: str, tmp_path: Path) -> None:
    """One of them stands before a mark, the other waits for a lock."""
    with kernel(tmp_path, PLAYING.format(method=method)) as (manager, process, started):
        assert sum(map(is_alive, started)) >= 2
        manager.shutdown_kernel(now=False)
        assert process.poll() == 0
        assert not any(map(is_alive, started))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_they_leave_a_kernel_that_was_killed(tmp_path: Path) -> None:
    with kernel(tmp_path, PLAYING.format(method=METHODS[0])) as (_, process, started):
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        wait_until(lambda: not any(map(is_alive, started)), limit=30)


# The controls, without a browser.


class Screen:
    """Stands in for a notebook: what was displayed, and the pictures that came into the picture's place."""

    def __init__(self) -> None:
        """Have shown nothing."""
        self.shown: list[Any] = []
        self.pictures: list[str] = []

    def display(self, thing: Any, display_id: bool = False) -> "Screen | None":
        """Keep what is shown and return the handle when one is wanted."""
        self.shown.append(thing)
        return self if display_id else None

    def update(self, thing: Any) -> None:
        """Keep a picture's sentence."""
        self.pictures.append(repr(thing))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Return the screen that a scheduler of two that count was shown on."""
    shown = Screen()
    monkeypatch.setattr("IPython.display.display", shown.display)
    be_the_scheduler(COUNTING)
    return shown


def living() -> set[int]:
    """Return the PIDs of A and B."""
    return {one.pid for one in family().members if one.name in ("A", "B")}


def test_nothing_runs_before_the_first_turn(screen: Screen) -> None:
    panel, picture = screen.shown
    names = "schedule, Let A go, Let B go, One turn back, Start again"
    assert repr(panel) == f"Controls: {names} (they work while the notebook runs)"
    assert repr(picture) == "AABB: right. total = 2, as one process after the other gives."
    assert set(picture._repr_mimebundle_()[0]) == {"image/png", "text/plain"}
    assert repr(family()) == "MainProcess"


def test_a_letter_or_a_button_lets_a_real_process_go(screen: Screen) -> None:
    panel = screen.shown[0]
    panel.field.value = "a"
    first = living()
    panel.buttons[1].click()
    assert panel.field.value == "aB"
    assert "aB" not in panel.said.value
    assert panel.said.value.endswith("wait for you; family() shows them.</div>")
    assert repr(family()) == "MainProcess\n├── A: alive\n└── B: alive"
    assert living() == first, "the same two go on"
    panel.field.value = "aBba"
    assert screen.pictures[-1] == "ABBA: wrong. total = 1, but one process after the other gives total = 2."
    assert repr(family()) == "MainProcess"


def test_a_turn_that_cannot_be_is_taken_back_and_said(screen: Screen) -> None:
    panel = screen.shown[0]
    panel.field.value = "AAA"
    assert panel.field.value == "AA"
    assert panel.said.value.startswith(
        '<div style="line-height: 1.5">A cannot go: it has ended. AA: not over.'
    )
    panel.field.value = "AAx"
    assert panel.field.value == "AA"
    assert "&#x27;X&#x27; is nobody here" in panel.said.value


def test_back_and_again_start_new_processes(screen: Screen) -> None:
    panel = screen.shown[0]
    panel.field.value = "ABB"
    before = living()
    panel.buttons[2].click()
    assert panel.field.value == "AB"
    assert screen.pictures[-1].startswith("AB: not over.")
    assert not before & living()
    panel.buttons[3].click()
    assert panel.field.value == ""
    assert screen.pictures[-1].startswith("No turn yet: not over.")
    panel.buttons[3].click()
    assert screen.pictures[-1].startswith("No turn yet: not over.")


def test_a_deadlock_is_shown_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Screen()
    monkeypatch.setattr("IPython.display.display", shown.display)
    be_the_scheduler(PAYING, "BBAA")
    panel, picture = shown.shown
    assert repr(picture).startswith("BBAA: right.")
    panel.field.value = "abba"
    assert shown.pictures[-1].startswith("ABBA: deadlock. A waits for right's lock, which B holds; B waits")
    assert "They could never go on, so both have been ended." in panel.said.value
    assert repr(family()) == "MainProcess"
    panel.field.value = "abb"
    assert shown.pictures[-1].startswith("ABB: not over.")


@pytest.mark.parametrize("end", ["close", "another", "the cell again", "stop_playing"])
def test_the_processes_end_with_their_controls(screen: Screen, end: str) -> None:
    panel = screen.shown[0]
    panel.buttons[0].click()
    assert repr(family()) == "MainProcess\n├── A: alive\n└── B: alive"
    if end == "close":
        panel.close()
    elif end == "another":
        be_the_scheduler(PAYING)
    elif end == "the cell again":
        be_the_scheduler(COUNTING)
    else:
        stop_playing()
    assert repr(family()) == "MainProcess"
    if end != "close":
        assert "These two have been ended" in panel.said.value
        panel.buttons[0].click()
        assert panel.said.value.startswith('<div style="line-height: 1.5">AA: not over.')


def test_two_schedulers_do_not_live_at_once(screen: Screen) -> None:
    be_the_scheduler(PAYING)
    first, second = screen.shown[0], screen.shown[2]
    first.field.value = "A"
    second.field.value = "A"
    assert "These two have been ended" in first.said.value
    assert repr(family()) == "MainProcess\n├── A: alive\n└── B: alive"
    second.field.value = "ABAB"
    first.field.value = "AB"
    assert "These two have been ended" not in second.said.value, "it is over, and what it says stays true"


def test_a_failure_is_told(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(program: Program) -> None:
        raise OSError("no more <processes>")

    monkeypatch.setattr(scheduler, "RealCast", fail)
    panel = screen.shown[0]
    panel.buttons[0].click()
    assert "This did not work: no more &lt;processes&gt;" in panel.said.value
    monkeypatch.undo()
    panel.buttons[0].click()
    assert "AA: not over." in panel.said.value


@pytest.mark.parametrize("schedule", ["ABBA", "AB", ""])
def test_a_picture_says_what_its_table_says(schedule: str) -> None:
    from helpers.watching.turns_drawing import draw

    words = draw(replay(COUNTING, schedule)).words
    assert words.count("read") == 2
    assert ("next?" in words) == (schedule != "ABBA")
    assert words.count("seen = 0") == min(len(schedule), 2)


def test_a_picture_shows_who_waits_and_who_has_a_lock() -> None:
    from helpers.watching.turns_drawing import draw

    words = draw(replay(PAYING, "ABAB")).words
    assert words.count("A has it") == 4
    assert words.count("B has it") == 3
    assert "lock right: waits" in words
    assert "waits" in words
