"""The doctor finds what is wrong and says what to do."""

import multiprocessing
import os
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest

from helpers.doctor import Finding, Report, doctor, usable_cpus
from helpers.processes.family import family
from helpers.processes.roles import MACHINERY
from tests import watched

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
    assert all("start.py" in line for line in said)
    assert not any(line.startswith("✗ x ") for line in said)


def test_a_course_that_is_not_installed(healthy: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    healthy.setattr(metadata, "requires", nothing)
    assert ["not installed" in line for line in wrong(doctor())] == [True]


def test_no_place_to_write(healthy: pytest.MonkeyPatch, tmp_path: Path) -> None:
    healthy.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert ["TMPDIR" in line for line in wrong(doctor())] == [True]


def test_no_semaphores(healthy: pytest.MonkeyPatch) -> None:
    def nothing() -> None:
        raise OSError(38, "Function not implemented")

    healthy.setattr(multiprocessing, "Lock", nothing)
    assert ["/dev/shm" in line for line in wrong(doctor())] == [True]


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
    said = wrong(doctor(limit=limit))
    assert len(said) == 1
    assert said[0].startswith("✗ start method spawn")
    assert {one.role for one in family().members} <= {"main", *MACHINERY}


def test_cores_are_those_that_we_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_quota", lambda: 0.5)
    assert usable_cpus() == (1, "the container's share of CPU time")
    monkeypatch.setattr(MODULE, "_quota", lambda: None)
    cores, why = usable_cpus()
    assert 1 <= cores <= (os.cpu_count() or 1)
    assert why
