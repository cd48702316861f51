"""The doctor finds what is wrong and says what to do."""

import errno
import importlib.util
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest

from helpers.doctor import Finding, Report, doctor, usable_cpus
from helpers.processes.family import family
from helpers.processes.roles import MACHINERY
from tests import watched

ROOT = Path(__file__).parent.parent
MODULE = sys.modules[doctor.__module__]  # `helpers.doctor` is the function


def wrong(report: Report) -> list[str]:
    """Return the findings that are not right."""
    return [str(finding) for finding in report.findings if not finding.ok]


def test_a_good_machine_is_ready_and_left_as_it_was() -> None:
    report = doctor()
    assert wrong(report) == []
    assert report.ok
    lines = repr(report).splitlines()
    assert lines[-1] == "Everything is ready."
    assert all(line.startswith("✓ ") for line in lines[:-1])
    for method in multiprocessing.get_all_start_methods():
        assert (
            sum(
                line.startswith((f"✓ start method {method}:", f"✓ start method {method}, the default here:"))
                for line in lines
            )
            == 1
        )
    assert {one.role for one in family().members} <= {"main", *MACHINERY}


def test_what_is_wrong_comes_with_a_cure() -> None:
    report = Report((Finding(True, "fine"), Finding(False, "no lock can be made", "mount /dev/shm")))
    assert not report.ok
    assert repr(report) == "✓ fine\n✗ no lock can be made: mount /dev/shm\n1 of 2 need your attention."


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Skip the slow part, which another test sees."""
    monkeypatch.setattr(MODULE, "_start_methods", lambda limit: iter(()))
    return monkeypatch


def test_a_package_that_is_missing_or_too_old(healthy: pytest.MonkeyPatch) -> None:
    healthy.setattr(
        metadata, "requires", lambda name: ["psutil>=999", "no_such_package_here", "x; extra == 'test'"]
    )
    said = wrong(doctor())
    assert [line[:12] for line in said[:2]] == ["✗ psutil is ", "✗ no_such_pa"]
    assert f'"{sys.executable}" -m pip install "psutil>=999"' in said[0]
    assert all(sys.executable in line for line in said)
    assert not any(line.startswith("✗ x ") for line in said)


def test_a_course_that_is_not_installed(healthy: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    healthy.setattr(metadata, "requires", nothing)
    (said,) = wrong(doctor())
    assert "not installed" in said
    assert said.count(f'-e "{ROOT}"') == 1


@pytest.mark.parametrize("uv", [None, "/somewhere/uv"])
def test_the_cure_works_without_pip(healthy: pytest.MonkeyPatch, uv: str | None) -> None:
    """An environment that uv made has none."""
    healthy.setattr(metadata, "requires", lambda name: ["no_such_package_here"])
    healthy.setattr(importlib.util, "find_spec", lambda name: None)
    healthy.setattr(shutil, "which", lambda name: uv)
    expected = f'`"{uv}" pip install --python "{sys.executable}" "' if uv else '-m ensurepip`, then `"'
    assert expected in wrong(doctor())[0]


def test_no_place_to_write(healthy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    healthy.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert ["TMPDIR" in line for line in wrong(doctor())] == [True]


def test_no_semaphores(healthy: pytest.MonkeyPatch) -> None:
    def nothing() -> None:
        raise OSError(38, "Function not implemented")

    healthy.setattr(multiprocessing, "Lock", nothing)
    assert ["/dev/shm" in line for line in wrong(doctor())] == [True]


def test_semaphores_for_a_lock_but_not_for_a_pool(healthy: pytest.MonkeyPatch) -> None:
    """A tiny /dev/shm has room for one."""
    room = iter([object(), object()])

    def lock() -> object:
        try:
            return next(room)
        except StopIteration:
            raise OSError(28, "No space left on device") from None

    healthy.setattr(multiprocessing, "Lock", lock)
    assert ["of its 8 locks between processes 2 worked" in line for line in wrong(doctor())] == [True]


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="no fork server here")
def test_a_temporary_folder_with_a_long_path(tmp_path: Path) -> None:
    """The name of a socket has about a hundred characters at most."""
    folder = tmp_path / ("x" * 93)
    folder.mkdir()
    source = "from helpers import doctor\nif __name__ == '__main__': print(doctor())"
    environment = os.environ | {"TMPDIR": str(folder)}
    script = tmp_path / "ask.py"
    script.write_text(source, encoding="utf-8")
    command = [sys.executable, str(script)]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in told.stdout.splitlines() if line.startswith("✗")]
    assert all("set TMPDIR to a short one" in line for line in said), said
    answered = re.search("forkserver.*: a child answered", told.stdout)  # newer Pythons take another folder
    assert bool(said) != bool(answered), told.stdout


def test_an_old_python(healthy: pytest.MonkeyPatch) -> None:
    healthy.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    assert [line.split(":")[0] for line in wrong(doctor())] == ["✗ Python 3.10.4"]


def test_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    report = doctor()
    assert len(report.findings) == 1
    assert "Binder" in repr(report)


@pytest.mark.parametrize("answer", ["exit", "silence", "refusal"])
def test_children_that_do_not_answer(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    def refuse(self: object) -> None:
        raise PermissionError("not today")

    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    limit = 60.0
    if answer == "refusal":
        monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", refuse)
    elif answer == "exit":
        monkeypatch.setattr(MODULE, "send_answer", watched.leave)
    else:
        limit = 0.2
        monkeypatch.setattr(MODULE, "send_answer", watched.be_silent)
    (said,) = wrong(doctor(limit=limit))
    assert said.startswith("✗ start method spawn")
    assert {
        "exit": "the child ended without an answer (exit code 3)",
        "silence": "the child did not answer within 0.2 s: security software",
        "refusal": "no child could be started (PermissionError: not today)",
    }[answer] in said
    assert {one.role for one in family().members} <= {"main", *MACHINERY}


def test_a_child_that_dies_has_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(MODULE, "send_answer", watched.refuse)
    (said,) = wrong(doctor(limit=60))
    assert "(exit code 1); its last words: ValueError: all is refused: mend what it complains of" in said


def test_no_more_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", refuse)
    assert ["ulimit -u" in line for line in wrong(doctor())] == [True]


def test_cores_are_those_that_we_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_quota", lambda: 0.5)
    assert usable_cpus() == (1, "the container's share of CPU time")
    monkeypatch.setattr(MODULE, "_quota", lambda: None)
    cores, why = usable_cpus()
    assert 1 <= cores <= (os.cpu_count() or 1)
    assert why
