"""A notebook's kernel ends at once and leaves nothing, whatever start method it used."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from helpers.processes.descendants import descendants
from helpers.processes.roles import is_alive
from helpers.programs.environment import inherited
from helpers.waiting import wait_until

METHODS = multiprocessing.get_all_start_methods()


class Manager(KernelManager):
    """Start ipykernel on this interpreter, whatever the machine has installed under the name python3."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """Return how to start it."""
        return KernelSpec(**get_kernel_dict())


@contextmanager
def kernel(folder: Path, source: str) -> Iterator[tuple[Any, Any, list[psutil.Process]]]:
    """Yield manager and process of a kernel that ran `source`, and the processes that it started then."""
    temporary = folder / "t"
    temporary.mkdir(exist_ok=True)
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)) | {"IPYTHONDIR": str(folder)}
    manager = Manager(connection_file=str(folder / "kernel.json"))
    manager.shutdown_wait_time = 20.0  # half of it until SIGTERM: a busy machine needs more than two seconds
    log = (folder / "log").open("w")
    manager.start_kernel(env=inherited() | places, cwd=folder, stderr=log)
    process: Any = manager.provisioner.process  # type: ignore[union-attr]
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(60)
        reply = client.execute_interactive(source, timeout=60, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        yield manager, process, descendants([psutil.Process(process.pid)])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        log.close()


USES = """\
import helpers
from multiprocessing import get_context
get_ipython().run_cell_magic("workers", "my_workers", "def f(x): return x")
context = get_context({method!r})
pool = context.Pool(2)
assert pool.map(my_workers.f, [1]) == [1]
lock = context.Lock()
"""
CLOSED = "pool.close(); pool.join(); del pool\n"


@pytest.mark.parametrize("end", [CLOSED, ""], ids=["closed", "open"])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_after_a_shutdown(method: str, end: str, tmp_path: Path) -> None:
    """Nobody has to kill the kernel: it ends with exit code 0, an open pool with it."""
    with kernel(tmp_path, USES.format(method=method) + end) as (manager, process, started):
        manager.shutdown_kernel(now=False)
        assert process.poll() == 0
        assert not any(map(is_alive, started))
    assert list((tmp_path / "t").iterdir()) == []
    log = (tmp_path / "log").read_text()
    assert not end or "Traceback" not in log, log  # workers say that they were interrupted


def test_nothing_is_left_after_a_restart(tmp_path: Path) -> None:
    method = METHODS[-1]
    with kernel(tmp_path, USES.format(method=method)) as (manager, process, started):
        manager.restart_kernel(now=False)
        assert process.poll() == 0
        assert not any(map(is_alive, started))
        assert list((tmp_path / "t").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("method", METHODS)
def test_the_next_start_sweeps_after_a_kernel_that_was_killed(method: str, tmp_path: Path) -> None:
    with kernel(tmp_path, USES.format(method=method)) as (_, process, started):
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        wait_until(lambda: not any(map(is_alive, started)), limit=30)
    (left,) = (tmp_path / "t").iterdir()
    with kernel(tmp_path, "import helpers"):
        assert not left.exists()
