"""The child's side of `watch`: each task notes when it starts and ends, in a file of its worker's own.

Workers import this module, so it imports the standard library's smallest parts only. One writer per file
needs no lock and no queue: nothing can block, and what a killed worker wrote is still there.
"""

from __future__ import annotations

import os
import time
from _thread import _local, get_ident
from collections.abc import Callable
from struct import Struct

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from typing import Any

START, END, RAISED, EXITED = b"S", b"E", b"R", b"X"
RECORD = Struct("<qqc")  # task number, time.perf_counter_ns(), kind

_pack, _clock, _write, _pid, _close = RECORD.pack, time.perf_counter_ns, os.write, os.getpid, os.close
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class _Log:
    """The open file of one thread of one process, closed when the thread ends or needs another folder."""

    __slots__ = ("descriptor", "folder", "pid")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pid = _pid()
        path = os.path.join(folder, f"{self.pid}-{get_ident()}.log")  # noqa: PTH118 - pathlib slows a worker's start
        self.descriptor = os.open(path, _FLAGS, 0o600)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            _close(self.descriptor)


class _Mine(_local):
    """What each thread has for itself."""

    log: _Log | None = None


_mine = _Mine()


def _log(folder: str) -> int:
    """Return the descriptor to write to; a forked child never writes through its parent's."""
    log = _mine.log
    if log is None or log.folder != folder or log.pid != _pid():
        _mine.log = log = _Log(folder)
    return log.descriptor


def forget() -> None:
    """Close the file of this thread."""
    _mine.log = None


class Traced:
    """A picklable stand-in for `function` that takes numbered items and notes when each one starts and ends.

    `map` calls it with `(number, item)`, `starmap` with `number, arguments`: the first type tells which.
    """

    __slots__ = ("folder", "function")

    def __init__(self, function: Callable[..., Any], folder: str) -> None:
        """Keep what to call and the folder to write in."""
        self.function = function
        self.folder = folder

    def __reduce__(self) -> tuple[type[Traced], tuple[Callable[..., Any], str]]:
        """Pickle as a call with two arguments, the cheapest form."""
        return Traced, (self.function, self.folder)

    def __call__(self, numbered: Any, *rest: Any, **extra: Any) -> Any:
        """Return what the function returns for the item."""
        if type(numbered) is tuple:
            number, item = numbered
            arguments = (item, *rest)
        else:
            number, arguments = numbered, (*rest[0], *rest[1:])
        file = _log(self.folder)
        kind = EXITED
        _write(file, _pack(number, _clock(), START))
        try:
            result = self.function(*arguments, **extra)
            kind = END
            return result
        except Exception:
            kind = RAISED
            raise
        finally:
            _write(file, _pack(number, _clock(), kind))
