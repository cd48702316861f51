"""Processes are told by PID and birth, classified and ended in one place each."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from helpers.processes import descendants as kin
from helpers.processes import ending, roles
from helpers.processes.descendants import MARK, birth, descendants, marked, new_mark
from helpers.processes.roles import Role, classify
from helpers.waiting import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


class _Pretended:
    """A process of a pretended system, which notes that it was killed."""

    def __init__(self, pid: int, ppid: int, born: float, name: str = "") -> None:
        self.pid, self.name, self.born = pid, name or str(pid), born
        self.info = {"ppid": ppid, "create_time": born}
        self.killed = False

    def create_time(self) -> float:
        return self.born

    def kill(self) -> None:
        self.killed = True

    def is_running(self) -> bool:
        return not self.killed

    def status(self) -> str:
        return psutil.STATUS_SLEEPING

    def cmdline(self) -> list[str]:
        return [self.name]

    def parent(self) -> None:
        return None


def pretend(monkeypatch: pytest.MonkeyPatch, table: Iterable[_Pretended]) -> None:
    """Make these the processes of the system."""
    known = list(table)
    monkeypatch.setattr(psutil, "process_iter", lambda attrs=None: iter(known))


def test_a_stranger_whose_stale_parent_number_matches_is_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows keeps the number of a parent that ended, and gives it to the next process: to our program."""
    program = _Pretended(100, 1, 50.0, "program")
    child = _Pretended(101, 100, 51.0, "child")
    grandchild = _Pretended(102, 101, 51.0, "born in the same tick")
    stranger = _Pretended(200, 100, 7.0, "older than the program")
    strangers_child = _Pretended(201, 200, 60.0, "younger, but below the stranger")
    late = _Pretended(202, 102, 50.5, "its parent is younger")
    pretend(monkeypatch, [stranger, strangers_child, late, grandchild, child, program])
    found: Any = descendants([program])  # type: ignore[list-item]
    assert {one.name for one in found} == {"child", "born in the same tick"}
    assert ending.end(lambda: [program, *descendants([program])]) == []  # type: ignore[list-item]
    assert [one.killed for one in (program, child, grandchild)] == [True] * 3
    assert not any(one.killed for one in (stranger, strangers_child, late))


def test_a_root_whose_pid_is_somebody_elses_now_has_no_descendants(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, [_Pretended(100, 1, 90.0, "new owner"), _Pretended(101, 100, 91.0)])
    assert descendants([_Pretended(100, 1, 50.0)]) == []  # type: ignore[list-item]


def test_children_are_found_in_order_of_birth() -> None:
    with subprocess.Popen(SLEEP) as first, subprocess.Popen(SLEEP) as second:
        try:
            ours = [one.pid for one in descendants([psutil.Process()]) if one.pid in (first.pid, second.pid)]
            assert ours == [first.pid, second.pid]
        finally:
            first.kill()
            second.kill()


def test_a_birth_tells_a_process_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not depend on the clock, and who is gone has none."""
    with subprocess.Popen(SLEEP) as process:
        born = birth(process.pid)
        assert born
        assert born != birth(os.getpid())
        if sys.platform == "linux":
            monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
            assert birth(process.pid) == born
        process.kill()
    assert birth(process.pid) is None


def test_a_mark_is_borne_by_what_was_started_with_it() -> None:
    """And by what those started, also in a session of its own; a mark inside it counts, one beside it not."""
    mark = new_mark()
    assert mark.startswith(os.environ.get(MARK, ""))
    for other, bears in ((mark, True), (f"{mark}/inside", True), (f"{mark}x", False)):
        with subprocess.Popen(SLEEP, env=os.environ | {MARK: other}, start_new_session=True) as process:
            try:
                wait_until(lambda pid=process.pid: psutil.Process(pid).cmdline() == SLEEP)  # type: ignore[misc]
                assert (process.pid in {one.pid for one in marked(mark)}) == bears
            finally:
                process.kill()
    assert marked(new_mark()) == []


SPAWN = "python -c from multiprocessing.spawn import spawn_main; spawn_main() --multiprocessing-fork"
SERVER = "python -c from multiprocessing.forkserver import main; main(5, 6, ['__main__'])"
TRACKER = "python -c from multiprocessing.resource_tracker import main;main(9)"


@pytest.mark.parametrize(
    ("line", "above", "role", "said"),
    [
        (TRACKER, "python x.py", Role("resource tracker"), "a resource tracker"),
        (SERVER, "python x.py", Role("fork server"), "a fork server"),
        (SERVER, SERVER, Role("process", "forkserver"), "a Process or Pool worker under forkserver"),
        (SPAWN, "python x.py", Role("process", "spawn"), "a Process or Pool worker under spawn"),
        (SPAWN, SPAWN, Role("process", "fork"), "a Process or Pool worker under fork"),
        ("python x.py", "python x.py", Role("process", "fork"), "a Process or Pool worker under fork"),
        ("python y.py", "python x.py", Role("program"), "a program"),
        ("python multiprocessing.forkserver.py", "python x.py", Role("program"), "a program"),
        ("", "", Role("program"), "a program"),
    ],
)
def test_command_lines_are_classified(line: str, above: str, role: Role, said: str) -> None:
    assert classify(line, above) == role
    assert str(role) == said


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_living_processes_are_classified(method: str) -> None:
    """As this Python really starts them."""
    context = multiprocessing.get_context(method)
    with context.Pool(1) as pool:
        pool.map(abs, [-1])
        mine = descendants([psutil.Process()])
        (worker,) = [one for one in mine if one.pid == pool._pool[0].pid]  # type: ignore[attr-defined]
        assert roles.role(worker) == Role("process", method)
        machinery = {roles.role(one).name for one in mine} & set(roles.MACHINERY)
        expected = {"fork": set(), "spawn": {roles.TRACKER}, "forkserver": set(roles.MACHINERY)}[method]
        assert machinery >= (expected if os.name == "posix" else set())
        assert roles.below()["alive"] >= 1


def test_trackers_are_ended_last_and_leave_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one that stays beyond the limit is killed."""
    order = []

    class _Ended(_Pretended):
        def kill(self) -> None:
            super().kill()
            order.append(self.name)

    tracker, worker = _Ended(5, 1, 1.0, TRACKER), _Ended(6, 1, 1.0, "worker")
    assert ending.end(lambda: [tracker, worker], limit=0.1) == []  # type: ignore[list-item]
    assert order == ["worker", TRACKER]


def test_what_cannot_be_ended_is_returned_in_time() -> None:
    immortal: Any = SimpleNamespace(
        pid=5, kill=lambda: None, is_running=lambda: True, status=lambda: "sleeping", cmdline=lambda: ["x"],
        parent=lambda: None,
    )  # fmt: skip
    assert ending.end(lambda: [immortal], limit=0.05) == [immortal]


def test_the_family_of_a_process_that_ends_while_we_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said that it is gone."""
    from helpers.processes.family import family

    with subprocess.Popen(SLEEP) as process:
        process.kill()
        process.wait()
        gone = SimpleNamespace(pid=process.pid)
    with pytest.raises(psutil.NoSuchProcess):
        psutil.Process(gone.pid)
    known = psutil.Process()
    monkeypatch.setattr(known, "_pid", gone.pid)
    monkeypatch.setattr("helpers.processes.family._look", lambda process: None)
    with pytest.raises(ValueError, match="no process has the PID"):
        family(os.getpid())
    assert kin.birth(gone.pid) is None
