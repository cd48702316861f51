"""The child's side of `leftovers`: run a line of Python, look at what it leaves, say so, tidy up.

Every function here runs in the main process of a program of its own; its last words are a line of JSON.
"""

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.pool import Pool as PoolType
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from helpers.processes.roles import below
from helpers.workers.rendezvous import stay

SAID = "\x1fsaid\x1f"  # what a program says to the notebook begins so, whatever else it prints
STEADY = 0.3  # seconds without a change after which the processes have settled
STEADY_UNKNOWN = 2.0  # the same where nothing is known of the line: workers end slowly on a busy machine
PATIENCE = 8.0  # seconds that they have to settle


def words() -> dict[str, Any]:
    """Return the names that a line may use."""
    import parmap

    return {
        "Pool": multiprocessing.Pool,
        "Process": multiprocessing.Process,
        "ProcessPoolExecutor": ProcessPoolExecutor,
        "parmap": parmap,
        "sleep": time.sleep,
        "stay": stay,
        "ignore_ctrl_c": partial(signal.signal, signal.SIGINT, signal.SIG_IGN),
        "die": partial(os.kill, os.getpid(), 9),  # no time to clean up; Windows ends a process so, too
    }


def say(what: object) -> None:
    """Print a line that the notebook's side finds."""
    print(f"\n{SAID}{json.dumps(what)}", flush=True)


def _in_words(kinds: Counter[str]) -> str:
    parts = [f"{kinds['alive']} alive"] * bool(kinds["alive"])
    parts += [f"{kinds['zombie']} zombie{'s' * (kinds['zombie'] > 1)}"] * bool(kinds["zombie"])
    return ", ".join(parts) or "nothing"


def settled(expected: str | None) -> str:
    """Return what there is once it has stopped changing, and is as expected or will not come to be."""
    deadline = time.monotonic() + PATIENCE
    steady = STEADY_UNKNOWN if expected is None else STEADY
    seen, since = _in_words(below()), time.monotonic()
    while time.monotonic() < deadline:
        if time.monotonic() - since > steady and (expected is None or seen in expected.split(" or ")):
            break
        time.sleep(0.02)
        if (now := _in_words(below())) != seen:
            seen, since = now, time.monotonic()
    return seen


def stays(lines: Iterable[str], expected: dict[str, str], method: str) -> None:
    """Say for each line what it leaves while the program that ran it lives on."""
    multiprocessing.set_start_method(method)
    for line in lines:
        namespace = words()
        error = _run(line, namespace)
        say([line, settled(expected.get(line))])
        del error
        namespace.clear()
        _tidy()
    _leave()


def outlives(line: str) -> None:
    """Run the line; what it leaves is looked at from outside, after this program has ended."""
    exec(line, words())


def is_told(line: str, expected: str | None, folder: str) -> None:
    """Run the line until something ends it from outside; say what it raised and what it left."""
    if hasattr(signal, "SIGINT"):  # a program that was started in the background ignores it
        signal.signal(signal.SIGINT, partial(_heard, Path(folder, "heard"), os.getpid()))
    os.environ["HELPERS_TRIAL"] = folder
    Path(folder, "pid").write_text(str(os.getpid()))
    error = _run(line, namespace := words())  # the names and the error stay, as they do in a notebook
    Path(folder, "back").touch()
    say([type(error).__name__ if error else "a result", settled(expected)])
    namespace.clear()
    _leave()


def _heard(mark: Path, main: int, number: int, frame: FrameType | None) -> None:
    """Do what Python does with SIGINT; the main process notes first that it has heard it."""
    if os.getpid() == main:
        mark.touch()
    signal.default_int_handler(number, frame)


def restarts(line: str) -> None:
    """Say how many processes that the line started in a kernel are alive when the kernel was restarted."""
    from jupyter_client.manager import start_new_kernel

    # A restart kills resource trackers, too, and semaphores with names would stay; under fork they have none.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    setup = f"from multiprocessing import Pool, set_start_method; set_start_method({method!r})"
    manager: Any
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute(f"{setup}\n{line}", reply=True, timeout=PATIENCE)
        before = psutil.Process(manager.provisioner.pid).children(recursive=True)
        if not before:
            raise RuntimeError(f"the line {line!r} started no process in the kernel")
        manager.restart_kernel(now=False)
        _, left = psutil.wait_procs(before, PATIENCE)
        say([f"{len(left)} alive" if left else "nothing"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _run(line: str, namespace: dict[str, Any]) -> BaseException | None:
    """Return what the line raised, with its traceback, as a notebook keeps it."""
    try:
        exec(line, namespace)
    except BaseException as error:
        return error
    return None


def _tidy() -> None:
    """Nothing of an earlier line is left."""
    gc.collect()
    for pool in [one for one in gc.get_objects() if isinstance(one, PoolType)]:
        with contextlib.suppress(Exception):  # one that was never made
            pool.terminate()
    for child in multiprocessing.active_children():
        child.kill()
        child.join(PATIENCE)


def _leave() -> None:
    sys.stdout.flush()
    os._exit(0)  # an ordinary end would wait for what a line left
