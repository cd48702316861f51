"""Run a learner's program under a start method, and note what only its own process can see: a script.

Each process that the program starts adds a byte to the file `note`.  A program that forks though it was told
not to ends with PinnedToFork, and one whose pool loses a worker ends, as its pool would wait for ever.
"""

import multiprocessing
import os
import runpy
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any


class PinnedToFork(RuntimeError):  # noqa: N818 - it reads as what it says
    """The program asked for fork itself."""


def main(method: str, note: str, script: str, *arguments: str) -> None:
    """Run the script with these arguments; `method` is its default start method."""
    from helpers.processes.multiprocessing_internals import on_dead_workers

    multiprocessing.set_start_method(method)
    if method != "fork":
        sys.addaudithook(_refuse_fork)
    start = BaseProcess.start

    def noted(process: Any) -> None:
        with open(note, "a") as file:  # noqa: PTH123 - as quick as can be
            file.write("x")
        start(process)

    BaseProcess.start = noted  # type: ignore[assignment,method-assign]
    on_dead_workers(lambda codes: os._exit(1))
    sys.argv[:] = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


def _refuse_fork(event: str, _: object) -> None:
    if event == "os.fork":
        raise PinnedToFork("this program forks")


if __name__ == "__main__":
    main(*sys.argv[1:])
