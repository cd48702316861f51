"""What a process is for, told from its command line and its parent's: the only place that classifies."""

import re
from collections import Counter
from typing import NamedTuple

import psutil

from helpers.processes.descendants import descendants

TRACKER, SERVER = "resource tracker", "fork server"
SCHEDULER, NANNIES, DASK_WORKER = "dask scheduler", "dask worker command", "dask worker"
DASK = (SCHEDULER, NANNIES, DASK_WORKER)
MACHINERY = (TRACKER, SERVER)
"""Roles of processes that multiprocessing starts for itself; which ones depends on the start method."""


# As `dask worker`, `-m dask worker`, `-m distributed.cli.dask_worker` or, of old, `dask-worker`.
_DASK_SCHEDULER = re.compile(r"\bdask(?:/__main__\.py)?[ _-]scheduler\b")
_DASK_WORKER = re.compile(r"\bdask(?:/__main__\.py)?[ _-]worker\b")


class Role(NamedTuple):
    """One of resource tracker, fork server, process (a Process or a pool's worker), program, and dask's own.

    Those are dask scheduler, dask worker command (which holds the nannies), dask worker (below its nanny).
    `method` is a process's start method, empty for all others.
    """

    name: str
    method: str = ""

    def __str__(self) -> str:
        """Return it as part of a sentence."""
        return f"a Process or Pool worker under {self.method}" if self.method else f"a {self.name}"


def classify(line: str, above: str) -> Role:
    """Return the role of a process with this command line, below one with the command line `above`."""
    if "multiprocessing.resource_tracker import main" in line:
        return Role(TRACKER)
    if "multiprocessing.forkserver import main" in line:
        return Role("process", "forkserver") if line == above else Role(SERVER)
    if _DASK_SCHEDULER.search(line):
        return Role(SCHEDULER)
    if _DASK_WORKER.search(line):
        return Role(NANNIES)
    if _DASK_WORKER.search(above) and "--multiprocessing-fork" in line:
        return Role(DASK_WORKER)
    if "--multiprocessing-fork" in line:
        return Role("process", "fork" if line == above else "spawn")
    return Role("process", "fork") if line and line == above else Role("program")


def command(process: psutil.Process | None) -> str:
    """Return the command line, nothing where the system does not tell it: of a zombie, for one."""
    try:
        return " ".join(process.cmdline()) if process else ""
    except (psutil.Error, OSError):
        return ""


def role(process: psutil.Process) -> Role:
    """Return what a process is for."""
    try:
        return classify(command(process), command(process.parent()))
    except psutil.Error:
        return classify(command(process), "")


def is_zombie(process: psutil.Process) -> bool:
    """Return True for one that has ended and waits to be joined; False, too, for one that is gone."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.ZombieProcess:
        return True
    except psutil.Error:
        return False


def is_alive(process: psutil.Process) -> bool:
    """Return True while this very process runs: a zombie does not, nor does a later one with its PID."""
    try:
        return process.is_running() and not is_zombie(process)
    except psutil.Error:
        return False


def below(pid: int | None = None) -> Counter[str]:
    """Return how many processes below `pid` are "alive", and how many each a "zombie"; looking reaps none.

    The resource tracker and the fork server do not count. Raises psutil.NoSuchProcess.
    """
    kinds: Counter[str] = Counter()
    for process in descendants([psutil.Process(pid)]):
        if is_zombie(process):
            kinds["zombie"] += 1
        elif role(process).name not in MACHINERY and is_alive(process):
            kinds["alive"] += 1
    return kinds
