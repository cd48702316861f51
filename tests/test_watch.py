"""Watching: results as they are, lanes as they were, limits that hold, and nothing left behind."""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise, starmap
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path
from typing import Any

import parmap
import pytest

from helpers.pools.plan import Plan
from helpers.programs.importable import NotImportable
from helpers.views.drawing import Area
from helpers.watching.lanes import _panels, draw_runs, told
from helpers.watching.watch import Lane, Run, Span, Unfinished, draw_side_by_side, watch
from tests.watched import (
    add,
    die_at_three,
    double,
    kill_at_three,
    leave_at_three,
    meet,
    refuse_three,
    sleep_long_at_three,
)

METHODS = multiprocessing.get_all_start_methods()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a temporary folder of its own, and see that it is empty in the end."""
    folder = tmp_path / "temporary files 임시"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not [path for path in folder.iterdir() if path.name.startswith("watch-")]


@pytest.fixture(scope="module", params=METHODS)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Yield a pool of two workers under each start method."""
    with multiprocessing.get_context(request.param).Pool(2) as pool:
        yield pool


@pytest.fixture
def doomed() -> Iterator[Pool]:
    """Yield a pool that a test may ruin."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(double, range(2))  # so that a test's limit need not wait for the start
        yield pool


def tasks_of(run: Run) -> list[int]:
    """Return the numbers of all tasks in the lanes, sorted."""
    return sorted(span.task for lane in run.lanes for span in lane.spans)


MAPS: dict[str, Callable[[Pool], Callable[..., Any]]] = {
    "map": lambda pool: map,
    "Pool.map": lambda pool: pool.map,
    "Pool.imap": lambda pool: pool.imap,
    "Pool.imap_unordered": lambda pool: pool.imap_unordered,
    "Pool.map_async": lambda pool: pool.map_async,
    "parmap.map": lambda pool: partial(parmap.map, pm_pool=pool),
    "parmap.map_async": lambda pool: partial(parmap.map_async, pm_pool=pool),
}


@pytest.mark.parametrize("name", MAPS)
def test_every_map_gives_its_results_and_one_span_per_task(pool: Pool, name: str) -> None:
    """The results are those without watching, and each task appears once, finished, in order of time."""
    run = watch(MAPS[name](pool), double, range(20), limit=60)
    assert sorted(run.results) == list(range(0, 40, 2))
    assert tasks_of(run) == list(range(20))
    for lane in run.lanes:
        times = [time for span in lane.spans for time in (span.start, span.end or -1)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= run.seconds
    workers = {worker.pid for worker in pool._pool}  # type: ignore[attr-defined]
    assert {lane.pid for lane in run.lanes} <= ({os.getpid()} if name == "map" else workers)


@pytest.mark.parametrize("name", ["starmap", "starmap_async"])
def test_starmap_spreads_the_arguments(pool: Pool, name: str) -> None:
    """A starmap calls the function with each item's parts, under Pool and under parmap."""
    pairs = [(1, 2), (3, 4), (5, 6)]
    assert watch(getattr(pool, name), add, pairs).results == [3, 7, 11]
    assert watch(getattr(parmap, name), add, pairs, more=10, pm_pool=pool).results == [13, 17, 21]
    assert watch(starmap, add, pairs).results == [3, 7, 11]


def test_further_arguments_reach_the_function(pool: Pool) -> None:
    """Arguments after the items go through: constants for parmap, more iterables for map and executors."""
    assert watch(parmap.map, add, [1, 2], 10, more=100, pm_pool=pool).results == [111, 112]
    assert watch(map, add, [1, 2], [10, 20]).results == [11, 22]
    assert watch(pool.map, double, [1, 2], 1).results == [2, 4]


def test_an_executor_is_watched() -> None:
    """A ProcessPoolExecutor's map gives results, lanes and its number of workers."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        run = watch(executor.map, double, range(5))
        futures = watch(lambda f, items: [executor.submit(f, item) for item in items], double, range(3))
    assert run.results == [0, 2, 4, 6, 8]
    assert repr(run) == "5 tasks on 2 workers, all finished"
    assert futures.results == [0, 2, 4]


def test_a_worker_that_is_replaced_is_one_at_a_time() -> None:
    """Three lanes of one worker: the sentence does not say that one process did it all."""
    with multiprocessing.Pool(1, maxtasksperchild=2) as pool:
        run = watch(pool.map, double, range(6), chunksize=1)
    assert len(run.lanes) == 3
    assert repr(run) == "6 tasks on 1 worker at a time, all finished"


@pytest.mark.parametrize("kind", ["pool", "executor"])
def test_threads_have_lanes_of_their_own(kind: str) -> None:
    """Each thread has its lane, all in this process, and may run functions that no child could import."""
    barrier = threading.Barrier(2)
    if kind == "pool":
        with ThreadPool(2) as pool:
            run = watch(pool.map, lambda _: meet(barrier), range(2), chunksize=1)
    else:
        with ThreadPoolExecutor(2) as executor:
            run = watch(executor.map, lambda _: meet(barrier), range(2))
    assert repr(run) == "2 tasks on 2 threads, all finished"
    assert [lane.label for lane in run.lanes] == ["thread 1", "thread 2"]
    assert {lane.pid for lane in run.lanes} == {os.getpid()}
    assert run.workers == 1
    assert not run.overlapping


def test_a_serial_map_has_one_lane() -> None:
    """The builtin map works in this process and takes any function and any iterable."""
    run = watch(map, lambda number: number + 1, iter([1, 2, 3]))
    assert run.results == [2, 3, 4]
    assert [(lane.label, lane.pid) for lane in run.lanes] == [("this process", os.getpid())]
    assert repr(run) == "3 tasks in this process, all finished"
    assert not run.overlapping
    assert watch(parmap.map, double, [1], pm_parallel=False).lanes[0].label == "this process"


def test_overlap_is_seen() -> None:
    """Two tasks that wait for each other are two workers' and overlap."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        run = watch(pool.map, meet, [manager.Barrier(2)] * 2, chunksize=1)
    assert run.overlapping
    assert run.workers == 2
    assert [lane.label for lane in run.lanes] == ["worker 1", "worker 2"]
    assert sorted(run.results) == sorted(lane.pid for lane in run.lanes)


def test_no_tasks(pool: Pool) -> None:
    """Nothing to do is no error, in words and in the picture."""
    run = watch(pool.map, double, [])
    assert (run.results, run.lanes, run.workers, run.overlapping) == ([], (), 0, False)
    assert repr(run.draw()) == "0 tasks on 2 workers, nothing to do"
    assert run.draw().png


def test_an_exception_comes_with_its_run(pool: Pool) -> None:
    """The map's own exception is raised, and `.run` tells which task raised it."""
    with pytest.raises(ValueError, match="three is refused") as caught:
        watch(pool.map, refuse_three, range(5), chunksize=1)
    run = caught.value.run  # type: ignore[attr-defined]
    assert repr(run) == "5 tasks on 2 workers, task 3 raised an exception"
    assert [span.raised for lane in run.lanes for span in lane.spans if span.task == 3] == [True]
    assert run.draw().png


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        *((name, "main thread") for name in MAPS if name != "map"),
        *((name, "other thread") for name in ("Pool.map", "Pool.imap", "parmap.map")),
    ],
)
def test_a_worker_that_dies_in_a_task(doomed: Pool, name: str, inside: str) -> None:
    """A pool never says that a task was lost; the limit does, and names it, also where no signal can ring."""
    caught: list[BaseException] = []

    def lose() -> None:
        with pytest.raises(Unfinished) as error:
            watch(MAPS[name](doomed), die_at_three, range(4), **size, limit=1)
        caught.append(error.value)

    size: dict[str, Any] = {"pm_chunksize" if name.startswith("parmap") else "chunksize": 1}
    if inside == "main thread":
        lose()
    else:
        thread = threading.Thread(target=lose)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
    error = caught[0]
    assert isinstance(error, Unfinished)
    assert repr(error.run) == "4 tasks on 2 workers, task 3 died with its worker"
    assert str(error).startswith(f"not finished within 1 s: {error.run!r}; ")
    assert "terminate()" in str(error)
    assert any("task 3 on worker" in note for note in error.__notes__)
    assert [span.died for lane in error.run.lanes for span in lane.spans if span.task == 3] == [True]
    assert error.run.draw().png


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGKILL")
def test_a_killed_worker_leaves_a_start_without_an_end(doomed: Pool) -> None:
    """What a killed worker wrote before is still read."""
    with pytest.raises(Unfinished) as caught:
        watch(doomed.map, kill_at_three, range(6), chunksize=6, limit=1)
    run = caught.value.run
    assert repr(run) == "6 tasks on 2 workers, task 3 died with its worker, tasks 4 and 5 never started"
    assert run.lanes[0].spans[-1].end is None


def test_a_task_that_exits_dies_with_its_worker(doomed: Pool) -> None:
    """A task that calls sys.exit ends its worker, and its result never comes."""
    with pytest.raises(Unfinished) as caught:
        watch(doomed.map, leave_at_three, range(4), chunksize=1, limit=1)
    assert repr(caught.value.run) == "4 tasks on 2 workers, task 3 died with its worker"


def test_an_executor_says_itself_that_a_worker_died() -> None:
    """A broken executor's own exception comes through, with the run."""
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor,
        pytest.raises(RuntimeError, match="terminated abruptly") as caught,
    ):
        watch(executor.map, die_at_three, range(4))
    assert "task 3 died with its worker" in repr(caught.value.run)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Pool.map", "Pool.imap", "Pool.map_async", "parmap.map"])
def test_a_task_that_takes_too_long_still_runs(doomed: Pool, name: str) -> None:
    """At the limit a task whose worker lives is said to be still running."""
    size: dict[str, Any] = {"pm_chunksize" if name.startswith("parmap") else "chunksize": 1}
    doomed.map(abs, range(2), 1)  # its workers have started, however busy the machine is
    with pytest.raises(Unfinished, match="task 3 still running") as caught:
        watch(MAPS[name](doomed), sleep_long_at_three, range(4), **size, limit=2)
    assert caught.value.run.draw().png


@pytest.mark.parametrize("inside", ["main thread", "other thread"])
def test_a_pool_of_parmap_is_looked_at_before_it_ends(inside: str) -> None:
    """At the limit, parmap ends its own pool; the run tells how it was before that."""
    before = multiprocessing.active_children()
    limit = 2 if multiprocessing.get_start_method() == "fork" else 8
    outcome: list[str] = []

    def lose() -> None:
        with pytest.raises(Unfinished) as caught:
            watch(parmap.map, sleep_long_at_three, range(4), pm_processes=2, pm_chunksize=1, limit=limit)
        outcome.append(repr(caught.value.run))

    if inside == "main thread":
        lose()
    else:
        thread = threading.Thread(target=lose)
        thread.start()
        thread.join(30)
    assert outcome == ["4 tasks on 2 workers, task 3 still running"]
    assert {child.pid for child in multiprocessing.active_children()} <= {child.pid for child in before}


@pytest.mark.skipif(os.name != "posix", reason="only POSIX can interrupt a serial map in the main thread")
def test_the_limit_holds_for_a_serial_map() -> None:
    """A map in this very process is interrupted, too, and the timer is put back."""
    import signal

    before, timer = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    with pytest.raises(Unfinished, match="task 3 still running"):
        watch(map, sleep_long_at_three, range(4), limit=0.5)
    assert signal.getsignal(signal.SIGALRM) == before
    assert bool(signal.getitimer(signal.ITIMER_REAL)[0]) == bool(timer[0])


def test_ctrl_c_stays_a_keyboard_interrupt() -> None:
    """The reader's own interruption is not turned into anything else."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(map, interrupt, [1])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1], double, [2]), TypeError, "shaped like map"),
        ((map, 3, [2]), TypeError, "a function second"),
        ((len, double, [2]), TypeError, "takes exactly one argument"),
        ((lambda function, items: 3, double, [2]), TypeError, "returned 'int'"),
    ],
)
def test_bad_arguments_are_refused(arguments: Any, error: type[Exception], words: str) -> None:
    """What cannot be watched is refused in words."""
    with pytest.raises(error, match=words):
        watch(*arguments)


def test_a_bad_limit_and_a_local_function_are_refused(pool: Pool) -> None:
    """A limit is a time, and a function that a child cannot import never reaches the pool."""
    with pytest.raises(ValueError, match="limit=0"):
        watch(map, double, [1], limit=0)
    with pytest.raises(NotImportable):
        watch(pool.map, lambda number: number, [1])


def test_replaced_workers_share_rows() -> None:
    """With a process per task there are as many lanes as tasks, and no more rows than fit."""
    from helpers.watching.lanes import MOST_LANES, rows_of

    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
        few = watch(pool.map, double, range(4), chunksize=1)
    assert few.workers == len(few.lanes) == 4
    lanes = tuple(Lane.of(f"worker {n}", n, (Span(n, n / 10, n / 10 + 0.15),)) for n in range(40))
    plan = replace(few.plan, tasks=40)
    in_turn = Run([], lanes, 5.0, plan)
    assert [len(row.lanes) for row in rows_of(in_turn)] == [20, 20]
    at_once = Run([], tuple(Lane.of("", n, (Span(n, 0.1, 0.2),)) for n in range(40)), 1.0, plan)
    assert len(rows_of(at_once)) == MOST_LANES
    assert rows_of(at_once)[-1].label == "25 more, on average"
    assert in_turn.draw().png != at_once.draw().png


WORKERS = Plan(4, 2, "worker", 1)


def lanes_of(*lanes: tuple[str, int]) -> tuple[Lane, ...]:
    """Return lanes with a task each, by label and PID."""
    return tuple(Lane.of(label, pid, [Span(0, 0.1, 0.5)]) for label, pid in lanes)


def test_a_process_keeps_its_name_and_its_colour() -> None:
    """Whoever starts first in the next panel: the same PID is the same worker, in the same colour."""
    first = Run([], lanes_of(("worker 1", 11), ("worker 2", 12)), 1.0, WORKERS)
    then = Run([], lanes_of(("worker 1", 12), ("worker 2", 13), ("worker 3", 11)), 1.0, WORKERS)
    panels = _panels({"first": first, "then": then}, told)
    assert [[row.label for row in panel.rows] for panel in panels] == [
        ["worker 1 · PID 11", "worker 2 · PID 12"],
        ["worker 1 · PID 11", "worker 2 · PID 12", "worker 3 · PID 13"],
    ]
    assert panels[0].colours == panels[1].colours[:2]
    assert len(set(panels[1].colours)) == 3


def test_processes_of_two_pools_have_colours_of_their_own() -> None:
    """Another pool's worker 1 is another process, and looks like one; neighbours always differ."""
    one = Run([], lanes_of(("worker 1", 11), ("worker 2", 12)), 1.0, WORKERS)
    two = Run([], lanes_of(("worker 1", 21), ("worker 2", 22)), 1.0, WORKERS)
    many = Run([], lanes_of(*((f"worker {n}", n) for n in range(10, 24))), 1.0, WORKERS)
    here, there = _panels({"one": one, "two": two}, told)
    assert here.rows[0].label == "worker 1 · PID 11"
    assert there.rows[0].label == "worker 1 · PID 21"
    assert len({*here.colours, *there.colours}) == 4
    for panel in _panels({"one": one, "two": two, "many": many}, told):
        assert all(above != below for above, below in pairwise(panel.colours))


def test_all_panels_show_the_same_measure_and_say_which() -> None:
    """One crowded lane makes every lane of the picture a density."""
    small = Run([], lanes_of(("worker 1", 1)), 1.0, WORKERS)
    spans = [Span(n, n / 1000, n / 1000 + 0.0005) for n in range(900)]
    large = Run([], (Lane.of("worker 1", 2, spans),), 1.0, Plan(900, 1, "worker", 1))
    assert "a bar is a task" in draw_runs({"small": small}, "", None).words[-1]
    both = draw_runs({"small": small, "large": large}, "", None)
    assert "the height is the share" in both.words[-1]
    assert sum(isinstance(shape, Area) for shape in both.shapes) == 2


def test_a_long_sentence_has_lines() -> None:
    """A heading that is wider than the picture goes on below."""
    run = Run([], lanes_of(("worker 1", 1)), 1.0, replace(WORKERS, called="every file of a package " * 5))
    assert len(_panels({"a name": run}, told)[0].heading) == 3


def test_two_threads_of_a_process_do_not_overlap_with_others() -> None:
    """Only different processes count, and touching is not overlapping."""
    threads = (Lane.of("thread 1", 1, [Span(0, 0, 2)]), Lane.of("thread 2", 1, [Span(1, 1, 3)]))
    after = Lane.of("worker 1", 2, [Span(2, 3, 4)])
    assert not Run([], (*threads, after), 4.0, WORKERS).overlapping
    assert Run([], (*threads, Lane.of("worker 1", 2, [Span(2, 2.9, 4)])), 4.0, WORKERS).overlapping


def test_density_is_the_share_of_time_at_work() -> None:
    """A bin half filled with work is drawn half as high."""
    import numpy as np

    from helpers.watching.lanes import busy

    lane = Lane.of("worker 1", 1, (Span(0, 0.0, 0.5), Span(1, 1.0, 1.25), Span(2, 1.5, None)))
    assert np.allclose(busy([lane], np.array([0, 1, 2, 3.0]), 2.5), [0.5, 0.75, 0.5])
    assert np.allclose(busy([lane, Lane.of("", 1, [Span(0, 0, 3)])], np.array([0, 1.0]), 3.0), [0.75])


def test_pictures_are_their_sentences(pool: Pool) -> None:
    """A picture's text says what does not change from run to run; side by side, for every run."""
    run = watch(pool.map, double, range(8), chunksize=3)
    assert repr(run.draw("Doubles")) == "8 tasks on 2 workers, all finished"
    assert repr(run.draw(by="chunk")) == repr(run)
    assert run.plan.chunksize == 3
    both = draw_side_by_side({"map": watch(map, double, [1]), "Pool.map": run}, "Two ways")
    assert repr(both) == (
        "map: 1 task in this process, all finished; Pool.map: 8 tasks on 2 workers, all finished"
    )
    with pytest.raises(ValueError, match="by='colour'"):
        run.draw(by="colour")
    with pytest.raises(ValueError, match="no runs"):
        draw_side_by_side({})


def test_the_table_has_a_row_per_task(pool: Pool) -> None:
    """The table tells in numbers what the picture shows."""
    table = watch(pool.map, double, range(5)).table()
    assert table.columns == ("worker", "PID", "task", "start (s)", "end (s)", "outcome")
    assert sorted(row[2] for row in table.rows) == list(range(5))
    assert {row[-1] for row in table.rows} == {"finished"}


def test_the_chunk_size_is_known(pool: Pool) -> None:
    """The size of the chunks is what the caller says, or the library's own formula."""
    for call, expected in [
        (partial(watch, pool.map, double, range(50)), 7),
        (partial(watch, pool.map, double, range(50), 4), 4),
        (partial(watch, pool.imap, double, range(50)), 1),
        (partial(watch, parmap.map, double, range(50), pm_pool=pool), 7),
        (partial(watch, map, double, range(50)), None),
    ]:
        assert call().plan.chunksize == expected


def test_a_folder_that_cannot_be_removed_now_is_removed_later(
    monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    """Where files are still open (Windows), the next watch removes them."""
    import shutil

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        watch(map, double, [1])
    assert len(list(temporary.glob("helpers-*/watch-*"))) == 1
    watch(map, double, [1])
    assert not list(temporary.glob("helpers-*/watch-*"))


def test_tasks_are_named_where_their_number_differs_between_machines(pool: Pool) -> None:
    assert (
        repr(watch(pool.map, double, range(3), called="every file"))
        == "every file on 2 workers, all finished"
    )


def in_threads(function: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """Return what two threads of its own return."""
    with ThreadPool(2) as threads:
        return threads.map(function, items, chunksize=1)


def test_threads_of_a_call_that_does_not_tell_are_called_threads() -> None:
    """Lanes in the process that calls are threads, and stay so beside another run in one picture."""
    run = watch(in_threads, meet, [threading.Barrier(2)] * 2)
    assert repr(run) == "2 tasks, all finished"
    assert [lane.label for lane in run.lanes] == ["thread 1", "thread 2"]
    assert {lane.pid for lane in run.lanes} == {os.getpid()}
    for panel in _panels({"one": run, "two": run}, told):
        assert [row.label.partition(" · ")[0] for row in panel.rows] == ["thread 1", "thread 2"]
        assert len(set(panel.colours)) == 2
