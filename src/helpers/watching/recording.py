"""A run while it goes on: the files its workers write, read into lanes."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from helpers.pools.plan import Plan
from helpers.processes.folders import new_folder, remove_folder
from helpers.watching.runs import Fate, Lane, Run
from helpers.workers import tracing


class Recording:
    """A run that goes on: the folder that its workers write to, and the clock's reading at its start."""

    def __init__(self, plan: Plan) -> None:
        """Make the folder and start the clock."""
        self.plan = plan
        self.folder = new_folder("watch")
        self.began = perf_counter_ns()
        self._here = (os.getpid(), threading.get_ident())

    def traced(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the stand-in for the function that notes what it does."""
        return tracing.Traced(function, str(self.folder))

    @property
    def elapsed(self) -> float:
        """The seconds since the start."""
        return (perf_counter_ns() - self.began) / 1e9

    def lanes(self, *, look: bool = True) -> tuple[Lane, ...]:
        """Return what the workers have noted so far, one lane per worker, by first start.

        With `look`, the process of each open span is looked at: a task whose process has ended died with it.
        """
        import numpy as np

        files: dict[tuple[int, int], list[Path]] = {}
        for path in sorted(self.folder.glob("*.log")):
            pid, thread, _ = map(int, path.stem.split("-"))
            files.setdefault((pid, thread), []).append(path)
        found = []
        for (pid, thread), paths in files.items():
            records = np.concatenate([_records(path) for path in paths])
            if not len(records):
                continue
            starts = (records["start"] - self.began) / 1e9
            ends = (records["end"] - self.began) / 1e9
            fates = _fates(records["fate"])
            running = fates == Fate.RUNNING
            if running.any():
                ends[running] = np.nan
                if look and not _alive(pid):
                    fates[running] = Fate.DIED
            found.append((starts[0], pid, thread, records["task"], starts, ends, fates))
        numbers: Counter[str] = Counter()
        return tuple(
            Lane(self._label(pid, thread, numbers), pid, *columns)
            for _, pid, thread, *columns in sorted(found, key=lambda lane: lane[:3])
        )

    def _label(self, pid: int, thread: int, numbers: Counter[str]) -> str:
        """Return the name of a lane, numbered among those of its kind.

        A call may not tell what works for it; a lane in the process that calls is a thread's all the same.
        """
        if (pid, thread) == self._here:
            return "this process"
        noun = "thread" if pid == self._here[0] and self.plan.noun == "worker" else self.plan.noun
        numbers[noun] += 1
        return f"{noun} {numbers[noun]}"

    def run(self, results: list[Any]) -> Run:
        """Return the run as it is now."""
        elapsed = self.elapsed  # reading many records takes its time, too
        lanes = self.lanes()
        return Run(results, lanes, max([elapsed, *(lane.last for lane in lanes)]), self.plan)

    def remove(self) -> None:
        """Remove the folder; where a pool that lives on holds its files open (Windows), later."""
        tracing.forget()
        remove_folder(self.folder, limit=0)


def _fates(noted: Any) -> Any:
    """Return what became of the tasks whose workers noted this."""
    import numpy as np

    meaning = {
        tracing.STARTED: Fate.RUNNING,
        tracing.ENDED: Fate.FINISHED,
        tracing.RAISED: Fate.RAISED,
        tracing.EXITED: Fate.DIED,
    }
    return np.array([meaning.get(note, Fate.RUNNING) for note in range(max(meaning) + 1)])[noted]


def _records(path: Path) -> Any:
    """Return the records of a worker's file as far as they are written, as an array with its fields.

    The file is mapped here as well: Windows promises one view of it to all who map it, not to who reads it.
    """
    import numpy as np

    kind = np.dtype([(field, "<i8") for field in tracing.FIELDS])
    with path.open("rb") as file:
        try:
            with mmap(file.fileno(), 0, access=ACCESS_READ) as view:
                raw = view[:]
        except ValueError:  # the worker has just made it
            raw = b""
    records = np.frombuffer(raw[: len(raw) // kind.itemsize * kind.itemsize], kind)
    unwritten = np.flatnonzero(records["fate"] == 0)
    return records[: unwritten[0]] if len(unwritten) else records


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
