"""What a child printed while a cell ran comes under this cell, not under the next one.

ipykernel reads in a thread what children write to the kernel's stdout and stderr, and does not wait for that
thread at the end of a cell.  On a busy machine it may be late, and the line then belongs to the cell after.
"""

import os
import select
import sys
import time
from pathlib import Path
from typing import Any

LIMIT = 0.5  # seconds at the end of a cell; a child that never stops printing cannot keep it
PAUSE = 0.005  # enough for a thread that has something to do, where the system does not tell whether it has


def install(shell: Any) -> None:
    """From now on, a cell of this shell ends when what its children wrote until then is in its output."""
    shell.events.register("post_run_cell", lambda _: wait_for_output())


def wait_for_output() -> None:
    """Nothing that was written to the kernel's stdout and stderr is still on its way, or 0.5 s are over."""
    deadline = time.monotonic() + LIMIT
    streams: list[Any] = [sys.stdout, sys.stderr]  # of ipykernel, and then with a pipe and a thread for it
    for stream in streams:
        pipe, reader = getattr(stream, "_fid", None), getattr(stream, "watch_fd_thread", None)
        if pipe is None or reader is None or stream._master_pid != os.getpid():
            continue
        while not (_is_empty(pipe) and _waits_for(pipe, reader)) and time.monotonic() < deadline:
            time.sleep(0.001)


def _is_empty(pipe: int) -> bool:
    return not select.select([pipe], [], [], 0)[0]


def _waits_for(pipe: int, reader: Any) -> bool:
    """Tell whether that thread waits for the pipe: then it has passed on all that it read before."""
    try:
        call = Path(f"/proc/self/task/{reader.native_id}/syscall").read_text(encoding="ascii").split()
    except OSError:  # not Linux, or it is not shown here
        time.sleep(PAUSE)
        return True
    return call[1:2] == [hex(pipe)]  # the number of the call and its arguments; "running" while it works
