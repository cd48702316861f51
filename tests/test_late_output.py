"""What children print while a cell runs comes under this cell, however late the kernel's reader is."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from jupyter_client.manager import KernelManager

from helpers.programs import late_output

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there, children write to the server's window")

# ipykernel's reader has what a child printed, and gets no time on the processor for 0.2 s.
SLOW_READER = """\
import os, subprocess, sys, threading, time

read = os.read

def read_and_wait(pipe, size):
    data = read(pipe, size)
    if threading.current_thread() in (sys.stdout.watch_fd_thread, sys.stderr.watch_fd_thread):
        time.sleep(0.2)
    return data

os.read = read_and_wait
words = [sys.executable, "-c", "import os, sys; os.write(1, b'to stdout'); os.write(2, b'to stderr')"]
subprocess.run(words);  # the readers wait already in the read that they had
"""
ENDLESS = """\
import subprocess, sys
code = "import os; os.write(1, b'begins '); os.write(2, b'2')\\nwhile True: os.write(1, b'goes on ')"
words = [sys.executable, "-c", code]
"""
NO_LIMIT = "from helpers.programs import late_output; late_output.LIMIT = 0"
Cell = Callable[[str], dict[str, str]]


@pytest.fixture
def cell() -> Iterator[Cell]:
    """Yield a function that runs a cell in a kernel and returns what was printed under it, by stream."""
    manager = KernelManager(kernel_name="python3")
    # Where PYTEST_CURRENT_TEST is set, ipykernel reads nothing of children.
    seen = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    manager.start_kernel(
        extra_arguments=["--ext", "helpers.programs.magics"], env=seen, stdout=subprocess.DEVNULL
    )
    client = manager.client()
    client.start_channels()

    def run(source: str) -> dict[str, str]:
        sent, printed = client.execute(source), {"stdout": "", "stderr": ""}
        while True:
            message = client.get_iopub_msg(timeout=60)
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != sent:
                continue
            assert kind != "error", content
            if kind == "stream":
                printed[content["name"]] += content["text"]
            if kind == "status" and content["execution_state"] == "idle":
                return printed

    try:
        client.wait_for_ready(timeout=60)
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def test_what_a_child_prints_comes_under_its_cell(cell: Cell) -> None:
    cell(SLOW_READER)
    assert cell("subprocess.run(words);") == {"stdout": "to stdout", "stderr": "to stderr"}
    cell(NO_LIMIT)
    late = {"stdout": "", "stderr": ""}
    assert cell("subprocess.run(words);") == late, "the reader was not late, so that this test shows nothing"


def test_a_child_that_never_stops_printing_cannot_keep_a_cell(cell: Cell) -> None:
    cell(ENDLESS)
    printed = cell("child = subprocess.Popen(words, stderr=subprocess.PIPE)\nchild.stderr.read(1);")
    assert printed["stdout"].startswith("begins ")
    cell("child.kill(); child.wait();")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a thread waits for")
def test_a_thread_that_does_something_else_does_not_wait_for_the_pipe() -> None:
    read, write = os.pipe()
    try:
        assert not late_output._waits_for(read, threading.current_thread())
        assert late_output._waits_for(read, SimpleNamespace(native_id=-1)), (
            "where it is not shown, a pause has to do"
        )
    finally:
        os.close(read)
        os.close(write)
