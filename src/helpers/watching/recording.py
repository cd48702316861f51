"""A run while it goes on: the files its workers write, read into lanes."""

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from helpers.pools.plan import Plan
from helpers.watching.runs import Lane, Run, Span
from helpers.workers import tracing


class Recording:
    """A run that goes on: the folder that its workers write to, and the clock's reading at its start."""

    def __init__(self, plan: Plan) -> None:
        """Make the folder and start the clock."""
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="watch-"))
        self.began = perf_counter_ns()
        self._here = (os.getpid(), threading.get_ident())

    @property
    def elapsed(self) -> float:
        """The seconds since the start."""
        return (perf_counter_ns() - self.began) / 1e9

    def lanes(self, *, look: bool = True) -> tuple[Lane, ...]:
        """Return what the workers have noted so far, one lane per worker, by first start.

        With `look`, the process of each open span is looked at: a task whose process has ended died with it.
        """
        found = []
        for path in self.folder.glob("*.log"):
            pid, thread = map(int, path.stem.split("-"))
            spans = self._spans(path.read_bytes())
            if look and any(span.end is None for span in spans) and not _alive(pid):
                spans = [span._replace(died=True) if span.end is None else span for span in spans]
            if spans:
                found.append((spans[0].start, pid, thread, spans))
        labels = (f"{self.plan.noun} {number}" for number in range(1, len(found) + 1))
        return tuple(
            Lane("this process" if (pid, thread) == self._here else next(labels), pid, tuple(spans))
            for _, pid, thread, spans in sorted(found, key=lambda lane: lane[:3])
        )

    def _spans(self, raw: bytes) -> list[Span]:
        """Return the spans that a worker's records tell; the last record may be half written."""
        whole = len(raw) // tracing.RECORD.size * tracing.RECORD.size
        spans, running = [], {}
        for task, time, kind in tracing.RECORD.iter_unpack(raw[:whole]):
            at = (time - self.began) / 1e9
            if kind == tracing.START:
                running[task] = at
            elif task in running:
                spans.append(
                    Span(task, running.pop(task), at, kind == tracing.EXITED, kind == tracing.RAISED)
                )
        spans += [Span(task, start, None) for task, start in running.items()]
        return sorted(spans, key=lambda span: span.start) if running else spans

    def run(self, results: list[Any]) -> Run:
        """Return the run as it is now."""
        return Run(results, self.lanes(), self.elapsed, self.plan)

    def remove(self) -> None:
        """Remove the folder.

        Where a pool that lives on holds its files open (Windows), the next watch or the program's end does.
        """
        tracing.forget()
        _to_remove.append(self.folder)
        sweep()


_to_remove: list[Path] = []


def sweep() -> None:
    """Remove the folders that could not be removed before."""
    for folder in _to_remove:
        shutil.rmtree(folder, ignore_errors=True)
    _to_remove[:] = [folder for folder in _to_remove if folder.exists()]
    if _to_remove:
        atexit.unregister(sweep)
        atexit.register(sweep)


def _alive(pid: int) -> bool:
    """Tell whether a process still runs: a zombie does not, nor one that has lost its memory already."""
    import psutil

    try:
        process = psutil.Process(pid)
        gone = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        # An executor hears of a worker's end when its files are closed; its memory, and so its command line,
        # goes earlier, while its state changes later.
        return not gone and bool(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
