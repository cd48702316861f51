"""The errors that readers meet take at most twelve lines, and the last one helps; `%tb` shows the rest."""

import json
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

METHODS = [method for method in ("fork", "spawn") if method in multiprocessing.get_all_start_methods()]
MOST = 12
CONFIG = Path(__file__).parent.parent / "jupyter/etc/ipython/ipython_kernel_config.json"
EXTENSIONS = json.loads(CONFIG.read_text(encoding="utf-8"))["InteractiveShellApp"]["extensions"]

FIRST = """\
import os
from multiprocessing import Pool
from helpers import watch
from helpers.workers.naps import nap
from helpers.workers.source import count_definitions
"""
NOT_IMPORTABLE = """\
def shout(file):
    return file.upper()


with Pool(2) as pool:
    watch(pool.map, shout, ["a"])
"""
SYNTAX = """\
%%workers my_workers
def first(x):
    return x


def second(x):
    return (x


def third(x):
    return x
"""
IN_A_WORKER = """\
def work():
    with Pool(2) as pool:
        print("two workers")
        return pool.map(count_definitions, ["nowhere.py"])


work()
"""
STOPPED = {
    "watch": "with Pool(2) as pool:\n    print('ready')\n    watch(pool.map, nap, [60, 60])",
    "live": "with Pool(2) as pool:\n    print('ready')\n    watch(pool.map, nap, [60, 60], live=True)",
    "map": "with Pool(2) as pool:\n    print('ready')\n    pool.map(nap, [60, 60])",
}

UNHEARD = 20  # seconds until a press of Stop is repeated, once: a busy Python may not hear it, says lesson 09

Run = Callable[..., tuple[list[str], str]]


@pytest.fixture(scope="module", params=METHODS)
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Yield a function that runs a cell in a kernel and returns the lines of its error, and its output."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(extra_arguments=["--ext", *EXTENSIONS])  # as an installed course has it
    client = manager.client()
    client.start_channels()

    def cell(source: str, stop: bool = False) -> tuple[list[str], str]:
        sent = client.execute(source)
        error, printed, presses = "", "", 0
        while True:
            try:
                message = client.get_iopub_msg(timeout=UNHEARD if presses == 1 else 60)
            except Empty:
                if presses != 1:
                    pytest.fail(f"this cell did not end: {source}")
                presses += 1
                manager.interrupt_kernel()
                continue
            content: dict[str, Any] = message["content"]
            if message["parent_header"].get("msg_id") != sent:
                continue
            if message["msg_type"] == "error":
                error = "\n".join(content["traceback"])
            elif message["msg_type"] == "stream":
                printed += content["text"]
                if stop and "ready" in content["text"]:
                    time.sleep(1)  # a signal in the moment before Python waits would not be heard
                    presses = 1
                    manager.interrupt_kernel()
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return re.sub(r"\x1b\[[\d;]*m", "", error).splitlines(), printed

    try:
        client.wait_for_ready(60)
        cell(f"__import__('multiprocessing').set_start_method({request.param!r})")
        yield cell
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def test_the_errors_that_readers_meet_are_short_and_end_with_the_sentence_that_helps(run: Run) -> None:
    lines, _ = run("with Pool(2) as pool:\n    watch(pool.map, len, ['a'])")
    assert len(lines) <= MOST
    assert lines[-2:] == [
        "NameError: name 'Pool' is not defined",
        "Nothing is called `Pool` yet: after a restart, run the first cell of the notebook, then those that "
        "this one builds on.",
    ]
    run(FIRST)

    lines, _ = run(NOT_IMPORTABLE)
    assert len(lines) <= MOST
    assert lines[-1].startswith("NotImportable: `shout` is typed in a cell, and a worker process cannot")
    assert any(line.startswith("----> 6     watch(pool.map, shout") for line in lines)

    lines, _ = run(SYNTAX)
    assert len(lines) <= MOST
    assert lines[0].strip() == "File my_workers.py:6"
    assert lines[-2:] == [
        "SyntaxError: '(' was never closed",
        "There is no my_workers now, as this cell could not be run: mend it and run it again.",
    ]

    lines, _ = run(IN_A_WORKER)
    assert len(lines) <= MOST
    assert lines[-1] == "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.py'"
    assert re.search(
        r"^Raised in a worker: line \d+ of source.py, in count_definitions\.$", "\n".join(lines), re.M
    )
    assert any(re.match("----> 4 +return pool.map", line) for line in lines)
    lines, _ = run("%tb")
    assert len(lines) > MOST
    assert any("RemoteTraceback" in line for line in lines)


@pytest.mark.parametrize("call", STOPPED)
def test_stop_is_short(run: Run, call: str) -> None:
    run(FIRST)
    lines, _ = run(STOPPED[call], stop=True)
    assert len(lines) <= MOST
    assert lines[-2].strip() == "KeyboardInterrupt:"
    assert lines[-1].startswith("You stopped it.")


def test_other_errors_are_left_as_they_are(run: Run) -> None:
    run(FIRST)
    lines, _ = run("import json\njson.loads('{')")
    assert any("decoder.py" in line for line in lines)
    assert lines[-1].startswith("JSONDecodeError")
