"""The child's side of `watch`: each task notes when it starts and ends, in files of its worker's own.

Workers import this module, so it imports the standard library's smallest parts only. The files are mapped
into memory: a note is four numbers put in their places, no call of the operating system, and what a killed
worker noted is still there, since the memory is the file's. One writer per file needs no lock and no queue:
nothing can block.
"""

from __future__ import annotations

import os
import time
from _thread import _local, get_ident
from mmap import mmap

TYPE_CHECKING = False  # type checkers read it as true; importing typing would slow each child's start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# What a task came to. 0 is a record that nobody has written yet.
STARTED, ENDED, RAISED, EXITED = 1, 2, 3, 4
FIELDS = ("task", "start", "end", "fate")  # of a record: 64-bit numbers, times by time.perf_counter_ns()
_WIDTH = len(FIELDS)
_BYTES = 8 * _WIDTH
_FIRST, _MOST = 1 << 11, 1 << 17  # records in a worker's first file and in its largest ones

_clock, _pid = time.perf_counter_ns, os.getpid
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class _Log:
    """The mapped file that one thread of one process writes to; a new file follows when it is full."""

    __slots__ = ("at", "cells", "end", "folder", "pid", "thread", "turn")

    def __init__(self, folder: str) -> None:
        self.folder, self.pid, self.thread, self.turn = folder, _pid(), get_ident(), 0
        self.follow()

    def follow(self) -> None:
        """Go on in a new file, twice as large as the last one."""
        while True:
            name = f"{self.pid}-{self.thread}-{self.turn:04}.log"
            self.turn += 1
            try:
                descriptor = os.open(os.path.join(self.folder, name), _FLAGS, 0o600)  # noqa: PTH118 - pathlib is slow to import
                break
            except FileExistsError:  # of an earlier thread that had the same number
                continue
        try:
            size = min(_FIRST << self.turn - 1, _MOST) * _BYTES
            os.write(descriptor, bytes(size))  # a full disk says so here; later it would be a bus error
            self.cells = memoryview(mmap(descriptor, size)).cast("q")
        finally:
            os.close(descriptor)
        self.at, self.end = 0, size // 8


class _Mine(_local):
    """What each thread has for itself."""

    log: _Log | None = None


_mine = _Mine()


def forget() -> None:
    """Let go of the file of this thread."""
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
        log = _mine.log
        if log is None or log.folder != self.folder or log.pid != _pid():
            _mine.log = log = _Log(self.folder)
        elif log.at == log.end:
            log.follow()
        cells, at = log.cells, log.at
        log.at = at + _WIDTH
        kind = EXITED
        cells[at] = number
        cells[at + 1] = _clock()
        cells[at + 3] = STARTED  # the last of the three: with it, the record counts
        try:
            result = self.function(*arguments, **extra)
            kind = ENDED
            return result
        except Exception:
            kind = RAISED
            raise
        finally:
            if log.pid == _pid():  # a child that the function forked never writes through its parent's map
                cells[at + 2] = _clock()
                cells[at + 3] = kind
