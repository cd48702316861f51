"""Workers that stay inside their task until they are told, and say that they are there."""

import os
import time


def stay(_: object = None) -> int:
    """Return this process's PID once the folder HELPERS_TRIAL holds a file "go", or after 60 seconds.

    A file there, named after the PID, says that the process is inside.
    """
    folder = os.environ["HELPERS_TRIAL"]
    with open(f"{folder}/inside-{os.getpid()}", "w"):  # noqa: PTH123 - pathlib is slow to import
        pass
    deadline = time.monotonic() + 60
    while not os.path.exists(f"{folder}/go") and time.monotonic() < deadline:  # noqa: PTH110
        time.sleep(0.01)
    return os.getpid()
