"""The gate as a pytest plugin: true notebooks under every start method, nothing left behind, nothing endless.

It builds on the internals of nbval 0.11.0 and refuses any other. Options:

- `--quick` is an author's answer over all notebooks: each once, under the system's own start method, and the
  tests marked `quick` (form, lint, types); nothing in a browser, no planted wrong answers.
- `--start-method spawn` (repeatable) runs the notebooks under these only; all that the system has otherwise.
- `--leak-grace 5` is how many seconds processes may take to leave after a test or notebook.
- `--notebook-times` ends with a table: seconds of each notebook's cells, kernel start and end.
- `--scope-times` ends with a table: seconds of each scope, which is what one worker runs in one piece.
- `--no-watch-files` does not look for new or changed files in the project: for running while you edit.
"""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbval.plugin import IPyNbFile  # type: ignore[import-untyped]

from tests.gate.leaks import (
    GRACE,
    PROJECT,
    Leftover,
    Marked,
    changed_files,
    own_family,
    report,
    tree,
    wait_for_nothing,
)
from tests.gate.limits import limit_of, limited
from tests.gate.notebooks import LeaksItem, NotebookCell, NotebookFile
from tests.gate.scopes import Scopes, cores, in_order, scheduling, scope_of, table, workers_on

NBVAL = "0.11.0"
NEGATIVES = PROJECT / "tests" / "negative"
LONG = 40  # characters of a temporary folder's name, above which sockets in it may not work
CRASHES = "4"  # workers that may die before the run ends
CELL_LIMIT, CELL_LIMIT_OF_NBVAL = 60.0, 2000.0  # seconds


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the gate's options."""
    group = parser.getgroup("gate", "the gate around tests and notebooks")
    methods = multiprocessing.get_all_start_methods()
    group.addoption(
        "--start-method", action="append", choices=methods, help="run notebooks under this (repeatable)"
    )
    group.addoption("--quick", action="store_true", help="notebooks once, form, lint and types only")
    group.addoption("--leak-grace", type=float, default=GRACE, help="seconds for processes to leave")
    group.addoption("--notebook-times", action="store_true", help="show where the notebooks' time went")
    group.addoption("--scope-times", action="store_true", help="show how long each scope took")
    group.addoption(
        "--no-watch-files",
        dest="watch_files",
        action="store_false",
        help="allow files of the project to change",
    )


@pytest.hookimpl(wrapper=True)  # before pytest-xdist looks, in whatever order the plugins were loaded
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """Set what nobody chose: notebooks strictly, in this environment's kernel, and workers where they can be.

    It is done here and not by `addopts`, which would stop a pytest that has no pytest-xdist.
    """
    option = config.option
    if not hasattr(option, "nbval_lax"):
        raise pytest.UsageError("the gate needs nbval's plugin: leave out `-p no:nbval`")
    option.nbval = not option.nbval_lax
    option.nbval_current_env = option.nbval_kernel_name is None
    if option.nbval_cell_timeout == CELL_LIMIT_OF_NBVAL:
        option.nbval_cell_timeout = CELL_LIMIT
    # A worker asks here, too, and so does a pytest that a test starts: neither may have workers of its own.
    if hasattr(option, "numprocesses") and "PYTEST_XDIST_WORKER" not in os.environ:
        if option.numprocesses is None and not option.tx:
            option.numprocesses = "auto"
        if option.numprocesses != 0 and option.dist == "no":
            option.dist, option.loadscopereorder = "loadscope", False
        option.maxworkerrestart = option.maxworkerrestart or CRASHES
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out the scopes of `tests/gate/scopes.py`."""
    return scheduling(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return more workers than cores: see `tests/gate/scopes.py`."""
    return workers_on(cores(), quick=config.getoption("quick"))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put this process under the gate: its marks, its records, and an end by SIGTERM that cleans up."""
    found = importlib.metadata.version("nbval")
    if found != NBVAL:
        raise pytest.UsageError(
            f"the gate builds on nbval {NBVAL}, but {found} is installed: install that one"
        )
    config.addinivalue_line("markers", "limit(seconds): the test may take this long instead of 120 s")
    config.addinivalue_line("markers", "quick: what an author asks for with --quick, beside the notebooks")
    stack = ExitStack()
    stack.enter_context(_short_temporary_folder())
    gate = Gate(
        stack.enter_context(own_family()), watch=config.rootpath if config.getoption("watch_files") else None
    )
    stack.callback(gate.family.end)
    stack.callback(os.close, gate.stderr)
    config.add_cleanup(stack.close)
    config.pluginmanager.register(gate, "gate")
    config.pluginmanager.register(Scopes(), "scopes")
    _end_well_on_sigterm()
    _listen_to_sigint()


@contextmanager
def _short_temporary_folder() -> Iterator[None]:
    """Let tests use /tmp where the user's temporary folder has a long name.

    The name of a socket may have about 100 characters, and Python puts a fork server's into a folder in that
    folder: up to 3.13 it cannot start there at all, which `doctor` tells a reader.
    """
    with pytest.MonkeyPatch.context() as patch:
        if os.name == "posix" and len(tempfile.gettempdir()) > LONG and os.access("/tmp", os.W_OK):
            patch.setattr(tempfile, "tempdir", None)
            patch.setenv("TMPDIR", "/tmp")
        yield


def _end_well_on_sigterm() -> None:
    """Turn SIGTERM into an interrupt, so that kernels and their children do not outlive pytest."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    masks = threading.local()

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt("SIGTERM")

    def hold_back() -> None:
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def let_through() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    def default_in_child() -> None:
        if signal.getsignal(signal.SIGTERM) is interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let_through()

    signal.signal(signal.SIGTERM, interrupt)
    # A forked child must still die of SIGTERM, from its first moment on: a pool that is ended while it starts
    # its workers would else wait for one whose signal met our handler, or nobody.
    os.register_at_fork(before=hold_back, after_in_parent=let_through, after_in_child=default_in_child)


def _listen_to_sigint() -> None:
    """Hear Ctrl-C even where a shell's `&` or `trap '' INT` has it ignored.

    Tests interrupt programs as a terminal does, and a program inherits what is ignored.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# ---------------------------------------------------------------------------------- notebooks
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the notebooks that are meant to fail to those who name them."""
    if collection_path != NEGATIVES:
        return None
    named = [config.invocation_params.dir / argument.split("::")[0] for argument in config.args]
    return None if any(path.is_relative_to(NEGATIVES) for path in named) else True


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(parent: pytest.Collector) -> Generator[None, list[Any], list[Any]]:
    """Put one collector for each start method in the place of nbval's one."""
    collectors = yield
    all_methods = multiprocessing.get_all_start_methods()  # the first is the system's own
    of_all = all_methods[:1] if parent.config.getoption("quick") else all_methods
    methods = parent.config.getoption("start_method") or of_all
    return [
        made
        for collector in collectors
        for made in (
            [NotebookFile.of(collector, method) for method in methods]
            if isinstance(collector, IPyNbFile)
            else [collector]
        )
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what an author asks for with `--quick`; a worker begins with what takes long."""
    if hasattr(config, "workerinput"):
        items[:] = in_order(items)
    if not config.getoption("quick"):
        return
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        of_a_notebook = isinstance(item, NotebookCell | LeaksItem)
        (kept if of_a_notebook or item.get_closest_marker("quick") else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the tables of times that were asked for."""
    if config.getoption("scope_times"):
        terminalreporter.section("scopes in seconds")
        for line in table(report for reports in terminalreporter.stats.values() for report in reports):
            terminalreporter.write_line(line)
    if config.getoption("notebook_times"):
        _show_notebook_times(terminalreporter)


def _show_notebook_times(terminalreporter: Any) -> None:
    """Show where the notebooks' time went: cells, kernel start (setup) and end (leaks and teardown)."""
    times: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for report_ in (report_ for reports in terminalreporter.stats.values() for report_ in reports):
        nodeid = getattr(report_, "nodeid", "")
        scope, item = scope_of(nodeid), nodeid.rpartition("::")[2]
        if ".ipynb@" in scope and hasattr(report_, "when"):
            part = {"setup": "start", "teardown": "end"}.get(
                report_.when, "end" if item == "leaks" else "cells"
            )
            times[scope][part] += report_.duration
    terminalreporter.section("notebook times in seconds")
    terminalreporter.write_line(f"{'cells':>8} {'start':>8} {'end':>8}")
    total: dict[str, float] = defaultdict(float)
    for scope, parts in sorted(times.items()):
        terminalreporter.write_line(
            "".join(f"{parts[part]:8.1f} " for part in ("cells", "start", "end")) + scope
        )
        for part, seconds in parts.items():
            total[part] += seconds
    terminalreporter.write_line(
        "".join(f"{total[part]:8.1f} " for part in ("cells", "start", "end")) + "in all"
    )


# ---------------------------------------------------------------------------------- ordinary tests
class Gate:
    """The gate around every test that is not part of a notebook.

    A fixture of wider scope may hold a process, named memory or a file from its set-up to its end.
    """

    def __init__(self, family: Marked, watch: Path | None) -> None:
        """Know what was there before the first test."""
        self.family = family
        self.known = {leftover.key for leftover in family.left()}
        self.watch = watch
        self.files: dict[str, tuple[int, int]] = {}
        self.held: dict[int, set[str]] = {}
        self.stderr = os.dup(2)  # what pytest captures of a worker is lost with it

    def _now(self) -> list[Leftover]:
        return self.family.left() + self._changed()

    def _changed(self) -> list[Leftover]:
        return changed_files(self.files, self.watch) if self.watch else []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Remember the project's files, and limit the whole test with its fixtures."""
        if isinstance(item, NotebookCell | LeaksItem):
            return (yield)
        self.files = tree(self.watch) if self.watch else {}
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Limit the fixtures' set-up."""
        with limited(limit_of(item), self.stderr):
            yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Limit the test; a cell has limits of its own."""
        if isinstance(item, NotebookCell | LeaksItem):
            return (yield)
        with limited(limit_of(item), self.stderr):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Look when the fixtures are gone: what is left fails the test, and is put away."""
        with limited(limit_of(item), self.stderr):
            yield
        if isinstance(item, NotebookCell | LeaksItem):
            return
        known = self.known.union(*self.held.values())
        left = wait_for_nothing(self.family, known | self._below_held(), item.config.getoption("leak_grace"))
        self.family.clean_up(left)
        left += [leftover for leftover in self._changed() if leftover.key not in known]
        if left:
            pytest.fail(report(left, item.name), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        """Let a fixture of wider scope hold what it made."""
        if fixturedef.scope == "function":
            return (yield)
        before = {leftover.key for leftover in self._now()}
        try:
            return (yield)
        finally:
            self.held[id(fixturedef)] = {leftover.key for leftover in self._now()} - before

    def pytest_fixture_post_finalizer(self, fixturedef: Any) -> None:
        """End the permission with the fixture."""
        self.held.pop(id(fixturedef), None)

    def _below_held(self) -> set[str]:
        """Return the keys of the processes that held ones started."""
        held = set().union(*self.held.values())
        if not any(key.startswith("process ") for key in held):
            return set()
        below: set[str] = set()
        for process in self.family.processes():
            with suppress(psutil.Error):  # gone while we looked
                if any(f"process {parent.pid}" in held for parent in process.parents()):
                    below.add(f"process {process.pid}")
        return below
