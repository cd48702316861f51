"""Scopes: which tests run one after the other in one worker, which begin first, how long they may take.

A scope is a notebook under one start method, a test module, or each single test of a module in `DIVIDED`.
Many short scopes fill any number of workers; one long scope is a floor under the whole run, however many they
are. So a scope that takes far too long fails; `python benchmarks tests` holds the figure for a quiet machine.

pytest-xdist's own way to say this, its mark `xdist_group`, has no effect with pytest 9.2.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator, Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

ALLOWED = 60.0  # seconds of a scope's tests on a quiet machine: what the benchmark holds
LIMIT = 3 * ALLOWED  # what fails anywhere: a machine that is busy or slow takes longer
DIVIDED = ("tests/test_mutants.py",)  # its tests take long, and share nothing
# Kinds of tests that take long. They begin first, so that no worker is left alone with one at the end, and in
# turns, so that not all workers run notebooks at once.
FIRST = (
    "tests/test_browser.py",
    "notebooks/",
    "tests/test_mutants.py",
    "tests/test_gate.py",
    "tests/test_leftovers.py",
    "tests/test_watch.py",
    "tests/test_program.py",
)
REST = "all other tests"


def workers_on(cores: int, *, quick: bool) -> int:
    """Return how many workers fill this many cores; tests wait half of their time, notebooks more."""
    return max(2, min(8, (3 if quick else 2) * cores))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def scope_of(nodeid: str) -> str:
    """Return the scope of a test."""
    module = nodeid.rpartition("::")[0] if "[" not in nodeid else nodeid.partition("::")[0]
    return nodeid if module in DIVIDED else module


def kind_of(nodeid: str) -> str:
    """Return the kind of a test: one of those that take long, or the rest."""
    return next((kind for kind in FIRST if nodeid.startswith(kind)), REST)


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the items scope by scope: first one scope of each kind, then the next ones of each."""
    kinds: dict[str, dict[str, list[pytest.Item]]] = {kind: {} for kind in (*FIRST, REST)}
    for item in items:
        kinds[kind_of(item.nodeid)].setdefault(scope_of(item.nodeid), []).append(item)
    turns = zip_longest(*(scopes.values() for scopes in kinds.values()), fillvalue=())
    return [item for turn in turns for scope in turn for item in scope]


def scheduling(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Return what hands out the scopes, in the order in which the workers have collected them."""
    from xdist.scheduler import LoadScopeScheduling

    class ScopeScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

        def remove_node(self, node: Any) -> str | None:
            """Return the test in which the worker ended, None if in none; no other worker begins with it."""
            units: dict[str, dict[str, bool]] = self.assigned_work[node]
            under_way = [(unit, name) for unit in units.values() for name, over in unit.items() if not over]
            if not under_way:
                return cast("str | None", super().remove_node(node))
            unit, name = under_way[0]
            unit[name] = True
            for scope in [scope for scope, tests in units.items() if all(tests.values())]:
                del units[scope]
            super().remove_node(node)
            return name

    return ScopeScheduling(config, log)


class Scopes:
    """The scopes of a run: how long their tests took, and an end to one that takes too long."""

    def __init__(self) -> None:
        """Nothing has run yet."""
        self.spent: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail the test with which its scope passes the limit."""
        report = yield
        scope = scope_of(item.nodeid)
        if report.when == "call":
            before = self.spent[scope]
            self.spent[scope] += report.duration
            if report.passed and before <= LIMIT < self.spent[scope]:
                report.outcome = "failed"
                report.longrepr = (
                    f"the tests of {scope} have taken {self.spent[scope]:.0f} s, one after the other in one "
                    f"worker ({ALLOWED:g} s are allowed, {LIMIT:g} s on a busy machine): make them shorter, "
                    "or name their module in DIVIDED in tests/gate/scopes.py"
                )
        return report


def table(reports: Iterable[Any]) -> list[str]:
    """Return the lines of a table: seconds of all tests, of each kind, of each scope."""
    scopes: dict[str, float] = defaultdict(float)
    kinds = dict.fromkeys((*FIRST, REST), 0.0)
    for report in reports:
        if isinstance(report, pytest.TestReport):
            scopes[scope_of(report.nodeid)] += report.duration
            kinds[kind_of(report.nodeid)] += report.duration
    rows = [(f"in all {len(scopes)} scopes", sum(scopes.values())), *kinds.items()]
    rows += sorted(scopes.items(), key=lambda row: -row[1])
    return [f"{seconds:8.1f} {what}" for what, seconds in rows]
