"""Our temporary folders go with their process, and those of killed processes with the next start."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from helpers.processes import folders
from helpers.processes.folders import SOCKET, left_in, new_folder, own_folder, remove_folder

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no sockets with a path")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a temporary folder of this test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def run(place: Path, code: str) -> str:
    """Return what a Python whose temporary folder is `place` printed; it may end as it likes."""
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(place))
    program = f"import os\nfrom helpers.processes.folders import *\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_folder_is_private_and_goes_with_what_made_it(place: Path) -> None:
    with own_folder("this") as first, own_folder("this") as second:
        assert first.parent == second.parent
        assert first.parent.parent == place.resolve()
        assert set(left_in(place, os.getpid())) == {first, second}
        assert left_in(place, os.getppid()) == [first.parent]
        (first / "made").write_text("")
        if os.name == "posix":
            assert first.parent.stat().st_mode & 0o077 == 0
    assert list(place.iterdir()) == []


def test_what_is_needed_until_the_end_is_not_left(place: Path) -> None:
    kept = new_folder("workers")
    assert left_in(place, os.getpid()) == []
    assert folders.is_own(kept, "workers")
    assert not folders.is_own(kept, "work")
    assert not folders.is_own(place / "workers-1", "workers")
    remove_folder(kept)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("end", ["pass", "raise SystemExit(3)"])
def test_an_ordinary_end_removes_everything(place: Path, end: str) -> None:
    assert run(place, f"print(new_folder('a').exists())\n{end}") == "True"
    assert list(place.iterdir()) == []


@posix
def test_a_forked_child_removes_its_own_folders_only(place: Path) -> None:
    code = """\
import multiprocessing
mine = new_folder("mine")
def work():
    new_folder("its")
    assert len(list(mine.parent.parent.iterdir())) == 2
for method in ("fork", "forkserver"):
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    print(child.exitcode, list(mine.parent.parent.iterdir()) == [mine.parent])
"""
    assert run(place, code) == "0 True\n0 True"
    assert list(place.iterdir()) == []


def test_the_next_process_sweeps_after_one_that_was_killed(place: Path) -> None:
    """Those of living processes, of other machines and of other programs stay."""
    run(place, "new_folder('a')\nos._exit(9)")
    (dead,) = place.iterdir()
    others = [place / name for name in ("helpers-000000-1-2-abc", "helpers-program-x", "other")]
    for path in others:
        path.mkdir()
    with own_folder("mine") as mine:
        assert not dead.exists()
        run(place, f"new_folder('b')\nassert os.path.exists({str(mine)!r})")
        assert set(place.iterdir()) == {mine.parent, *others}


def test_a_later_process_with_the_same_pid_does_not_keep_a_folder(place: Path) -> None:
    with own_folder("mine") as mine:
        machine, pid, born = mine.parent.name.split("-")[1:4]
    assert pid == str(os.getpid())
    earlier = place / f"helpers-{machine}-{pid}-{int(born, 16) - 1:x}-abcdefgh"
    earlier.mkdir()
    folders.sweep(str(place))
    assert not earlier.exists()


@posix
@pytest.mark.parametrize("name", ["x" * 90, "긴 이름 with spaces " * 4, "short"])
def test_sockets_fit_below_a_folder_however_long_the_usual_place_is(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = place / name
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with own_folder("program", sockets=True) as folder, own_folder("program") as other:
        assert len(os.fsencode(folder / "pymp-12345678" / "listener-12345678")) <= SOCKET
        assert folder.is_relative_to(Path("/tmp").resolve())
        assert other.is_relative_to(long.resolve())
        roots = folder.parent, other.parent
    assert not any(root.exists() for root in roots)
