"""The gate as a pytest plugin: true notebooks under every start method, nothing left behind, nothing endless.

It builds on the internals of nbval 0.11.0 and refuses any other. Options:

- `--start-method spawn` (repeatable) runs the notebooks under these only; all that the system has otherwise.
- `--leak-grace 5` is how many seconds processes may take to leave after a test or notebook.
- `--notebook-times` ends with a table: seconds of each notebook's cells, kernel start and end.
- `--no-watch-files` does not look for new or changed files in the project: for running while you edit.
"""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import signal
import threading
from collections import defaultdict
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbval.plugin import IPyNbFile  # type: ignore[import-untyped]

from tests.gate.leaks import (
    GRACE,
    PROJECT,
    Family,
    Leftover,
    changed_files,
    own_family,
    report,
    tree,
    wait_for_nothing,
)
from tests.gate.limits import limit_of, limited
from tests.gate.notebooks import LeaksItem, NotebookCell, NotebookFile

NBVAL = "0.11.0"
NEGATIVES = PROJECT / "tests" / "negative"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the gate's options."""
    group = parser.getgroup("gate", "the gate around tests and notebooks")
    methods = multiprocessing.get_all_start_methods()
    group.addoption(
        "--start-method", action="append", choices=methods, help="run notebooks under this (repeatable)"
    )
    group.addoption("--leak-grace", type=float, default=GRACE, help="seconds for processes to leave")
    group.addoption("--notebook-times", action="store_true", help="show where the notebooks' time went")
    group.addoption(
        "--no-watch-files",
        dest="watch_files",
        action="store_false",
        help="allow files of the project to change",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put this process under the gate: its marks, its records, and an end by SIGTERM that cleans up."""
    found = importlib.metadata.version("nbval")
    if found != NBVAL:
        raise pytest.UsageError(
            f"the gate builds on nbval {NBVAL}, but {found} is installed: install that one"
        )
    config.addinivalue_line("markers", "limit(seconds): the test may take this long instead of 120 s")
    stack = ExitStack()
    gate = Gate(
        stack.enter_context(own_family()), watch=config.rootpath if config.getoption("watch_files") else None
    )
    stack.callback(gate.family.end)
    config.add_cleanup(stack.close)
    config.pluginmanager.register(gate, "gate")
    _end_well_on_sigterm()


def _end_well_on_sigterm() -> None:
    """Turn SIGTERM into an interrupt, so that kernels and their children do not outlive pytest."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt("SIGTERM")

    def default_in_child() -> None:
        if signal.getsignal(signal.SIGTERM) is interrupt:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, interrupt)
    os.register_at_fork(after_in_child=default_in_child)  # a forked child must still die of SIGTERM


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
    methods = parent.config.getoption("start_method") or multiprocessing.get_all_start_methods()
    return [
        made
        for collector in collectors
        for made in (
            [NotebookFile.of(collector, method) for method in methods]
            if isinstance(collector, IPyNbFile)
            else [collector]
        )
    ]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show where the notebooks' time went: cells, kernel start (setup) and end (leaks and teardown)."""
    if not config.getoption("notebook_times"):
        return
    times: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for report_ in (report_ for reports in terminalreporter.stats.values() for report_ in reports):
        scope, _, item = getattr(report_, "nodeid", "").rpartition("::")
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

    def __init__(self, family: Family, watch: Path | None) -> None:
        """Know what was there before the first test."""
        self.family = family
        self.known = {leftover.key for leftover in family.left()}
        self.watch = watch
        self.files: dict[str, tuple[int, int]] = {}
        self.held: dict[int, set[str]] = {}

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
        with limited(limit_of(item)):
            yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Limit the test; a cell has limits of its own."""
        if isinstance(item, NotebookCell | LeaksItem):
            return (yield)
        with limited(limit_of(item)):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Look when the fixtures are gone: what is left fails the test, and is put away."""
        with limited(limit_of(item)):
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
