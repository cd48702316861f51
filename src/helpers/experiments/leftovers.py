"""Measure what stays behind: lines of Python, each tried in a program of its own that is ended afterwards.

A line may use Pool, Process, ProcessPoolExecutor, parmap, sleep, stay (a task that goes on until it is told),
ignore_ctrl_c and die (which ends the program as if the system had killed it).
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.processes.folders import own_folder
from helpers.programs.program import Outcome, run_program
from helpers.programs.start_methods import methods
from helpers.views.table import Table
from helpers.waiting import wait_until

WAIT = 4.0  # seconds that a line gets to come back after it was interrupted, or after a worker was killed
SETTLED = 0.3  # seconds that all tasks have been under way before anything happens to them
UNHEARD = 2.0  # seconds after which an interrupt that Python has not heard is sent once more
START = 20.0  # seconds that its tasks get to start
WINDOWS = sys.platform == "win32"

# What is known to stay after the lines of the notebook.
_AFTER = {
    "pool = Pool(2)": "2 alive",
    "pool = Pool(2); del pool": "nothing",
    "pool = Pool(2); pool.close()": "2 zombies",
    "pool = Pool(2); pool.close(); pool.join()": "nothing",
    "with Pool(2) as pool: pool.map(abs, [1])": "nothing",
    "pool = Pool(2); pool.map(int, ['x']); pool.close()": "2 alive",
    "parmap.map(abs, [1, 2], pm_processes=2)": "nothing",
    "child = Process(target=abs, args=(1,)); child.start()": "1 zombie",
}
_AFTER_STOP = {
    "with Pool(2) as pool: pool.map(stay, range(4))": ("yes", "nothing"),
    "pool = Pool(2); pool.map(stay, range(4))": ("yes", "2 alive"),
    # A child that dies before join() hears of the interrupt has been reaped by join() already.
    "child = Process(target=stay); child.start(); child.join()": ("yes", "1 zombie or nothing"),
    "with ProcessPoolExecutor(2) as pool: list(pool.map(stay, range(4)))": ("no", "-"),
    "parmap.map(stay, range(4), pm_processes=2)": ("yes", "nothing"),
    "parmap.map(stay, range(4), pm_processes=2, pm_pbar=True)": ("no", "-"),
}
_ENGINES = {
    "Pool": "with Pool(2) as pool: pool.map(stay, range(4))",
    "parmap": "parmap.map(stay, range(4), pm_processes=2)",
    "executor": "with ProcessPoolExecutor(2) as pool: list(pool.map(stay, range(4)))",
}


def known(facts: Mapping[str, str], method: str) -> dict[str, str]:
    """Return the facts as they are under a start method: a fork server reaps, and Windows has no zombies."""
    reaped = method == "forkserver" or WINDOWS
    return {line: "nothing" if reaped and "zombie" in fact else fact for line, fact in facts.items()}


def _fits(seen: Sequence[str], known: Sequence[str]) -> bool:
    """Return whether each fact is what is known, or one of what may be: "1 zombie or nothing"."""
    return all(fact in facts.split(" or ") for fact, facts in zip(seen, known, strict=True))


@dataclass(frozen=True)
class Leftovers:
    """What was seen of each line: the line, then one fact per column; and what is known of it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    expected: Mapping[str, tuple[str, ...]]

    def table(self) -> Table:
        """Return what was seen."""
        return Table(self.columns, self.rows, code=self.columns[:1])

    def as_expected(self) -> Table:
        """Return for each line whether all that was seen is what is known; "-" where nothing is known."""
        rows = [
            (line, _fits(seen, self.expected[line]) if line in self.expected else None)
            for line, *seen in self.rows
        ]
        return Table([self.columns[0], "as known for this machine"], rows, code=self.columns[:1])

    def __repr__(self) -> str:
        """Return the table of what was seen."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def what_stays(*lines: str, limit: float = 50.0) -> Leftovers:
    """Return what is left after each line, while its program lives on, under every start method there is."""
    tried = methods()
    expected = [known(_AFTER, method) for method in tried]

    def measure(number: int) -> dict[str, str]:
        return dict(_said(_program("stays", lines, expected[number], tried[number], limit=limit)))

    seen = _at_once(measure, range(len(tried)))
    rows = [(line, *(facts.get(line, "not seen") for facts in seen)) for line in lines]
    truth = {line: tuple(facts[line] for facts in expected) for line in _AFTER}
    return Leftovers(("after", *tried), tuple(rows), truth)


def what_outlives(*lines: str, restarted: str = "", limit: float = 30.0) -> Table:
    """Return whether processes are left of each line when its program has ended.

    The line `restarted` runs in a Jupyter kernel, which is restarted: the last row tells what is left then.
    """

    def measure(line: str) -> str:
        return "orphans" if _program("outlives", line, limit=limit).left_running else "nothing"

    def restart(line: str) -> str:
        ((left,),) = _said(_program("restarts", line, limit=limit))
        return str(left)

    jobs = [(restart, restarted)] * bool(restarted) + [
        (measure, line) for line in lines
    ]  # the slow one first
    left = _at_once(lambda job: job[0](job[1]), jobs)
    kernel = [(f"{restarted} (kernel restarted)", left.pop(0))] if restarted else []
    rows = [*zip(lines, left, strict=True), *kernel]
    return Table(["the program", "left when it has ended"], rows, code=["the program"])


def press_stop(*lines: str) -> Leftovers:
    """Return whether each line comes back after the Stop button, and what is left then.

    As Jupyter does, SIGINT goes to the whole group of processes while tasks are under way. Windows has no
    such signal: there nothing is tried, and the table says so.
    """
    columns = ("Stop, in", "comes back", "left behind")
    if WINDOWS:
        untried = dict.fromkeys(lines, ("not tried", "-"))
        return Leftovers(columns, tuple((line, *facts) for line, facts in untried.items()), untried)
    left_here = known({line: left for line, (_, left) in _AFTER_STOP.items()}, _method())
    expected = {line: (back, left_here[line]) for line, (back, _) in _AFTER_STOP.items()}

    def press(folder: Path, pid: int) -> None:
        os.killpg(pid, signal.SIGINT)
        # Python may lose a signal that comes just when its main thread goes to sleep: its handler never runs.
        # Of 2000 presses on a busy machine 31 were lost so. A reader presses again, and so do we.
        for _ in range(3):
            with suppress(TimeoutError):
                wait_until((folder / "heard").exists, UNHEARD, "the interrupt")
                break
            os.kill(pid, signal.SIGINT)

    def measure(line: str) -> tuple[str, str]:
        raised, left = _told(line, left_here.get(line), press)
        return ("yes", left) if raised else ("no", "-")

    facts = _at_once(measure, lines)
    return Leftovers(columns, tuple((line, *seen) for line, seen in zip(lines, facts, strict=True)), expected)


def kill_a_worker(*engines: str) -> Table:
    """Return what you hear when one of two workers is killed in the middle of its task.

    The engines are "Pool", "parmap" and "executor".
    """

    def kill(folder: Path, pid: int) -> None:
        import psutil

        first = min(folder.glob("inside-*"), key=lambda file: file.stat().st_mtime)
        psutil.Process(int(first.name.removeprefix("inside-"))).kill()
        (folder / "go").touch()  # the other tasks may come to their end

    def measure(line: str) -> str:
        raised, _ = _told(line, None, kill)
        return raised or "nothing: it waits for ever"

    lines = [_ENGINES[engine] for engine in engines]
    rows = zip(lines, _at_once(measure, lines), strict=True)
    return Table(["a worker is killed in", "you hear"], rows, code=["a worker is killed in"])


def _told(line: str, expected: str | None, act: Callable[[Path, int], None]) -> tuple[str, str]:
    """Return what the line raised and what it left after `act`, two empty words when it did not come back.

    `act` gets the trial's folder and the program's PID when all tasks are under way.
    """
    with own_folder("trial") as folder:
        actor = threading.Thread(target=_act_and_wait, args=(folder, act))
        actor.start()
        outcome = _program("is_told", line, expected, str(folder), limit=START + 3 * WAIT)
        (folder / "over").touch()
        actor.join()
        if (folder / "hangs").exists():
            return "", ""
        ((raised, left),) = _said(outcome)
        return raised, left


def _act_and_wait(folder: Path, act: Callable[[Path, int], None]) -> None:
    """Act when every worker is inside a task; end a program that has not come back after that."""
    import psutil

    from helpers.processes.roles import below

    since = 0.0  # when all were first seen inside

    def all_inside() -> bool:
        nonlocal since
        if (folder / "over").exists():
            return True
        inside = len(list(folder.glob("inside-*")))
        with suppress(OSError, ValueError, psutil.Error):
            if inside and inside == below(int((folder / "pid").read_text()))["alive"]:
                since = since or time.monotonic()
                # A signal that comes when Python is about to wait, but does not yet, is not heard.
                return time.monotonic() - since > SETTLED
        since = 0.0
        return False

    with suppress(TimeoutError, psutil.Error, OSError):
        wait_until(all_inside, START, "the start of the tasks")
        pid = int((folder / "pid").read_text())
        act(folder, pid)
        try:
            wait_until((folder / "back").exists, WAIT, "the end of the line")
        except TimeoutError:
            (folder / "hangs").touch()
            psutil.Process(pid).kill()


def _program(function: str, *arguments: Any, limit: float) -> Outcome:
    """Return the Outcome of a program that calls a function of helpers.experiments.leftovers_program."""
    lines = [
        'if __name__ == "__main__":',
        "    from helpers.experiments import leftovers_program",
        f"    leftovers_program.{function}(*{arguments!r})",
    ]
    try:
        return run_program("\n".join(lines) + "\n", limit=limit, name="trial.py")
    except BlockingIOError as error:
        raise RuntimeError(
            f"no further process can be started ({error.strerror}): end some of yours, or raise the limit "
            "(`ulimit -u`)"
        ) from None


def _said(outcome: Outcome) -> list[Any]:
    """Return what the program said; RuntimeError with its last words when it said nothing."""
    from helpers.experiments.leftovers_program import SAID

    said = [
        json.loads(line.removeprefix(SAID)) for line in outcome.stdout.splitlines() if line.startswith(SAID)
    ]
    if not said:
        raise RuntimeError(f"the trial said nothing: {outcome!r}")
    return said


def _at_once(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Return [function(item) for item in items]; six programs run at a time."""
    with ThreadPoolExecutor(6) as executor:
        return list(executor.map(function, items))


def _method() -> str:
    """Return the start method that a program of this interpreter has, without choosing it for this one."""
    default: Any = multiprocessing.get_start_method(allow_none=True)
    return default or multiprocessing.get_all_start_methods()[0]
