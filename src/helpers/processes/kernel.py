"""A notebook's kernel ends well: at once, with nothing left of it, whatever start method was used.

ipykernel ends by sending SIGTERM to its children until there are none, and Jupyter kills it when that takes
too long.  But the resource tracker ignores SIGTERM, and an open Pool replaces each worker that dies: so
such a kernel was killed, and left its files.
"""

import contextlib
from typing import Any

from helpers.processes import multiprocessing_internals as internals
from helpers.processes.folders import new_folder

LIMIT = 1.0  # seconds for each step; Jupyter kills a kernel that takes 2.5 s


def prepare_for_the_end(shell: Any) -> None:
    """The shell's kernel ends what multiprocessing runs in it, and keeps its sockets in a folder of ours."""
    if internals.temporary_folder() is None:
        with contextlib.suppress(OSError):  # nothing can be written: helpers.doctor says what to do
            internals.set_temporary_folder(str(new_folder("sockets", sockets=True)))
    kernel = getattr(shell, "kernel", None)
    if kernel is None:  # IPython in a terminal, which ends as every Python does
        return
    shut_down = kernel.do_shutdown

    def end_and_shut_down(restart: bool) -> Any:
        end_multiprocessing()
        return shut_down(restart)

    kernel.do_shutdown = end_and_shut_down


def end_multiprocessing() -> None:
    """Pools, children, fork server and resource tracker of this process have ended, each within a limit."""
    in_time = internals.finish(LIMIT)
    for child in internals.children():
        with contextlib.suppress(ValueError):  # closed meanwhile
            child.terminate()
    for child in internals.children():
        with contextlib.suppress(ValueError):
            child.join(LIMIT / 4)
            child.kill()
            child.join(LIMIT / 4)
    if internals.stop_fork_server(LIMIT / 2) and in_time:  # a lock that is unlinked later asks for a tracker
        internals.stop_tracker(LIMIT / 2)
