"""Workers that end, each in its own way."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import NoReturn


def refuse_main(what: str) -> None:
    """Raise RuntimeError in a main process: there, what is meant for a child would end the kernel."""
    from multiprocessing import parent_process

    if parent_process() is None:
        raise RuntimeError(
            f"`{what}` would end this process, which is no child: hand it to a pool or a Process; if you "
            "did, no process could be started (`doctor()` says why), and parmap has called it here"
        )


def raise_error(message: str = "something went wrong in the child") -> NoReturn:
    """Raise ValueError: a traceback and exit code 1."""
    raise ValueError(message)


def exit_with(code: int | str | None = 3) -> NoReturn:
    """Call sys.exit: the exit code is the number, 0 for None, 1 for a text, which goes to standard error."""
    sys.exit(code)


def exit_hard(code: int = 4) -> NoReturn:
    """End at once without cleaning up: no `finally`, no flush, no `atexit`; the exit code is the number.

    Raises RuntimeError where no child runs it.
    """
    refuse_main("exit_hard")
    os._exit(code)


def end_by_signal(number: int = signal.SIGTERM) -> None:
    """Send this process a signal; if it ends so, the exit code is minus the number (Windows: the number)."""
    os.kill(os.getpid(), number)


class DiesOnce:
    """Called with a number, it returns it; with 1 for the first time, it kills its process instead."""

    def __init__(self, folder: str) -> None:
        """Keep the folder, which all workers share, where the first time is noted."""
        self.folder = folder

    def __call__(self, number: int) -> int:
        """Return the number, or be killed."""
        note = f"{self.folder}/died"
        if number == 1 and not os.path.exists(note):  # noqa: PTH110 - pathlib is slow to import
            os.close(os.open(note, os.O_WRONLY | os.O_CREAT, 0o600))
            end_by_signal(int(getattr(signal, "SIGKILL", signal.SIGTERM)))
        return number
