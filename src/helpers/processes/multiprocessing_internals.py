"""What multiprocessing does not tell or do in public, one private part a function, tested on every Python."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

TURNS = 4  # pools that may hang, and one more


def _module(name: str) -> Any:
    """Return a module that somebody has imported already, else None: what it would tell is not there yet."""
    return sys.modules.get(f"multiprocessing.{name}")


def children() -> list[BaseProcess]:
    """Return this process's children as Process objects; `active_children()` would join the ended ones."""
    return list(_module("process")._children)


def never_joined() -> list[BaseProcess]:
    """Return the children that were started, and that nobody has joined or asked how they ended."""
    return [child for child in children() if getattr(child._popen, "returncode", 0) is None]  # type: ignore[attr-defined]


def number(child: BaseProcess) -> int:
    """Return the child's place among its parent's children: they are counted from 1."""
    return int(child._identity[-1])


def is_joined(child: BaseProcess) -> bool:
    """Return whether somebody has asked for the child's end since it came; `exitcode` would ask."""
    popen = child._popen  # type: ignore[attr-defined]
    return popen is None or popen.returncode is not None


def executors_pids() -> set[int]:
    """Return the PIDs of the workers of every ProcessPoolExecutor."""
    managers = [one for one in threading.enumerate() if type(one).__name__ == "_ExecutorManagerThread"]
    return {pid for one in managers for pid in (getattr(one, "processes", None) or ())}


def number_of_workers(pool: object) -> int | None:
    """Return how many workers a Pool or an executor has, None for anything else."""
    offered = (getattr(pool, name, None) for name in ("_processes", "_max_workers"))
    return next((number for number in offered if isinstance(number, int)), None)


def on_dead_workers(hear: Callable[[list[int]], None]) -> None:
    """Let `hear` have the exit codes of dead workers each time before their Pool replaces them."""
    from multiprocessing.pool import Pool

    join_exited = Pool._join_exited_workers  # type: ignore[attr-defined]

    def hearing(workers: list[Any]) -> Any:
        if codes := [worker.exitcode for worker in workers if worker.exitcode]:
            hear(codes)
        return join_exited(workers)

    Pool._join_exited_workers = staticmethod(hearing)  # type: ignore[attr-defined]


def temporary_folder() -> str | None:
    """Return the folder of this process's sockets, `pymp-…`, None before multiprocessing needed one."""
    from multiprocessing.process import current_process

    folder: str | None = current_process()._config.get("tempdir")  # type: ignore[attr-defined]
    return folder


def set_temporary_folder(folder: str) -> None:
    """Give this process, and all children that it starts from now on, this folder for sockets."""
    from multiprocessing.process import current_process

    current_process()._config["tempdir"] = folder  # type: ignore[attr-defined]


def at_the_end(function: Callable[[], object]) -> None:
    """Let this process, a child of multiprocessing or not, call the function when its children have ended."""
    from multiprocessing.util import Finalize

    Finalize(None, function, exitpriority=-100)


def fork_server_holds(module: str) -> bool:
    """Return whether the next fork server, or the running one, imports the module for its children."""
    forkserver = _module("forkserver")
    return forkserver is not None and module in forkserver._forkserver._preload_modules


def finish(limit: float) -> bool:
    """Terminate pools and unlink locks as the end of this process would; return whether it took no longer.

    A Pool waits for ever when one of its workers died with a lock in its hands, as Ctrl-C makes them do: so
    after some time another thread takes over what comes after it.
    """
    util = _module("util")
    for _ in range(TURNS if util else 0):
        thread = threading.Thread(target=util._run_finalizers, args=(0,), daemon=True)
        thread.start()
        thread.join(limit / TURNS)
        if not thread.is_alive():
            return True
    return util is None


def stop_fork_server(limit: float = 5.0) -> bool:
    """Let this process's fork server leave, as it does when nobody can ask; return whether it did."""
    forkserver = _module("forkserver")
    server = forkserver and forkserver._forkserver
    if server is None or server._forkserver_pid is None:
        return True
    pid, address = server._forkserver_pid, server._forkserver_address
    os.close(server._forkserver_alive_fd)
    server._forkserver_alive_fd = server._forkserver_pid = server._forkserver_address = None
    with contextlib.suppress(OSError, ValueError):  # an abstract address is no file
        Path(address).unlink()
    return _reaped(pid, limit)


def stop_tracker(limit: float = 5.0) -> bool:
    """Let this process's resource tracker leave, as it does with the last process that uses it.

    Return whether it did. It unlinks what it knows first, so everything must have been put away before.
    """
    module = _module("resource_tracker")
    tracker = module and module._resource_tracker
    if tracker is None or tracker._pid is None:
        return True
    file, pid = tracker._fd, tracker._pid
    tracker._fd = tracker._pid = None
    os.close(file)
    return _reaped(pid, limit)


def _reaped(pid: int, limit: float) -> bool:
    """Return whether a child of this process ended within the limit; it is joined whenever it ends."""

    def join() -> None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)

    thread = threading.Thread(target=join, daemon=True)
    thread.start()
    thread.join(limit)
    return not thread.is_alive()
