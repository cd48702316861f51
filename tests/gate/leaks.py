"""What a family of processes left behind: found, described, and put away.

A family is known by a mark in its environment, inside that of whoever started it: a pytest process's family
holds those of its kernels and of the pytests that its tests start. Only marked processes and descendants are
ever touched.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from helpers.processes.descendants import MARK, descendants, marked, new_mark
from helpers.processes.ending import end
from helpers.processes.roles import MACHINERY, command, is_alive, is_zombie, role

RECORDS, METHOD = "GATE_RECORDS", "GATE_START_METHOD"
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
def _wait_gone(processes: Iterable[psutil.Process], limit: float) -> None:
    deadline = time.monotonic() + limit
    while any(map(is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)


# ---------------------------------------------------------------------------------- named memory
def _where(kind: str, name: str) -> Path:
    return SHM / (("sem." if kind == "semaphore" else "") + name.lstrip("/"))


def _runs(pid: int) -> bool:
    """Return whether a process has this PID and runs: the zombie of an orphan waits for the system's init."""
    try:
        return is_alive(psutil.Process(pid))
    except psutil.Error:
        return False


def _unlink(kind: str, name: str) -> None:
    with contextlib.suppress(OSError, ImportError, AttributeError):
        if kind == "semaphore":
            importlib.import_module("_multiprocessing").sem_unlink(name)
        else:
            importlib.import_module("_posixshmem").shm_unlink(name)


class Marked:
    """All processes below `root` or with `mark` in their environment, and the named memory that they made."""

    def __init__(self, mark: str, root: int, records: Path) -> None:
        """Know a family by its mark, the PID of its root, and the folder where it writes what it makes."""
        self.mark, self.records = mark, records
        self.root = root
        self.trackers_last = False  # whether somebody looks again when the root, and its tracker, have ended
        self.names: Mapping[int, str] = {}  # names of Process objects by PID, where the root told them

    @property
    def root(self) -> int:
        """The PID of the process that all others come from, 0 before it was started."""
        return self._root.pid if self._root else 0

    @root.setter
    def root(self, pid: int) -> None:
        self._root = psutil.Process(pid) if pid else None  # it remembers the birth, too

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
        away = [process for process in marked(self.mark) if process.pid != self.root]
        return list({*descendants([*filter(None, [self._root]), *away]), *away})

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
                if is_zombie(process):
                    if parent and parent.pid != 1:
                        yield Leftover(
                            "zombie", key, f"pid {process.pid}{name}, {above}: ended, never joined"
                        )
                    continue
                if self._serves_the_root(process):
                    continue
                how = role(process)
                text = (
                    f"pid {process.pid}{name} ({process.status()}), {how}, {above}: {command(process)[:200]}"
                )
                yield Leftover("process", key, text)
            except psutil.Error:
                continue  # gone while we looked

    def _serves_the_root(self, process: psutil.Process) -> bool:
        """Return whether this is the root's own resource tracker or fork server, which leaves with it."""
        try:
            return process.ppid() == self.root and role(process).name in MACHINERY
        except psutil.Error:
            return False

    def _left_memory(self) -> Iterator[Leftover]:
        for (kind, name), (pid, who) in self.memory().items():
            # A semaphore lives as long as its object in the process that made it; of one that was killed, the
            # resource tracker unlinks it, with the last process that uses that tracker: often the root.
            if kind == "semaphore" and (_runs(pid) or (self.trackers_last and _runs(self.root))):
                continue
            yield Leftover(kind, f"{kind} {name}", f"{name}, made by {who} (pid {pid}), never unlinked")

    def clean_up(self, leftovers: Iterable[Leftover]) -> None:
        """Put away these leftovers of a family that lives on; files stay: a human might have made them."""
        keys = {leftover.key for leftover in leftovers}
        if not keys:
            return  # as after nearly every test: a look at all processes costs milliseconds
        doomed = [process for process in self.processes() if f"process {process.pid}" in keys]
        end(lambda: doomed)
        for process in doomed if hasattr(os, "WNOHANG") else ():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        for kind, name in self.memory():
            if f"{kind} {name}" in keys:
                _unlink(kind, name)

    def end(self) -> None:
        """End the whole family, its root too, and unlink what it made.

        The root goes first, for its pool threads would replace every killed worker. A root that calls this
        itself stays, with its tracker and its fork server, and unlinks its own semaphores as it ends.
        """
        mine = self.root == os.getpid()
        before = self.processes()  # after the root's end, its unmarked children would be nobody's
        if self._root and not mine:
            with contextlib.suppress(psutil.Error):
                self._root.kill()
            _wait_gone([self._root], GRACE)

        def doomed() -> set[psutil.Process]:
            found = {*before, *self.processes()}
            return {one for one in found if not self._serves_the_root(one)} if mine else found

        end(doomed)
        for (kind, name), (pid, _) in self.memory().items():
            if not (mine and kind == "semaphore" and pid == self.root):
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


def wait_for_nothing(family: Marked, known: Iterable[str] = (), limit: float = GRACE) -> list[Leftover]:
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
def own_family() -> Iterator[Marked]:
    """Make this process the root of a family of its own: what it starts from now on bears the mark."""
    kept = {name: os.environ.get(name) for name in (MARK, RECORDS, "PYTHONPATH")}
    with contextlib.ExitStack() as stack:
        records = Path(tempfile.mkdtemp(prefix="gate-"))
        stack.callback(shutil.rmtree, records, ignore_errors=True)
        family = Marked(new_mark(), os.getpid(), records)
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
def nothing_left(of: str = "this block", files: bool = False, grace: float = GRACE) -> Iterator[Marked]:
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
