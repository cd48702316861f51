"""What a family of processes left behind: found, described, and put away.

A family is known by a mark in its environment, which no `setsid` and no change of parent takes away. Marks
nest like paths: a pytest process's family holds those of its kernels and of the pytests that its tests start.
Only marked processes and descendants are ever touched.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shlex
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MARK, RECORDS, METHOD = "GATE_FAMILY", "GATE_RECORDS", "GATE_START_METHOD"
STARTUP = Path(__file__).with_name("startup")
PROJECT = Path(__file__).resolve().parents[2]
GRACE = 5.0  # workers need up to 3 s to leave, a tracker its time to unlink
SHM = Path("/dev/shm")
UNWATCHED = {
    ".git", ".venv", ".hypothesis", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    "__pycache__", "build", "dist", "my_notebooks", "node_modules",  # a learner's JupyterLab saves by itself
}  # fmt: skip


class LeftBehindError(AssertionError):
    """Something is left that should be gone; the message names each with what is known of its origin."""


@dataclass(frozen=True)
class Leftover:
    """One thing that stayed: what it is, the key by which it is known again, and its description."""

    what: str
    key: str
    description: str

    def __str__(self) -> str:
        """Return what a reader needs to find the culprit."""
        return f"{self.what} {self.description}"


# ---------------------------------------------------------------------------------- processes
_marks: dict[int, str] = {}  # each running process's mark, read once: an environment never changes


def _mark_of(pid: int) -> str:
    if pid not in _marks:
        try:
            _marks[pid] = psutil.Process(pid).environ().get(MARK, "")
        except (psutil.Error, OSError):
            return ""  # gone, a zombie, or not ours to read
    return _marks[pid]


def _marked(mark: str) -> list[int]:
    running = psutil.pids()
    for pid in _marks.keys() - set(running):
        del _marks[pid]
    return [pid for pid in running if f"{_mark_of(pid)}/".startswith(f"{mark}/")]


def _command(process: psutil.Process) -> str:
    try:
        return shlex.join(process.cmdline())
    except (psutil.Error, OSError):
        return ""


def _is_zombie(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_ZOMBIE


def _is_gone(process: psutil.Process) -> bool:
    """Return True when nothing of it runs: an orphan's zombie waits for the system's init, not for us."""
    try:
        return not process.is_running() or _is_zombie(process)
    except psutil.Error:
        return True


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _wait_gone(processes: Iterable[psutil.Process], limit: float) -> list[psutil.Process]:
    deadline = time.monotonic() + limit
    left = [process for process in processes if not _is_gone(process)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [process for process in left if not _is_gone(process)]
    return left


def _how_started(process: psutil.Process, command: str, parent: psutil.Process | None) -> str:
    """Name the start method that the command line gives away; a forked child has its parent's own."""
    if "--multiprocessing-fork" in command:
        return "a Process or Pool worker under spawn"
    if "multiprocessing.resource_tracker" in command:
        return "a resource tracker"
    above = _command(parent) if parent else ""
    if "multiprocessing.forkserver" in command:
        return "a Process or Pool worker under forkserver" if above == command else "a fork server"
    return "a Process or Pool worker under fork" if command and above == command else "a program"


# ---------------------------------------------------------------------------------- named memory
def _where(kind: str, name: str) -> Path:
    return SHM / (("sem." if kind == "semaphore" else "") + name.lstrip("/"))


def _unlink(kind: str, name: str) -> None:
    with contextlib.suppress(OSError, ImportError, AttributeError):
        if kind == "semaphore":
            importlib.import_module("_multiprocessing").sem_unlink(name)
        else:
            importlib.import_module("_posixshmem").shm_unlink(name)


class Family:
    """All processes below `root` or with `mark` in their environment, and the named memory that they made."""

    def __init__(self, mark: str, root: int, records: Path) -> None:
        """Know a family by its mark, the PID of its root, and the folder where it writes what it makes."""
        self.mark, self.root, self.records = mark, root, records
        self.names: Mapping[int, str] = {}  # names of Process objects by PID, where the root told them

    def environment(self, method: str | None = None) -> dict[str, str]:
        """Return the variables that make a process one of the family, to be laid over its environment."""
        path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        others = [folder for folder in path if folder and Path(folder) != STARTUP]
        here = {
            MARK: self.mark,
            RECORDS: str(self.records),
            "PYTHONPATH": os.pathsep.join([str(STARTUP), *others]),
        }
        return here | ({METHOD: method} if method else {})

    def processes(self) -> list[psutil.Process]:
        """Return all but the root: descendants with their zombies, and who got away but bears the mark."""
        found: dict[int, psutil.Process] = {}
        with contextlib.suppress(psutil.Error):
            found = {child.pid: child for child in psutil.Process(self.root).children(recursive=True)}
        for pid in _marked(self.mark):
            if pid not in found and pid != self.root and pid != os.getpid():
                with contextlib.suppress(psutil.Error):
                    found[pid] = psutil.Process(pid)
        return list(found.values())

    def memory(self) -> dict[tuple[str, str], tuple[int, str]]:
        """Return {(kind, name): (PID, process name) of its maker} for all that was made and not unlinked."""
        made: dict[tuple[str, str], tuple[int, str]] = {}
        unlinked: set[tuple[str, str]] = set()
        for file in self.records.iterdir() if self.records.is_dir() else ():
            for line in file.read_text(encoding="utf-8").splitlines():
                sign, kind, name, who = line.split("\t")
                if sign == "+":
                    made[kind, name] = (int(file.name), who)
                else:
                    unlinked.add((kind, name))
        if SHM.is_dir():  # a tracker unlinks without a record; and a name can be made twice
            return {key: maker for key, maker in made.items() if _where(*key).exists()}
        return {key: maker for key, maker in made.items() if key not in unlinked}

    def left(self) -> list[Leftover]:
        """Return what is there and should not be: all but the root's own resource tracker and fork server."""
        return [*self._left_processes(), *self._left_memory()]

    def _left_processes(self) -> Iterator[Leftover]:
        for process in self.processes():
            try:
                parent = process.parent()
                key = f"process {process.pid}"
                name = f", named {self.names[process.pid]}" if process.pid in self.names else ""
                above = f"child of {parent.pid}" if parent else "orphan"
                if _is_zombie(process):
                    if parent and parent.pid != 1:
                        yield Leftover(
                            "zombie", key, f"pid {process.pid}{name}, {above}: ended, never joined"
                        )
                    continue
                command = _command(process)
                how = _how_started(process, command, parent)
                if how in ("a resource tracker", "a fork server") and parent and parent.pid == self.root:
                    continue
                text = f"pid {process.pid}{name} ({process.status()}), {how}, {above}: {command[:200]}"
                yield Leftover("process", key, text)
            except psutil.Error:
                continue  # gone while we looked

    def _left_memory(self) -> Iterator[Leftover]:
        for (kind, name), (pid, who) in self.memory().items():
            # A semaphore lives as long as its object in the process that made it.
            if kind == "semaphore" and psutil.pid_exists(pid):
                continue
            yield Leftover(kind, f"{kind} {name}", f"{name}, made by {who} (pid {pid}), never unlinked")

    def clean_up(self, leftovers: Iterable[Leftover]) -> None:
        """Put away these leftovers of a family that lives on; files stay: a human might have made them."""
        keys = {leftover.key for leftover in leftovers}
        doomed = [process for process in self.processes() if f"process {process.pid}" in keys]
        _kill(doomed)
        _wait_gone(doomed, GRACE)
        for process in doomed if hasattr(os, "WNOHANG") else ():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        for kind, name in self.memory():
            if f"{kind} {name}" in keys:
                _unlink(kind, name)

    def end(self) -> None:
        """End the whole family, its root too, and unlink what it made.

        The root goes first, for its pool threads would replace every killed worker; trackers of resources go
        last and by themselves: they see that all are gone, unlink what they know, and leave.
        """
        before = self.processes()  # after the root's end, its unmarked children would be nobody's
        if self.root != os.getpid():
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(self.root)
                root.kill()
                _wait_gone([root], GRACE)
        trackers: dict[int, psutil.Process] = {}
        for _ in range(5):  # a process that is just being started is seen in the next round
            everybody = {
                process.pid: process for process in [*before, *self.processes()] if not _is_gone(process)
            }
            trackers = {
                pid: process
                for pid, process in everybody.items()
                if "multiprocessing.resource_tracker" in _command(process)
            }
            others = [process for pid, process in everybody.items() if pid not in trackers]
            if not others:
                break
            _kill(others)
            _wait_gone(others, 1.0)
        _kill(_wait_gone(trackers.values(), 3.0))
        for kind, name in self.memory():
            _unlink(kind, name)


# ---------------------------------------------------------------------------------- files
def tree(root: Path = PROJECT) -> dict[str, tuple[int, int]]:
    """Return {path: (size, time of change)} of every file below `root`, without caches and environments."""
    files: dict[str, tuple[int, int]] = {}
    pending = [str(root)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name in UNWATCHED or entry.name.endswith((".egg-info", ".pyc")):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                status = entry.stat(follow_symlinks=False)
                files[entry.path] = (status.st_size, status.st_mtime_ns)
    return files


def changed_files(before: Mapping[str, tuple[int, int]], root: Path = PROJECT) -> list[Leftover]:
    """Return the files that are new, different or gone since `before`."""
    after = tree(root)
    told = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            how = "is new" if path not in before else "is gone" if path not in after else "was changed"
            told.append(Leftover("file", f"file {path} {after.get(path)}", f"{path} {how}"))
    return told


# ---------------------------------------------------------------------------------- the gate
def report(leftovers: Iterable[Leftover], of: str) -> str:
    """Return the message of a closed gate."""
    return "\n".join([f"{of} left behind:", *(f"  {leftover}" for leftover in leftovers)])


def wait_for_nothing(family: Family, known: Iterable[str] = (), limit: float = GRACE) -> list[Leftover]:
    """Return what is left beside the `known` keys once nothing is, or when the limit has passed."""
    known = set(known)
    deadline = time.monotonic() + limit
    collected = False
    while True:
        left = [leftover for leftover in family.left() if leftover.key not in known]
        if not left or time.monotonic() > deadline:
            return left
        if not collected and family.root == os.getpid():
            gc.collect()  # named memory in a reference cycle is not left, it is late
            collected = True
        time.sleep(0.05)


@contextlib.contextmanager
def own_family() -> Iterator[Family]:
    """Make this process the root of a family of its own: what it starts from now on bears the mark."""
    kept = {name: os.environ.get(name) for name in (MARK, RECORDS, "PYTHONPATH")}
    outer = os.environ.get(MARK, "")
    with contextlib.ExitStack() as stack:
        records = Path(tempfile.mkdtemp(prefix="gate-"))
        stack.callback(shutil.rmtree, records, ignore_errors=True)
        family = Family(f"{outer}/{uuid.uuid4().hex[:8]}", os.getpid(), records)
        os.environ.update(family.environment())
        stack.callback(_restore, kept)
        recorder = _recorder()
        stack.callback(setattr, recorder, "_records", recorder._records)
        recorder._records = str(records)
        yield family


def _restore(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _recorder() -> Any:
    """Return the module through which this very process writes down what it makes."""
    recorder = sys.modules.get("sitecustomize")
    if recorder is None or getattr(recorder, "__file__", None) != str(STARTUP / "sitecustomize.py"):
        from tests.gate.startup import sitecustomize as recorder
    return recorder


@contextlib.contextmanager
def nothing_left(of: str = "this block", files: bool = False, grace: float = GRACE) -> Iterator[Family]:
    """Raise `LeftBehindError` when something that the block started, shared or wrote is there after it.

    Processes may take `grace` seconds to leave; they and named memory are put away, files stay.
    With `files=True` the project's files are watched, too.
    """
    before = tree() if files else {}
    with own_family() as family:
        known = {leftover.key for leftover in family.left()}
        yield family
        left = wait_for_nothing(family, known, grace)
        family.clean_up(left)
        left += changed_files(before) if files else []
        if left:
            raise LeftBehindError(report(left, of))
