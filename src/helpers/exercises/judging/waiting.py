"""Notice an answer that waits for what never comes, long before its time is over, and say what it waits for.

A timer of the system's interrupts the answer a few times a second and looks where it stands; no thread, since
answers fork.  Where there is no such timer (Windows), the limit of the exercise ends the wait.
"""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.dummy import DummyProcess
from types import FrameType
from typing import Any, NamedTuple

from helpers.workers.rendezvous import HELD, mark_there

EVERY = 0.25  # seconds between looks
ALONE = 1.0  # seconds of waiting, with nobody left who could end it, before it is called endless
QUIET = 3.0  # the same while processes are there, but none of them does anything
_ACTIVE = 0.005  # seconds of CPU time between two looks, from which on somebody is at work
_patience = [QUIET]
_folders: list[str] = []  # with marks that tasks wait for


class Wait(NamedTuple):
    """A call of the library that waits, and the line of the answer that called it."""

    module: str
    function: str
    line: int


@contextmanager
def holding(folder: str) -> Iterator[None]:
    """In this block, whoever waits for a mark in the folder is at work: that wait has a limit of its own."""
    _folders.append(folder)
    try:
        yield
    finally:
        _folders.remove(folder)


@contextmanager
def quiet(seconds: float) -> Iterator[None]:
    """In this block processes may be quiet for so long: tasks sleep."""
    _patience.append(max(_patience[-1], seconds + QUIET))  # a busy machine ends the longest wait late
    try:
        yield
    finally:
        _patience.pop()


def notice_endless_waits(file: str, say: Callable[[str], object]) -> None:
    """From now on `say` gets a sentence when the code in `file` waits for what never comes."""
    if not hasattr(signal, "setitimer"):
        return
    seen = _Seen()

    def look(_: int, frame: FrameType | None) -> None:
        wait = find_wait(_frames(frame), file)
        sentence = seen.add(wait)
        if sentence:
            say(sentence)
        signal.setitimer(signal.ITIMER_REAL, EVERY)  # from now: on a busy machine a look may outlast EVERY

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, EVERY)


def stop_looking() -> None:
    """No more looks."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


class _Seen:
    """What the looks of one wait have seen."""

    def __init__(self) -> None:
        self._wait: Wait | None = None
        self._quiet = 0  # looks in a row, before each of which the answer had time to go on, and did not
        self._own = 0.0
        self._times: dict[int, float] = {}

    def add(self, wait: Wait | None) -> str:
        """Return what is wrong with a wait that goes on too long, nothing for any other."""
        own = time.process_time()
        if wait is None or wait != self._wait:
            self._wait, self._quiet = wait, 0
            self._own = time.process_time()
            return ""
        times, busy, stopped = _others()
        held = not stopped and _someone_is_held(times)
        active = busy or held or times != self._times or own - self._own > _ACTIVE
        self._quiet = 0 if active else self._quiet + 1
        self._times = times
        self._own = time.process_time()  # without what looking costs
        lasted = self._quiet * EVERY
        if stopped and lasted > ALONE:
            return "a process is stopped, as SIGSTOP does it, and nobody lets it go on: look for `os.kill`"
        alone = not times and not _threads_work()
        if lasted > (ALONE if alone else _patience[-1]):
            return why_endless(wait, alone)
        return ""


def _frames(frame: FrameType | None) -> Iterator[tuple[str, int, str]]:
    """Yield file, line and function, the innermost first."""
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back


def find_wait(frames: Iterable[tuple[str, int, str]], file: str) -> Wait | None:
    """Return which call in `file` waits, None when nothing of multiprocessing's or the executor's does.

    `frames` are file, line and function, the innermost first.
    """
    called = ("", "")
    for name, line, function in frames:
        if re.split(r"[/\\]", name)[-1] == re.split(r"[/\\]", file)[-1]:
            return Wait(*called, line) if called in _WAITS else None
        called = (re.split(r"[/\\]", name)[-1].removesuffix(".py"), function)
    return None


_WAITS = {
    ("connection", "recv"), ("connection", "recv_bytes"), ("connection", "poll"), ("connection", "wait"),
    ("process", "join"), ("pool", "join"), ("pool", "get"), ("pool", "wait"), ("pool", "map"),
    ("pool", "starmap"), ("pool", "apply"), ("pool", "next"), ("queues", "get"), ("_base", "result"),
    ("parmap", "map"), ("parmap", "starmap"), ("parmap", "get"), ("_base", "__exit__"),
}  # fmt: skip


def why_endless(wait: Wait, alone: bool) -> str:
    """Return what a wait waits for, and what to do; `alone` when no child and no thread is left."""
    start = f"line {wait.line} waits in `{wait.function}()`"
    if wait.module == "connection" and alone:
        return (
            f"{start}, and no child is left that could send: close the parent's own `sender` after "
            "`start()`, and the end of a child ends the wait with an EOFError"
        )
    if wait.function == "__exit__":
        return (
            f"the end of the `with` of line {wait.line} waits until the last task has ended, and one never "
            "does: an executor's `with` ends no worker, a pool's does"
        )
    if wait.module == "process":
        return (
            f"{start} for a child that waits as well: what is too large for a pipe is sent only while "
            "somebody receives it, so call `recv()` or `get()` first, then `join()`"
        )
    if wait.function == "join":
        return (
            f"{start} until the last task has ended, and one never does: take the answers with a time limit, "
            "and let `with` or `terminate()` end the pool"
        )
    if wait.module in ("pool", "parmap") and alone:
        return (
            f"{start}, but the pool has ended: take the answers inside the `with` block, which ends its pool"
        )
    if wait.module == "queues":
        return (
            f"{start}, and nobody puts anything into that queue any more: count what is sent and what is "
            "taken, `None`s included, and look for a child that failed"
        )
    if wait.function in ("get", "next", "result"):
        return (
            f"{start} for a task that does not end: say how long you wait, as in `{wait.function}(seconds)`"
        )
    return f"{start} for what never comes: nobody who could end the wait does anything"


def _others() -> tuple[dict[int, float], bool, bool]:
    """Return the CPU times of this process's living family, by PID, and whether one is busy, or stopped."""
    import psutil

    from helpers.processes.descendants import descendants
    from helpers.processes.roles import MACHINERY, role

    times: dict[int, float] = {}
    busy = stopped = False
    for process in descendants([psutil.Process()]):
        try:
            state = process.status()
            busy = busy or state in (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)  # a fork server, too
            if state == psutil.STATUS_ZOMBIE or role(process).name in MACHINERY:
                continue
            used: Any = process.cpu_times()
            times[process.pid] = used.user + used.system
            stopped = stopped or state == psutil.STATUS_STOPPED
        except psutil.Error:
            continue
    return times, busy, stopped


def _someone_is_held(living: Iterable[int]) -> bool:
    """Return whether one of these processes waits for a mark."""
    return any(mark_there(folder, f"{HELD}{pid}") for folder in _folders for pid in living)


def _threads_work() -> bool:
    """Return True when threads of this process take tasks: a ThreadPool's, or an executor's."""
    return any(
        isinstance(one, DummyProcess) or one.name.startswith("ThreadPoolExecutor")
        for one in threading.enumerate()
    )
