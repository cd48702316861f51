"""A kernel as nbval wants one, but in a family and a home of its own, and seen at once when it dies."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager
from nbval.kernel import NbvalKernelspecManager, RunningKernel  # type: ignore[import-untyped]

from tests.gate.leaks import MARK, Family, Leftover, wait_for_nothing

INTERRUPT_GRACE = 10.0
# Made by others, gone with the kernel: multiprocessing's sockets, the learner's workers, matplotlib's cache.
KEPT_UNTIL_THE_END = ("pymp-", "helpers-", "matplotlib-")
# What a reader's kernel does not have, or has differently on each machine.
NOT_INHERITED = {
    "PYTEST_CURRENT_TEST",  # ipykernel would not capture what child programs print
    "PYTHONSTARTUP", "MPLBACKEND", "COLUMNS", "LINES",
    "JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_CONFIG_DIR",
}  # fmt: skip


class KernelDiedError(Exception):
    """The kernel ended by itself; the message says how, and shows the end of what it wrote."""


def _new_home() -> Path:
    """Return a new folder with a short path: a socket's path may have about 100 characters."""
    usual = tempfile.gettempdir()
    short = "/tmp" if len(usual) > 40 and os.access("/tmp", os.W_OK) else usual
    return Path(tempfile.mkdtemp(prefix="nb-", dir=short))


class TruthKernel(RunningKernel):  # type: ignore[misc]
    """A running kernel that is the root of its own `Family`, under one start method."""

    def __init__(self, name: str, cwd: str, method: str, startup_timeout: float) -> None:
        """Start the kernel; raise `KernelDiedError` with its words when it does not come up."""
        self.home = _new_home()
        self.last_reply: dict[str, Any] = {}
        self.interrupted = False
        self.log = (self.home / "log").open("w+b")
        self.km = KernelManager(
            kernel_name=name,
            kernel_spec_manager=NbvalKernelspecManager(),
            connection_file=str(self.home / "kernel.json"),
        )
        self.kc: Any = None
        (self.home / "records").mkdir()
        (self.home / "t").mkdir()
        self.family = Family(f"{os.environ.get(MARK, '')}/{self.home.name}", 0, self.home / "records")
        try:
            self.km.start_kernel(env=self._environment(method), cwd=cwd, stdout=self.log, stderr=self.log)
            self.family.root = getattr(self.km.provisioner, "pid", 0)
            self.kc = self.km.client()
            self.kc.start_channels()
            self.kc.wait_for_ready(timeout=startup_timeout)
            self._ensure_iopub_up()
        except BaseException as error:
            words = self.last_words()
            self.stop()
            if isinstance(error, RuntimeError):
                raise KernelDiedError(f"{error} {words}") from None
            raise

    def _environment(self, method: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        own = {"IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "jupyter", "JUPYTER_RUNTIME_DIR": "jupyter"}
        own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "t")
        return (
            inherited
            | self.family.environment(method)
            | {name: str(self.home / folder) for name, folder in own.items()}
            | {"PYTHONFAULTHANDLER": "1"}
        )

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Execute as a front end does: with history, so that `;`, `_` and `Out` work."""
        message: str = self.kc.execute(
            cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )
        return message

    def get_message(self, stream: str, timeout: float | None = None) -> Any:
        """Return the next message; wait in slices, so that a dead kernel is seen within a second or two."""
        limit = float("inf") if timeout is None else timeout
        deadline = time.monotonic() + (min(limit, INTERRUPT_GRACE) if self.interrupted else limit)
        while True:
            try:
                message = super().get_message(stream, timeout=max(0.0, min(1.0, deadline - time.monotonic())))
            except Empty:
                if time.monotonic() >= deadline:
                    raise
                if not self.is_alive():
                    raise KernelDiedError(self.last_words()) from None
                continue
            if stream == "shell":
                self.last_reply = message
            return message

    def interrupt(self) -> None:
        """Interrupt, and give the kernel less time from now on."""
        self.interrupted = True
        super().interrupt()

    def look(self) -> dict[str, Any]:
        """Return what the kernel's `sitecustomize.look` sees; the notebook's history has no trace of it."""
        call = {"seen": "__import__('sitecustomize').look()"}
        self.await_reply(
            self.kc.execute("", silent=True, store_history=False, user_expressions=call), timeout=30
        )
        seen = self.last_reply["content"].get("user_expressions", {}).get("seen", {})
        if seen.get("status") != "ok":
            raise RuntimeError(f"the kernel does not have the gate's sitecustomize: {seen}")
        answer: dict[str, Any] = ast.literal_eval(seen["data"]["text/plain"])
        return answer

    def left(self, grace: float) -> list[Leftover]:
        """Return the processes, named memory, threads and files that did not go within the grace."""
        seen = self.look()
        self.family.names = seen["children"]
        left = wait_for_nothing(self.family, limit=grace)
        for name in self.look()["threads"]:
            left.append(
                Leftover("thread", f"thread {name}", f"{name}: of a pool or queue that was not closed")
            )
        for path in (self.home / "t").iterdir():
            if not path.name.startswith(KEPT_UNTIL_THE_END):
                left.append(Leftover("file", f"file {path}", f"{path.name} in the kernel's temporary folder"))
        return left

    def last_words(self) -> str:
        """Return exit status and the end of what the kernel wrote on its own standard error."""
        process = getattr(self.km.provisioner, "process", None) if self.km.provisioner else None
        status = process.poll() if process else None
        self.log.flush()
        lines = (self.home / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        text = "\n".join(line for line in lines[-40:] if "TCP without encryption" not in line)
        return f"exit status {status}" + (f"; its last words:\n{text}" if text else "")

    def stop(self) -> None:
        """End the kernel and its family, and remove its home; a second call does nothing."""
        if not hasattr(self, "km"):
            return
        manager = self.km
        del self.km
        with contextlib.ExitStack() as last_first:  # each is done, whatever fails before it
            last_first.callback(shutil.rmtree, self.home, ignore_errors=True)
            last_first.callback(self.log.close)
            last_first.callback(manager.cleanup_resources)
            if manager.has_kernel:
                last_first.callback(manager.shutdown_kernel, now=True)
            if self.family.root:
                last_first.callback(self.family.end)
            if self.kc is not None:
                last_first.callback(self.kc.stop_channels)
