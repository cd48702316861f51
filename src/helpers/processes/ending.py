"""End a program with everything it started; as a script, do so when the process that asked for it is gone.

A program in a session of its own survives the death of the notebook that runs it.  So each program gets a
second, tiny process: it reads from a pipe whose other end the notebook holds, and acts when that end closes.
Kept to the standard library until there is something to end.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

MARK = "HELPERS_PROGRAM"  # the environment variable that marks a program's whole family
POSIX = os.name == "posix"


def members(pid: int, mark: str) -> "list[psutil.Process]":
    """Return the living processes of the program `pid`: its group, and whoever carries its mark."""
    import psutil

    found: list[psutil.Process] = []
    # A group's number is free for others only when the group is empty, so POSIX needs no look at parents;
    # Windows has no groups, but children keep their parent's PID; parents are older than children.
    family = set() if POSIX else {pid}
    everybody = psutil.process_iter(["ppid", "create_time"])
    for process in sorted(everybody, key=lambda each: each.info["create_time"] or 0):
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            grouped = POSIX and os.getpgid(process.pid) == pid
            if grouped or process.pid in family or process.info["ppid"] in family or _marked(process, mark):
                family.add(process.pid)
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _marked(process: "psutil.Process", mark: str) -> bool:
    import psutil

    try:
        return mark in process.environ().get(MARK, "")
    except (psutil.Error, OSError):
        return False


def is_helper(process: "psutil.Process") -> bool:
    """Return True for multiprocessing's own resource tracker and fork server, which leave by themselves."""
    line = " ".join(process.cmdline())
    return "multiprocessing.resource_tracker" in line or (
        "multiprocessing.forkserver" in line and not _server_child(process)
    )


def _server_child(process: "psutil.Process") -> bool:
    parent = process.parent()
    return parent is not None and "multiprocessing.forkserver" in " ".join(parent.cmdline())


def is_tracker(process: "psutil.Process") -> bool:
    """Return True for a resource tracker."""
    return "multiprocessing.resource_tracker" in " ".join(process.cmdline())


def end(pid: int, mark: str, limit: float = 5.0) -> None:
    """No process of the program is left; its resource tracker goes last and removes its semaphores."""
    import psutil

    deadline = time.monotonic() + limit
    while alive := members(pid, mark):
        for process in alive:
            try:
                if time.monotonic() > deadline or not is_tracker(process):
                    process.kill()
            except psutil.Error:
                continue
        if time.monotonic() > deadline + limit:
            return
        time.sleep(0.02)
    if not POSIX:  # whatever lost its parent before it was seen
        command = ["taskkill", "/F", "/T", "/PID", str(pid)]
        subprocess.run(command, capture_output=True, check=False, timeout=limit)


def main() -> None:
    """Wait for the notebook's end of the pipe to close or the time to be over, then end the program."""
    if POSIX:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    pid, seconds, mark = os.read(0, 200).decode().split() or (0, 0, "")
    reader = threading.Thread(target=os.read, args=(0, 1), daemon=True)
    reader.start()
    reader.join(float(seconds))
    if pid:
        end(int(pid), mark)
    sys.stdout.flush()
    os._exit(0)  # the reader may still wait for the pipe


if __name__ == "__main__":
    main()
