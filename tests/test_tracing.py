"""The child's side: small to import, one file per thread, nothing lost, nothing mixed up."""

import os
import pickle
import subprocess
import sys
import threading
from array import array
from pathlib import Path
from typing import Any

import pytest

from helpers.workers import tracing
from tests.watched import add, double, refuse_three


def records(folder: Path) -> list[tuple[int, int]]:
    """Return (task, fate) of every record in the folder's files."""
    found = []
    for path in sorted(folder.glob("*.log")):
        numbers = array("q", path.read_bytes())
        rows = [numbers[first : first + 4] for first in range(0, len(numbers), 4)]
        found += [(task, fate) for task, _, _, fate in rows if fate]
    return found


@pytest.fixture(autouse=True)
def closed() -> Any:
    """Close this thread's file afterwards."""
    yield
    tracing.forget()


def test_each_task_writes_its_start_and_its_end(tmp_path: Path) -> None:
    """A task that returns has ended, one that raises has raised, one that exits has exited."""
    assert tracing.Traced(double, str(tmp_path))((7, 21)) == 42
    with pytest.raises(ValueError, match="three"):
        tracing.Traced(refuse_three, str(tmp_path))((8, 3))
    with pytest.raises(SystemExit):
        tracing.Traced(sys.exit, str(tmp_path))((9, 3))
    assert records(tmp_path) == [(7, tracing.ENDED), (8, tracing.RAISED), (9, tracing.EXITED)]


def test_a_task_that_runs_has_a_start_and_no_end(tmp_path: Path) -> None:
    """While the function runs, its note says so: this is what a killed worker leaves."""
    seen: list[tuple[int, int]] = []
    tracing.Traced(lambda _: seen.extend(records(tmp_path)), str(tmp_path))((5, None))
    assert seen == [(5, tracing.STARTED)]


def test_many_tasks_fill_file_after_file(tmp_path: Path) -> None:
    """A full file is followed by a larger one, and no note is lost."""
    traced = tracing.Traced(double, str(tmp_path))
    for number in range(10_000):
        traced((number, 0))
    assert records(tmp_path) == [(number, tracing.ENDED) for number in range(10_000)]
    sizes = [path.stat().st_size // 32 for path in sorted(tmp_path.glob("*.log"))]
    assert sizes == [2048, 4096, 8192]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_that_comes_back_from_the_function_writes_nothing_here(tmp_path: Path) -> None:
    """A function may fork, and its child may leave it, too: the parent's note is the parent's."""
    parent = os.getpid()

    def fork_and_exit(_: object) -> None:
        child = os.fork()
        if not child:
            raise SystemExit
        os.waitpid(child, 0)
        assert records(tmp_path) == [(1, tracing.STARTED)]

    try:
        tracing.Traced(fork_and_exit, str(tmp_path))((1, None))
    finally:
        if os.getpid() != parent:
            os._exit(0)
    assert records(tmp_path) == [(1, tracing.ENDED)]


def test_arguments_arrive_as_map_and_starmap_give_them(tmp_path: Path) -> None:
    """A tuple is map's numbered item, a number comes from starmap; the rest goes through."""
    traced = tracing.Traced(add, str(tmp_path))
    assert traced((0, 1), 2) == 3
    assert traced((0, 1), 2, more=10) == 13
    assert traced(0, (1, 2)) == 3
    assert traced(0, (1,), 2, more=10) == 13


def test_it_travels_to_a_child(tmp_path: Path) -> None:
    """A pickled copy does the same."""
    assert pickle.loads(pickle.dumps(tracing.Traced(double, str(tmp_path))))((0, 4)) == 8


def test_each_thread_and_each_folder_has_its_own_file(tmp_path: Path) -> None:
    """Threads never share a file, and another folder means another file."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        traced = tracing.Traced(double, str(folder))
        threads = [threading.Thread(target=traced, args=((number, 1),)) for number in range(2)]
        for thread in threads:
            thread.start()
        traced((2, 1))
        for thread in threads:
            thread.join()
    for folder in folders:
        assert sorted(records(folder)) == [(task, tracing.ENDED) for task in range(3)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_has_a_file_of_its_own(tmp_path: Path) -> None:
    """What a child inherits is not what it writes to."""
    import multiprocessing

    traced = tracing.Traced(double, str(tmp_path))
    traced((0, 1))
    child = multiprocessing.get_context("fork").Process(target=traced, args=((1, 1),))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert {path.name.split("-")[0] for path in tmp_path.iterdir()} == {str(os.getpid()), str(child.pid)}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """A process has at most one of these files open per thread, and none after `forget`."""

    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = open_files()
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        tracing.Traced(double, str(folder))((0, 1))
        assert open_files() <= before + 1
    tracing.forget()
    assert open_files() == before


def test_a_worker_imports_next_to_nothing() -> None:
    """Importing it brings in only modules that are small or loaded anyway."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "import helpers.workers.tracing; print(*set(sys.modules) - before)"
    )
    output = subprocess.run(  # the same interpreter, a clean one
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {"tempfile", "pathlib", "shutil", "threading", "multiprocessing", "numpy", "matplotlib", "psutil"}
    assert not heavy & set(output.stdout.split())
