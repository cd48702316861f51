"""A dask cluster of processes of its own, started by dask's own commands and ended with this process.

A scheduler and its workers are programs like any other: they get a session of their own, so that the
notebook's interrupt is not theirs, and a watchdog that ends them should this process die.
"""

import atexit
import gc
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from helpers.processes.folders import new_folder, remove_folder
from helpers.programs.program import own_group, surroundings, watched
from helpers.views.table import Table
from helpers.views.words import plural
from helpers.waiting import wait_until

if TYPE_CHECKING:
    from distributed import Client

LIFETIME = 4 * 3600.0  # seconds; a lesson is over by then
_FILE = "scheduler.json"
_SCHEDULER = (
    f"dask scheduler --host 127.0.0.1 --port 0 --dashboard-address 127.0.0.1:0 --scheduler-file {_FILE}"
)
_WORKERS = (
    f"dask worker --scheduler-file {_FILE} --host 127.0.0.1 --nworkers {{}} --nthreads {{}} "
    "--no-dashboard --local-directory scratch"
)
# As text: what disk_usage returns travels as bytecode of the worker's Python, which may kill another one.
_FREE = "__import__('shutil').disk_usage({!r}).free"
_ENOUGH = 100_000_000  # bytes that a worker's disk should have left


class NoCluster(ConnectionError):  # noqa: N818 - it reads as what it says
    """There is no scheduler where one was expected; the message says what to do."""


class Cluster:
    """A scheduler and its workers, which run already at `address`, or are started here.

    Without an address, dask's own commands start them on this machine, as processes of their own; `stop()`
    ends them, and so does the end of this process, however it comes. With an address, nothing is started,
    and `stop()` ends nothing. The repr is the commands.
    """

    def __init__(
        self,
        address: str = "",
        workers: int = 2,
        limit: float = 60.0,
        threads: int = 1,
        settings: "Mapping[str, object] | None" = None,
    ) -> None:
        """Start what there is to start, without waiting for the workers; `limit` is in seconds.

        A worker process takes as many tasks at one time as it has `threads`. `settings` are dask's, such as
        `{"distributed.scheduler.allowed-failures": 1}`; they reach the programs as environment variables.

        Raises NoCluster when no scheduler answers at `address`, or none came up within the limit; ValueError
        for a number of workers below 1.
        """
        if not isinstance(workers, int) or workers < 1:
            raise ValueError(f"workers is {workers!r}: give a whole number from 1")
        self.commands: list[str] = []
        self.address = address
        self.limit = limit
        self.threads = threads
        self._ends = ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._settings = {
            "DASK_" + name.replace(".", "__").replace("-", "_").upper(): str(value)
            for name, value in (settings or {}).items()
        }
        if address:
            connect(address, limit=min(limit, 10.0)).close()
            return
        from helpers.processes.descendants import MARK, birth, new_mark
        from helpers.programs.members import Members

        self._folder = new_folder("cluster")
        self._ends.callback(remove_folder, self._folder)
        (self._folder / "here").mkdir()
        self._ends.enter_context(_scratch(self._folder))
        mark = new_mark()
        self._environment = surroundings(self._folder) | self._settings | {MARK: mark}
        atexit.register(self.stop)
        try:
            watch = self._ends.enter_context(watched(LIFETIME))
            scheduler = self._start(_SCHEDULER)
            self._members = Members(scheduler.pid, birth(scheduler.pid), mark, str(self._folder))
            watch(self._members)
            self._ends.callback(self._end)
            self.add_workers(workers)
            self.address = self._wait_for_address(scheduler)
        except BaseException:
            self.stop()
            raise

    def add_workers(self, workers: int = 2) -> None:
        """Start more workers; they report to the scheduler when they are ready.

        Of a cluster that was not started here, say in a sentence how to, and do nothing.
        """
        if not hasattr(self, "_folder"):
            print(
                "No worker was added, since this cluster was not started here: "
                f"run `dask worker {self.address} --nthreads 1` on a host."
            )
            return
        self._start(_WORKERS.format(workers, self.threads))

    def stop_workers(self, limit: float = 20.0) -> None:
        """Ask the workers that were started here to leave, and return when their processes have ended.

        Of a cluster that was not started here, say in a sentence that they stay.
        """
        if not hasattr(self, "_folder"):
            print("Its workers stay, since this cluster was not started here.")
        for process in self._processes[1:]:
            process.terminate()
        for process in self._processes[1:]:
            process.wait(limit)
        del self._processes[1:]

    def stop(self) -> None:
        """End what was started here; a second call does nothing."""
        atexit.unregister(self.stop)
        self._ends.close()

    def __enter__(self) -> "Cluster":
        """Return the cluster itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what was started here."""
        self.stop()

    def __repr__(self) -> str:
        """Return the commands, one a line, as they would be typed into terminals."""
        if not self.commands:
            return f"a cluster that runs at {self.address}"
        lines = [f"$ export {name}={value}" for name, value in self._settings.items()]
        return "\n".join([*lines, *(f"$ {_in_lines(command)}" for command in self.commands)])

    def _start(self, command: str) -> "subprocess.Popen[bytes]":
        name = command.split()[1]
        with (self._folder / f"{name}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command.split()],
                cwd=self._folder / "here",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **own_group(),
            )
        self._processes.append(process)
        self.commands.append(command)
        return process

    def _wait_for_address(self, scheduler: "subprocess.Popen[bytes]") -> str:
        file, said = self._folder / "here" / _FILE, ""

        def written() -> bool:
            nonlocal said
            if scheduler.poll() is not None:
                raise NoCluster(f"the scheduler ended with exit code {scheduler.returncode}: {self.log()}")
            if file.exists():
                said = file.read_text(encoding="utf-8")
            return said.rstrip().endswith("}")

        try:
            wait_until(written, self.limit, "the scheduler's start")
        except TimeoutError:
            raise NoCluster(f"the scheduler was not up within {self.limit:g} s: {self.log()}") from None
        return str(json.loads(said)["address"])

    def log(self, lines: int = 5) -> str:
        """Return the last lines that the scheduler and the workers have written."""
        texts = [path.read_text(errors="replace").splitlines() for path in sorted(self._folder.glob("*.log"))]
        return "\n".join(line for text in texts for line in text[-lines:]) or "it wrote nothing"

    def _end(self) -> None:
        from helpers.processes.ending import end

        end(self._members)
        for process in self._processes:
            process.wait(5)


def _in_lines(command: str) -> str:
    """Return the command as a shell takes it, on lines that begin with an option and fit a window."""
    whole = re.sub(" (?!--)", "\0", command)  # an option and its value stay together
    return fill(whole, 96, break_on_hyphens=False).replace("\n", " \\\n    ").replace("\0", " ")


def _scratch(folder: Path) -> Any:
    """Return a context in which dask's scratch files of this process, too, lie in our folder."""
    from distributed.config import dask  # the very module; the project depends on distributed alone

    return dask.config.set({"temporary-directory": str(folder)})


def connect(address: str, limit: float = 10.0, **options: Any) -> "Client":
    """Return a Client of the scheduler at `address`; NoCluster, in a sentence, when there is none.

    `options` go to the Client as they are, `security` for one. `limit` is in seconds.
    """
    from distributed import Client

    try:
        return Client(address, timeout=limit, **options)
    except (OSError, ValueError, TypeError) as error:
        said = f"{type(error).__name__}: {error}".strip(": ")
    # The client that failed is half there. Were it collected while another one starts, both would wait for
    # one lock for ever (distributed 2026.8), so it goes here.
    gc.collect()
    if "unexpected keyword argument" in said:
        cure = f"a dask of another release answers there, here {version('distributed')}: install the same"
    elif "tls" in f"{address} {said}".lower():
        cure = "it speaks TLS: hand its certificate over, as in Client(address, security=…)"
    elif "://" not in address or not address.rpartition(":")[2].isdigit():
        cure = "an address looks like tcp://10.0.0.1:8786"
    else:
        cure = "does `dask scheduler` run there, and is its port open?"
    raise NoCluster(f"{said}\nno scheduler answers at {address!r}: {cure}")


def checkup(client: "Client", function: Any = None) -> Table:
    """Return one row per worker: its host, what differs from here, its disk, and whether it has the function.

    It needs nothing of ours on the workers. A function without a module of its own (typed in a cell) travels
    with its call, so it is always there.
    """
    versions = client.get_versions()
    here = versions["client"]["packages"]
    workers = client.scheduler_info(n_workers=-1)["workers"]
    module = getattr(function, "__module__", "__main__") or "__main__"
    found = {} if module == "__main__" else client.run(importlib.import_module, module, on_error="return")
    rows = []
    for number, (address, worker) in enumerate(sorted(workers.items()), 1):
        there = versions["workers"][address]["packages"]
        free = client.run(eval, _FREE.format(worker["local_directory"]), workers=[address])[address]
        full = f"full: {free / 1e6:.0f} MB left, so it cannot spill results"
        rows.append(
            (
                f"worker {number}",
                worker["host"],
                _differences(there, here),
                "enough" if free >= _ENOUGH else full + _paused(worker["status"]),
                _has(found.get(address)),
            )
        )
    caption = f"{plural(len(rows), 'worker')} at {client.scheduler.address.partition('://')[0]}://…"
    return Table(("worker", "host", "versions", "disk", "function"), rows, caption)


def _differences(there: "dict[str, Any]", here: "dict[str, Any]") -> str:
    """Return the sentence for the packages whose versions differ; what one side lacks does not count."""
    differing = [
        f"{name} {there[name]}, here {here[name]}"
        for name in here
        if there.get(name) and here[name] and there[name] != here[name]
    ]
    return "; ".join(differing) + ": install the same on both" if differing else "as here"


def _paused(status: str) -> str:
    return "; its memory is full too, so it takes no more tasks" if status == "paused" else ""


def _has(found: object) -> str:
    if isinstance(found, BaseException):
        return f"{type(found).__name__}: {found}: send it with upload_file, or install its wheel there"
    return "there"
