"""Who a process is, as the process itself sees it: name, PID and parent."""

import os
from multiprocessing import current_process, parent_process
from typing import NamedTuple

# A NamedTuple, not a dataclass: every spawned worker that is asked for its identity imports this module, and
# `dataclasses` would cost each of them about ten milliseconds.


class Identity(NamedTuple):
    """The name and PID of one process and of its parent, frozen and picklable.

    `parent_name` is what multiprocessing calls the parent, None in the main process; `parent_pid` is what the
    operating system says, so under forkserver it is the fork server's.
    """

    name: str
    pid: int
    parent_name: str | None
    parent_pid: int

    def __repr__(self) -> str:
        """Return the sentence `MainProcess (pid 13248, child of 13201)`."""
        return f"{self.name} (pid {self.pid}, child of {self.parent_pid})"


def identity() -> Identity:
    """Return who the process that calls this is."""
    parent = parent_process()
    return Identity(current_process().name, os.getpid(), parent.name if parent else None, os.getppid())
