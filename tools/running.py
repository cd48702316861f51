"""Run a notebook from top to bottom in a kernel of its own, within limits, leaving nothing running."""

import asyncio
import contextlib
import copy
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from helpers.processes.descendants import MARK, marked, new_mark
from helpers.processes.ending import end
from helpers.processes.folders import own_folder
from helpers.programs.environment import inherited
from tools import AuthoringError

CELL_LIMIT = 60  # seconds, the same as the tests give a cell


class _OwnKernel(AsyncKernelManager):
    """Start ipykernel on this interpreter, whatever the machine has installed under the name python3."""

    @property
    def kernel_spec(self) -> KernelSpec:
        from ipykernel.kernelspec import get_kernel_dict

        return KernelSpec(**get_kernel_dict())


def run(notebook: Any, path: Path, limit: float = CELL_LIMIT) -> Any:
    """Return a copy of `notebook` with the outputs of running all its cells in the folder of `path`.

    limit: seconds for one cell. Raises AuthoringError naming the cell that failed, did not end in time or
    killed the kernel. Whatever the notebook started has ended when this returns or raises, Ctrl-C included.
    """
    executed = copy.deepcopy(notebook)
    current = {"id": "before the first cell"}
    with _surroundings() as (env, log):
        client = NotebookClient(
            executed,
            timeout=limit,
            kernel_manager_class=_OwnKernel,
            kernel_name="python3",
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=lambda cell, cell_index: current.update(
                id=cell.get("id", f"cell {cell_index + 1}")
            ),
        )
        try:
            _execute(client, env, log)
        except (CellTimeoutError, CellExecutionError, DeadKernelError) as error:
            log.seek(0)
            where = f"{path.name}, cell {current['id']}: "
            raise AuthoringError(where + _explain(error, limit, log.read()[-2000:])) from error
    return executed


def _explain(error: Exception, limit: float, log: str) -> str:
    if isinstance(error, CellTimeoutError):
        return (
            f"still running after {limit:g} s. Make it smaller, or give what it waits for a limit of its own."
        )
    if isinstance(error, CellExecutionError):
        cure = "Mend the cell, or tag it raises-exception if the error is the lesson."
        return f"{error.ename}: {error.evalue}. {cure}\n{error}"
    return f"the kernel died. What ends a process belongs into a %%program cell.\n{log}"


def _execute(client: NotebookClient, env: dict[str, str], log: TextIO) -> None:
    """Run the client in a thread: in the main one it would take Ctrl-C and report a dead kernel."""
    raised: list[BaseException] = []

    def target() -> None:
        try:
            # The selector loop on Windows, too: zmq warns about any other one.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(client.async_execute(env=env, stderr=log))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=target, name="notebook", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)  # without a limit Ctrl-C would not get through on Windows
    except KeyboardInterrupt:
        pid = getattr(client.km.provisioner, "pid", None) if client.km else None
        if os.name == "posix" and pid:
            os.kill(pid, signal.SIGINT)  # a cell that is interrupted cleans up; a killed one does not
            thread.join(10)
        raise
    if raised:
        raise raised[0]


@contextlib.contextmanager
def _surroundings() -> Iterator[tuple[dict[str, str], TextIO]]:
    """Give a kernel's environment and a file for its messages; afterwards end all that carries its mark."""
    mark = new_mark()
    with own_folder("authoring", sockets=True) as folder:
        env = inherited() | dict.fromkeys(("TMPDIR", "TEMP", "TMP", "IPYTHONDIR"), str(folder)) | {MARK: mark}
        try:
            with (folder / "kernel.log").open("w+", encoding="utf-8", errors="replace") as log:
                yield env, log
        finally:
            end(lambda: marked(mark))
