"""The exercises of 02: say who you are, end only the process you mean, paint the portrait of a process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import current_process
from typing import Any

import psutil

from helpers.exercises.judging.registry import NotYet, exercise
from helpers.waiting import wait_until

_LIMIT = 30  # seconds that a program of these exercises lives at most, whatever becomes of its judge
_SLEEP = f"import time; time.sleep({_LIMIT})"
# `os.stat` enters the kernel on every system; random bytes, often used for this, need not. Where the system
# counts so coarsely that the time does not come together, the model goes on with what it has.
_WORK = f"""\
import os, subprocess, sys, time
subprocess.run([sys.executable, "-c", "sum(range(2_000_000))"])  # whose CPU time is not the parent's
block = b"x" * 20_000_000
end = time.monotonic() + 4
while os.times().user < 0.05 and time.monotonic() < end: sum(range(10_000))
while os.times().system < 0.05 and time.monotonic() < end: os.stat(".")
print("ready", flush=True)
time.sleep({_LIMIT})
"""


@exercise("who-am-i")
def judge_who_am_i(answer: tuple[object, object, object]) -> str:
    """Expect the name, the PID and the parent's PID of the process that judges."""
    name, pid, parent_pid = answer
    if name != current_process().name:
        raise NotYet(
            f"the name is {name!r}, but this process has another: ask `current_process()` for its `name`"
        )
    if pid == os.getppid() and parent_pid == os.getpid():
        raise NotYet("the two numbers are exchanged: `getpid` is the process itself, `getppid` its parent")
    _refuse_number("pid", pid, os.getpid(), "`current_process()` or `os.getpid()`")
    _refuse_number("parent_pid", parent_pid, os.getppid(), "`os.getppid()`")
    return "this is the name, the number and the parent of the process that runs your cells"


@exercise("end", in_child=True)
def judge_end(end: Callable[[int, float], object]) -> str:
    """Expect a function that ends a process only if PID and birth fit, waits, and says whether it did."""
    with _program(_SLEEP) as (program, victim):
        born = victim.create_time()
        said = end(victim.pid, born - 100)
        if _ends(program, limit=0.3):
            raise NotYet(
                "it ended a stranger, who has the PID but not the birth: compare `create_time()` with `born`"
            )
        _refuse_answer(said, False, "for a process born at another time")
        _refuse_answer(_end_nobody(end), False, "for a PID that nobody has")
        said = end(victim.pid, born)
        if victim.is_running():
            late = _ends(program, limit=2)
            raise NotYet(
                "it returned before the process was gone: call `wait(10)` after `terminate()`"
                if late
                else "PID and time of birth were right, and the process still runs: end it with `terminate()`"
            )
        _refuse_answer(said, True, "for the right process")
    return "the right process has ended, and strangers are safe"


@exercise("portrait", in_child=True)
def judge_portrait(portrait: Callable[[int], dict[str, Any] | None]) -> str:
    """Expect a function that describes any living process, and says None for a dead one."""
    with _program(_WORK) as (program, model):
        assert program.stdout is not None
        program.stdout.readline()
        _step_back(model)
        model.suspend()  # a stopped process keeps still: its memory and its CPU time do not change
        wait_until(lambda: model.status() == psutil.STATUS_STOPPED, what="the stop of the model")
        _compare(portrait(model.pid), model)
        model.resume()
        wait_until(lambda: model.status() != psutil.STATUS_STOPPED, what="the resumption of the model")
        again = portrait(model.pid)
        if not again or again["state"] == psutil.STATUS_STOPPED:
            raise NotYet("the process goes on, and `state` is still 'stopped': ask for it at each call")
    _refuse_portrait_of_the_dead(portrait)
    return "it is a good likeness, of a process at work as of one that is stopped"


def _step_back(process: psutil.Process) -> None:
    """Give a process another nice value (Windows: priority class) than the one it was started with."""
    if sys.platform == "win32":
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        process.nice(min(19, process.nice() + 5))


def _refuse_number(what: str, number: object, right: int, source: str) -> None:
    if number is None:
        raise NotYet(f"`{what}` is None: `parent_process()` does not know the kernel's parent; ask {source}")
    if callable(number):
        raise NotYet(f"`{what}` is a function: call it, with parentheses behind its name")
    if type(number) is not int:
        raise NotYet(f"`{what}` is {number!r}, a {type(number).__name__}: a PID is a number; ask {source}")
    if number != right:
        raise NotYet(f"`{what}` is {number}, which is not true here: do not type the number, ask {source}")


def _refuse_answer(said: object, right: bool, case: str) -> None:
    if said is not right:
        raise NotYet(f"{case} it returned {said!r}, expected {right}")


def _end_nobody(end: Callable[[int, float], object]) -> object:
    """Return what the answer says about a process that has ended and was waited for."""
    with _program("pass") as (program, gone):
        pid, born = gone.pid, gone.create_time()
        program.wait(_LIMIT)
        try:
            return end(pid, born)
        except psutil.NoSuchProcess:
            raise NotYet(
                "for a PID that nobody has it raised NoSuchProcess: catch it, return False"
            ) from None


def _compare(painted: Any, model: psutil.Process) -> None:
    """Raise NotYet unless the portrait is like the model, which is stopped."""
    user, system, *_ = model.cpu_times()
    right: dict[str, Any] = {
        "name": model.name(),
        "parent": model.ppid(),
        "state": model.status(),
        "nice": model.nice(),
        "megabytes": model.memory_info().rss / 1_000_000,
        "cpu_seconds": user + system,
    }
    if not isinstance(painted, dict):
        raise NotYet(f"for a living process it returned {painted!r}, expected a dictionary")
    if set(painted) != set(right):
        raise NotYet(f"its keys are {', '.join(map(str, painted))}; expected {', '.join(right)}")
    advice = {
        "name": "ask `psutil.Process(pid)`, not yourself",
        "parent": "ask `ppid()` of that process, not `os.getppid()`",
        "state": "`status()` tells it",
        "nice": "ask `nice()` of that process, without an argument",
        "megabytes": "divide `memory_info().rss` by 1 000 000",
        "cpu_seconds": "add user and system, the first two fields of `cpu_times()`",
    }
    for key, value in right.items():
        if callable(painted[key]):
            raise NotYet(f"`{key}` is a function: call it, with parentheses behind its name")
        # Of megabytes whole ones will do.
        close = 1 if key == "megabytes" else 0.005 if key == "cpu_seconds" else 0
        same = abs(painted[key] - value) <= close if close else painted[key] == value
        if not same:
            raise NotYet(f"`{key}` is {painted[key]!r} where {value!r} is right: {advice[key]}")


def _refuse_portrait_of_the_dead(portrait: Callable[[int], dict[str, Any] | None]) -> None:
    """Raise NotYet unless the answer is None for a zombie (where there are any) and for an ended process."""
    with _program("pass") as (program, dead):
        for who, collect in [("a zombie", False), ("a PID that nobody has", True)]:
            if collect:
                program.wait(_LIMIT)
            elif not _becomes_zombie(dead):
                continue
            try:
                painted = portrait(dead.pid)
            except psutil.NoSuchProcess as error:  # also ZombieProcess
                raise NotYet(f"for {who} it raised {type(error).__name__}: catch it, return None") from None
            if painted is not None:
                raise NotYet(f"for {who} it returned {painted!r}, expected None")


def _becomes_zombie(process: psutil.Process) -> bool:
    """Wait until a process has ended that nobody waits for, and return whether it is a zombie."""

    def ended() -> bool:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE

    wait_until(ended, what="the end of a short program")
    return process.is_running()


def _ends(program: "subprocess.Popen[str]", limit: float) -> bool:
    """Return whether the program ends within `limit` seconds."""
    try:
        program.wait(limit)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _program(source: str) -> Iterator[tuple["subprocess.Popen[str]", psutil.Process]]:
    """Yield a program and how psutil sees it; it has ended, and was waited for, when the block ends."""
    program = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    with program:
        try:
            yield program, psutil.Process(program.pid)
        finally:
            program.kill()
