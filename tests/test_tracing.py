"""The child's side: small to import, one file per thread, nothing lost, nothing mixed up."""

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from helpers.workers import tracing
from tests.watched import add, double, refuse_three


def records(folder: Path) -> list[tuple[int, bytes]]:
    """Return (task, kind) of every record in the folder's files."""
    return [
        (task, kind)
        for path in sorted(folder.glob("*.log"))
        for task, _, kind in tracing.RECORD.iter_unpack(path.read_bytes())
    ]


@pytest.fixture(autouse=True)
def closed() -> Any:
    """Close this thread's file afterwards."""
    yield
    tracing.forget()


def test_each_task_writes_its_start_and_its_end(tmp_path: Path) -> None:
    """A task that returns is S then E, one that raises S then R, one that exits S then X."""
    assert tracing.Traced(double, str(tmp_path))((7, 21)) == 42
    with pytest.raises(ValueError, match="three"):
        tracing.Traced(refuse_three, str(tmp_path))((8, 3))
    with pytest.raises(SystemExit):
        tracing.Traced(sys.exit, str(tmp_path))((9, 3))
    assert records(tmp_path) == [(7, b"S"), (7, b"E"), (8, b"S"), (8, b"R"), (9, b"S"), (9, b"X")]


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
        assert sorted(records(folder)) == [(task, kind) for task in range(3) for kind in (b"E", b"S")]


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
