"""The picture of turns: the stretches as they were measured, numbered over all lanes."""

import sys
import threading
from hashlib import sha256
from multiprocessing.pool import ThreadPool
from time import perf_counter, sleep

import pytest

from helpers.experiments.turns import turns
from helpers.pools.plan import Plan
from helpers.watching.lanes import draw_runs
from helpers.watching.runs import Lane, Run, Span
from helpers.watching.watch import watch
from helpers.workers import turns as worker
from helpers.workers.turns import another_runs_during, stretches


def told(*ran: list[tuple[float, float]]) -> Run:
    """Return a run of `stretches` that said this, on one lane a task."""
    lanes = tuple(Lane.of(f"thread {n + 1}", 7, [Span(n, 0, 9)]) for n in range(len(ran)))
    return Run(list(ran), lanes, 9.0, Plan(len(ran), 2, "thread", 1))


def test_a_pause_ends_a_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings of a clock that stands still for others end one stretch and begin the next."""
    readings = iter([5.0, 5.0004, 5.0008, 5.006, 5.0064, 5.02])
    monkeypatch.setattr(worker, "perf_counter", lambda: next(readings))
    assert stretches(0.01) == [(5.0, 5.0008), (5.006, 5.0064), (5.02, 5.02)]


def test_a_thread_that_is_alone_runs_until_its_time_is_over() -> None:
    """Stretches follow one another, and reach over the seconds that were asked for."""
    asked = perf_counter()
    ran = stretches(0.02)
    assert asked <= ran[0][0]
    assert ran[-1][1] - ran[0][0] >= 0.02
    assert all(begin <= end for begin, end in ran)
    assert ran == sorted(ran)


def test_bars_are_the_stretches_from_the_first_on() -> None:
    """Turns are numbered by their begin over all lanes, and time begins with the first."""
    run = turns(told([(10.0, 10.5), (11.0, 11.5)], [(10.5, 11.0)]))
    assert [[tuple(span[:3]) for span in lane.spans] for lane in run.lanes] == [
        [(0, 0.0, 0.5), (2, 1.0, 1.5)],
        [(1, 0.5, 1.0)],
    ]
    assert run.seconds == 1.5
    assert repr(run) == "turns of 2 threads, all finished"


def test_the_picture_speaks_of_turns() -> None:
    """Its lanes count turns, and its axis says that a bar is one."""
    sheet = draw_runs({"": turns(told([(1.0, 2.0)]))}, "", None)
    assert "1 turn" in sheet.words
    assert "seconds since the start; a bar is a turn" in sheet.words


def test_a_watched_run_of_threads_keeps_its_lanes() -> None:
    """One lane a thread, however many tasks it took."""
    with ThreadPool(2) as pool:
        watched = watch(pool.map, stretches, [0.01] * 3, chunksize=1)
    run = turns(watched)
    assert [lane.label for lane in run.lanes] == [lane.label for lane in watched.lanes]
    assert sorted(span.task for lane in run.lanes for span in lane.spans) == list(range(run.tasks))


def test_another_function_is_refused() -> None:
    """Answers that are not stretches get a sentence that shows the call."""
    with pytest.raises(TypeError, match="turns wants a run of stretches"):
        turns(watch(map, sleep, [0.0]))
    with pytest.raises(TypeError, match="turns wants a run of stretches"):
        turns(watch(map, list, [[]]))


def test_whether_another_thread_runs_is_found_out() -> None:
    """Waiting and a long checksum let go of the lock; one step of Python and short checksums hold it."""
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert another_runs_during(sleep, 0.1)
    assert another_runs_during(sha256, bytes(100_000_000))
    assert another_runs_during(sum, range(5_000_000)) != has_lock
    assert another_runs_during(all, map(sha256, [bytes(1_000)] * 50_000)) != has_lock


def test_a_failing_function_leaves_no_thread() -> None:
    """What the function raises comes through, and the ticking thread ends."""
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        another_runs_during(divmod, 1, 0)
    assert threading.active_count() == before
