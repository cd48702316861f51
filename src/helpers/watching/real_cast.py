"""Two real processes that take turns: each has a pipe to this one, and they share real numbers and locks."""

import contextlib
import multiprocessing
from multiprocessing.connection import Connection, wait
from typing import Any

from helpers.watching.turns import NAMES, Program
from helpers.workers.stepping import run_in_process

_LIMIT = 5.0  # seconds that an ended process has to be gone


class RealCast:
    """The processes A and B, started under this process's start method or that of a context."""

    def __init__(self, program: Program, context: Any = None) -> None:
        """Start both; what was started is ended again when something fails."""
        context = context or multiprocessing.get_context()
        self.shared = {
            name: context.Value("i", it) if isinstance(it, int) else getattr(context, it.__name__)()
            for name, it in program.shared.items()
        }
        self._pipes: dict[str, Connection[Any, Any]] = {}
        self._processes: dict[str, Any] = {}
        self._speaking = list(NAMES)
        try:
            for who in NAMES:
                self._start(who, program, context)
        except BaseException:
            self.close()
            raise

    def _start(self, who: str, program: Program, context: Any) -> None:
        here, there = context.Pipe()
        shared = {name: self.shared[name] for name in program.wanted(who)}
        with there:  # closed here, so that the end of the process ends the pipe
            self._pipes[who] = here
            self._processes[who] = context.Process(
                target=run_in_process, args=(there, program.functions[who], shared), name=who, daemon=True
            )
            self._processes[who].start()

    def receive(self, limit: float) -> tuple[str, str, str, tuple[tuple[str, Any], ...]]:
        """Return the next thing that one of them tells; TimeoutError when none does."""
        by_pipe = {self._pipes[who]: who for who in self._speaking}
        ready = wait(list(by_pipe), limit)
        if not ready:
            raise TimeoutError
        who = by_pipe[ready[0]]  # type: ignore[index]
        try:
            kind, what, known = self._pipes[who].recv()
        except (EOFError, OSError):
            self._processes[who].join(_LIMIT)
            kind, what, known = "gone", f"(exit code {self._processes[who].exitcode})", ()
        if kind in ("ended", "raised", "gone"):
            self._speaking.remove(who)
        return who, kind, what, known

    def go(self, who: str) -> None:
        """Let one of them go on; one that is gone is heard of by `receive`."""
        with contextlib.suppress(OSError):
            self._pipes[who].send(None)

    def numbers(self) -> dict[str, int]:
        """Return the shared numbers, read without their locks."""
        return {name: it.get_obj().value for name, it in self.shared.items() if hasattr(it, "get_obj")}

    def is_free(self, lock: str) -> bool:
        """Return whether this process could take the lock: it tries, and gives it back."""
        name = lock.removesuffix("'s lock")
        it = self.shared[name]
        real = it.get_lock() if hasattr(it, "get_lock") else it
        free: bool = real.acquire(block=False)
        if free:
            real.release()
        return free

    def close(self) -> None:
        """End both, even in a deadlock, and join them; nothing happens the second time."""
        processes, self._processes = self._processes, {}
        for process in processes.values():
            if process.pid is not None:
                process.kill()
        for process in processes.values():
            if process.pid is not None:
                process.join(_LIMIT)
                process.close()
        for pipe in self._pipes.values():
            pipe.close()
