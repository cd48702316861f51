"""Which processes belong to which: below it by PID and birth, or marked in their environment.

A PID alone proves nothing: when its process has ended, the system gives the number to the next one, and
Windows never corrects the parent's number that a child was born with.
"""

import os
import uuid
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import psutil

MARK = "HELPERS_MARK"
"""The environment variable that holds a process's marks, like a path: those of whoever started it come first.

No new session and no change of parent takes a mark away.
"""


def new_mark() -> str:
    """Return a mark that nobody bears yet; what it stands for bears it inside the marks of this process."""
    return f"{os.environ.get(MARK, '')}/{uuid.uuid4().hex[:12]}"


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes that bear the mark, or one inside it; never this process."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and f"{process.environ().get(MARK, '')}/".startswith(f"{mark}/"):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone, a zombie, or not ours to read
    return found


def descendants(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return what lives, or waits to be joined, below the roots, without them, in order of birth.

    A process counts as a child when it bears its parent's PID and is not older; a root counts when its PID
    still belongs to the process that it was when the root was made.
    """
    born: dict[int, float] = {}
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter(["ppid", "create_time"]):
        parent, birth = process.info["ppid"], process.info["create_time"]
        if parent is not None and birth is not None:
            born[process.pid] = birth
            children[parent].append(process)
    pending = [root for root in roots if born.get(root.pid) == root.create_time()]
    known = {process.pid for process in pending}
    found = []
    while pending:
        parent = pending.pop()
        for child in children[parent.pid]:
            if child.pid not in known and born[child.pid] >= born[parent.pid]:
                known.add(child.pid)
                found.append(child)
                pending.append(child)
    return sorted(found, key=lambda process: (born[process.pid], process.pid))


def birth(pid: int) -> str | None:
    """Return what tells this process from a later one with the same PID; None when there is no such process.

    The word is the same whoever asks, and whenever: on Linux the ticks since the system's start, since there
    psutil's seconds move when somebody sets the clock.
    """
    try:
        if Path("/proc/self/stat").exists():
            told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            return f"{int(told.rpartition(')')[2].split()[19]):x}"
        return f"{int(psutil.Process(pid).create_time() * 100):x}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None
    except (psutil.Error, OSError):
        return ""  # there, and not ours to ask
