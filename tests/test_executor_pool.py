"""An executor behind parmap: the same results, errors that arrive, limits that end, work that is given up."""

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor

import parmap
import pytest

from helpers.pools.executor_pool import ExecutorPool
from helpers.workers.chunk import run_chunk
from helpers.workers.endings import exit_hard, raise_error
from helpers.workers.formulas import linear, plane
from helpers.workers.numbers import square

METHODS = multiprocessing.get_all_start_methods()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Give an executor that needs no process."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.mark.parametrize("method", METHODS)
def test_parmaps_functions_take_it(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
        pool = ExecutorPool(executor, 2)
        assert parmap.map(linear, range(20), 3, b=1, pm_pool=pool) == [3 * x + 1 for x in range(20)]
        assert parmap.starmap(plane, zip(range(9), range(9), strict=True), pm_pool=pool, pm_chunksize=4) == [
            2 * x for x in range(9)
        ]
        assert parmap.map_async(square, [3], pm_pool=pool).get(30) == [9]
        assert parmap.starmap_async(plane, [(1, 2)], pm_pool=pool).get(30) == [3]
        assert parmap.map(square, [], pm_pool=pool) == []
        assert parmap.map(square, range(8), pm_pool=pool, pm_pbar=True) == [x * x for x in range(8)]
    assert "8/8" in capsys.readouterr().err, "tqdm's bar"


def test_a_dead_worker_is_an_error() -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as executor, pytest.raises(BrokenExecutor):
        parmap.map(exit_hard, [4], pm_pool=ExecutorPool(executor, 2))


def test_an_error_is_the_tasks_own_and_gives_up_the_rest(threads: ThreadPoolExecutor) -> None:
    gate, begun = threading.Event(), []

    def wait(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise_error("number 0")
        gate.wait(30)

    result = ExecutorPool(threads, 2).map_async(wait, range(50), chunksize=1)
    with pytest.raises(ValueError, match="number 0"):
        result.get(30)
    gate.set()
    result.wait(30)
    assert result.ready()
    assert len(begun) < 50
    assert not result.successful()


def test_a_limit_ends_the_wait_and_gives_up_the_rest(threads: ThreadPoolExecutor) -> None:
    gate = threading.Event()
    result = ExecutorPool(threads, 2).map_async(lambda _: gate.wait(30), range(50), chunksize=1)
    assert not result.ready()
    with pytest.raises(ValueError, match="50 chunks are not done"):
        result.successful()
    try:
        with pytest.raises(multiprocessing.TimeoutError):
            result.get(0.05)
    finally:
        gate.set()
    result.wait(30)
    assert not result.successful()


def test_the_default_chunks_are_a_pools(threads: ThreadPoolExecutor) -> None:
    assert ExecutorPool(threads, 2).map_async(square, range(100))._number_left <= 8
    assert run_chunk(square, [1, 2]) == [1, 4]


def test_successful_at_the_end(threads: ThreadPoolExecutor) -> None:
    result = ExecutorPool(threads, 2).map_async(square, [1, 2])
    assert result.get(30) == [1, 4]
    assert result.successful()


def test_what_cannot_be_done_is_refused(threads: ThreadPoolExecutor) -> None:
    with pytest.raises(ValueError, match="workers is 0: give"):
        ExecutorPool(threads, 0)
    pool = ExecutorPool(threads, 2)
    with pytest.raises(ValueError, match="callbacks are not passed on"):
        parmap.map_async(square, [1], pm_callback=print, pm_pool=pool)
    for size in (0, -1, 1.5):
        with pytest.raises(ValueError, match="chunksize is"):
            parmap.map(square, [1], pm_chunksize=size, pm_pool=pool)
