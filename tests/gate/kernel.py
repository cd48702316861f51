"""A kernel as nbval wants one, but in a family and a home of its own, and seen at once when it dies."""

from __future__ import annotations

import ast
import contextlib
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager
from nbval.kernel import NbvalKernelspecManager, RunningKernel  # type: ignore[import-untyped]

from helpers.processes.descendants import new_mark
from helpers.processes.folders import left_in, new_folder, remove_folder
from helpers.programs.environment import inherited
from tests.gate.leaks import Leftover, Marked, wait_for_nothing

INTERRUPT_GRACE = 10.0
SHUTDOWN_LIMIT = 60.0  # seconds; a front end gives 5, too few for a full kernel on a busy machine
# Made by others, gone with the kernel: multiprocessing's sockets before `import helpers`, matplotlib's cache.
KEPT_UNTIL_THE_END = ("pymp-", "matplotlib-")


class KernelDiedError(Exception):
    """The kernel ended by itself; the message says how, and shows the end of what it wrote."""


def _file(path: Path, where: str) -> Leftover:
    return Leftover("file", f"file {path}", f"{path.name} {where}")


class TruthKernel(RunningKernel):  # type: ignore[misc]
    """A running kernel that is the root of its own `Marked` family, under one start method."""

    def __init__(self, name: str, cwd: str, method: str, startup_timeout: float) -> None:
        """Start the kernel; raise `KernelDiedError` with its words when it does not come up."""
        self.home = new_folder("kernel", sockets=True)
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
        self.family = Marked(new_mark(), 0, self.home / "records")
        self.family.trackers_last = True
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
        own = {"IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "jupyter", "JUPYTER_RUNTIME_DIR": "jupyter"}
        own |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "t")
        return (
            inherited()
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
        for path in left_in(self.home / "t", self.family.root):
            if not path.name.startswith(KEPT_UNTIL_THE_END):
                left.append(_file(path, "in the kernel's temporary folder"))
        return left

    def left_after_the_end(self, grace: float) -> list[Leftover]:
        """Shut down as a front end does; return what is there then, and a kernel that had to be killed."""
        process: Any = getattr(self.km.provisioner, "process", None)
        self.km.shutdown_wait_time = SHUTDOWN_LIMIT
        self.km.shutdown_kernel(now=False)
        left = wait_for_nothing(self.family, limit=grace)
        left += [_file(path, "of a kernel that has ended") for path in (self.home / "t").iterdir()]
        if status := process.poll():
            left.append(Leftover("kernel", "kernel", f"that did not end in time (exit status {status})"))
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
            last_first.callback(remove_folder, self.home)
            last_first.callback(self.log.close)
            last_first.callback(manager.cleanup_resources)
            if manager.has_kernel:
                last_first.callback(manager.shutdown_kernel, now=True)
            if self.family.root:
                last_first.callback(self.family.end)
            if self.kc is not None:
                last_first.callback(self.kc.stop_channels)
