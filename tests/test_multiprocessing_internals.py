"""Each private part of multiprocessing that we use is what we take it for, on the Python that runs this."""

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path

import pytest

from helpers.processes import multiprocessing_internals as internals
from helpers.programs.program import run_program
from helpers.waiting import wait_until
from helpers.workers.naps import nap

METHODS = multiprocessing.get_all_start_methods()
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has neither fork server nor resource tracker")


def test_children_are_seen_with_number_and_end_without_being_joined() -> None:
    first, second = (multiprocessing.Process(target=nap, args=(0,)) for _ in range(2))
    first.start()
    second.start()
    mine = [child for child in internals.children() if child in (first, second)]
    assert sorted(mine, key=internals.number) == [first, second]
    wait_until(lambda: multiprocessing.connection.wait([second.sentinel], 0) != [], limit=60)
    assert not internals.is_joined(second)
    assert second in internals.children()
    for child in (first, second):
        child.join(60)
        assert internals.is_joined(child)
        assert child not in internals.children()


def test_executors_workers_are_known() -> None:
    with ProcessPoolExecutor(1) as executor:
        pid = executor.submit(os.getpid).result(60)
        assert pid in internals.executors_pids()
        assert internals.number_of_workers(executor) == 1
    assert pid not in internals.executors_pids()


def test_number_of_workers() -> None:
    with multiprocessing.Pool(2) as pool, ThreadPool(3) as threads:
        assert internals.number_of_workers(pool) == 2
        assert internals.number_of_workers(threads) == 3
    assert internals.number_of_workers([]) is None


def test_dead_workers_are_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pool, "_join_exited_workers", Pool._join_exited_workers)  # type: ignore[attr-defined]
    heard: list[int] = []
    internals.on_dead_workers(heard.extend)
    # Not forked beside other tests' threads: such a worker can stand still before it takes a task.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply_async(os._exit, (7,))
        wait_until(lambda: heard, limit=60)
        assert pool.apply(abs, (-1,)) == 1  # it goes on with a new worker
    assert heard[0] == 7


ENDS = """\
import multiprocessing, os, sys
from helpers.processes import multiprocessing_internals as internals

if __name__ == "__main__":
    assert internals.temporary_folder() is None
    os.mkdir("sockets")
    internals.set_temporary_folder(os.path.abspath("sockets"))
    internals.at_the_end(lambda: print("at the end", multiprocessing.active_children()))
    context = multiprocessing.get_context(sys.argv[1])
    multiprocessing.set_forkserver_preload(["my_module"])
    assert internals.fork_server_holds("my_module")
    pool = context.Pool(2)
    print(pool.map(abs, [-1]), len(os.listdir("sockets")))
    lock = context.Lock()
    print(internals.finish(10), [worker.is_alive() for worker in pool._pool])
    print(internals.stop_fork_server(10), internals.stop_tracker(10))
    from helpers.processes.descendants import descendants
    import psutil
    print(descendants([psutil.Process()]))
    print(internals.stop_fork_server(0), internals.stop_tracker(0))
"""


@pytest.mark.parametrize("method", METHODS)
def test_all_that_multiprocessing_runs_can_be_stopped(method: str) -> None:
    """Pool, lock, fork server and tracker are gone, zombies too, and nothing complains at the end."""
    sockets = int(method == "forkserver")
    expected = f"[1] {sockets}\nTrue [False, False]\nTrue True\n[]\nTrue True\nat the end []\nexit code 0"
    assert repr(run_program(ENDS, method, limit=60)) == expected


OPEN = """\
import multiprocessing
from helpers.processes import multiprocessing_internals as internals

if __name__ == "__main__":
    multiprocessing.set_forkserver_preload(["json"])
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        pool.map(abs, [-1])
        print(internals.fork_server_holds("json"), internals.fork_server_holds("ast"))
        print(internals.stop_fork_server(0.1), pool.map(abs, [-2]))
        with multiprocessing.get_context("forkserver").Pool(1) as other:
            print(other.map(abs, [-3]))
"""


@posix
def test_a_fork_server_whose_children_go_on_is_not_waited_for() -> None:
    """It leaves with the last of them; who starts one now gets a new server."""
    assert repr(run_program(OPEN, limit=60)) == "True False\nFalse [2]\n[3]\nexit code 0"


def test_nothing_of_multiprocessing_is_imported_to_find_nothing(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from helpers.processes import multiprocessing_internals as i\n"
        "print(i.children(), i.fork_server_holds('x'), i.finish(1), i.stop_fork_server(), i.stop_tracker())\n"
        "print(sorted(m for m in sys.modules if m.startswith('multiprocessing.')))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    told, imported = said.stdout.splitlines()
    assert told == "[] False True True True"
    assert "multiprocessing.util" not in imported
