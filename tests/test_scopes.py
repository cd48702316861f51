"""Tests are handed out in short scopes, those that take long first, and a scope that takes too long fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.flakes import Tally, count
from tests.gate.leaks import PROJECT
from tests.gate.scopes import DIVIDED, FIRST, LIMIT, Scopes, in_order, scope_of

DEAF = """
    import signal, time, pytest
    @pytest.mark.limit(1)
    def test_deaf():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        time.sleep(100)
    def test_after(): pass
"""
TWO_MODULES = """
    import os, pytest
    @pytest.mark.parametrize("number", range(4))
    def test_it(number): print("in", __name__, os.environ["PYTEST_XDIST_WORKER"])
"""


def pytest_says(*arguments: str, code: int = 0) -> str:
    """Return the output of a pytest that is not inside a worker of this one, and ends with this exit code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *arguments],
        cwd=PROJECT, env=environment, capture_output=True, encoding="utf-8", errors="replace", timeout=100,
    )  # fmt: skip
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout


def in_modules(folder: Path, **sources: str) -> list[str]:
    """Write modules of tests into the folder; return the options that make it a project under the gate."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed: pip install -e '.[test]' brings it")
    for name, source in sources.items():
        (folder / f"test_{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    config = ["-p", "tests.gate.plugin", "-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(folder)]
    return [*config, str(folder)]


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/test_x.py::test_it", "tests/test_x.py"),
        ("tests/test_x.py::test_it[a::b]", "tests/test_x.py"),
        ("notebooks/03_x.ipynb@spawn::Cell 1 first", "notebooks/03_x.ipynb@spawn"),
        ("notebooks/03_x.ipynb@spawn::leaks", "notebooks/03_x.ipynb@spawn"),
        (f"{DIVIDED[0]}::test_it[03]", f"{DIVIDED[0]}::test_it[03]"),
        (f"{DIVIDED[0]}::test_it", f"{DIVIDED[0]}::test_it"),
    ],
)
def test_a_scope_is_a_notebook_a_module_or_one_test(nodeid: str, scope: str) -> None:
    assert scope_of(nodeid) == scope


def test_what_takes_long_begins_first_and_in_turns() -> None:
    names = [
        "tests/test_a.py::x",
        "tests/test_a.py::y",
        f"{DIVIDED[0]}::x",
        f"{DIVIDED[0]}::y",
        f"{FIRST[3]}::x",
    ]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    assert [names.index(item.nodeid) for item in in_order(items)] == [2, 4, 0, 1, 3]
    assert all((PROJECT / module).exists() for module in (*FIRST, *DIVIDED)), "a name in the list is stale"


def test_a_scope_that_takes_too_long_fails_once() -> None:
    scopes, outcomes = Scopes(), []
    for seconds in (LIMIT - 1, 2, 3):
        report = SimpleNamespace(when="call", duration=seconds, passed=True, outcome="passed", longrepr="")
        hook = scopes.pytest_runtest_makereport(SimpleNamespace(nodeid="tests/test_x.py::test_it"))  # type: ignore[arg-type]
        next(hook)
        with pytest.raises(StopIteration):
            hook.send(report)
        outcomes.append((report.outcome, report.longrepr.partition(" s,")[0]))
    took = f"the tests of tests/test_x.py have taken {LIMIT + 1:.0f}"
    assert outcomes == [("passed", ""), ("failed", took), ("passed", "")]


def test_a_module_stays_in_one_worker_and_workers_have_none(tmp_path: Path) -> None:
    said = pytest_says(*in_modules(tmp_path, one=TWO_MODULES, two=TWO_MODULES), "-n2", "-rP")
    places = sorted({line.removeprefix("in ") for line in said.splitlines() if line.startswith("in ")})
    assert len(places) == 2, places
    assert [place.split()[0].rpartition(".")[2] for place in places] == ["test_one", "test_two"]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signals to be deaf to")
def test_a_worker_that_hears_no_limit_ends_and_the_next_goes_on(tmp_path: Path) -> None:
    said = pytest_says(*in_modules(tmp_path, deaf=DEAF), "-n1", code=1)
    assert "crashed while running 'test_deaf.py::test_deaf'" in said
    assert "1 failed, 1 passed" in said


def test_the_quick_tests_are_all_notebooks_once_with_form_and_lint() -> None:
    names = pytest_says("--quick", "--collect-only", "-q", "-n0").split("\n\n")[0].splitlines()
    scopes = {scope_of(name) for name in names}
    notebooks = sorted(path.name for path in (PROJECT / "notebooks").glob("*.ipynb"))
    assert [scope.split("/")[1].split("@")[0] for scope in sorted(scopes) if "@" in scope] == notebooks
    assert sorted(scope for scope in scopes if "@" not in scope) == [
        f"tests/test_{what}.py" for what in ("form", "quality", "questions")
    ]


def test_failures_of_notebooks_are_counted_with_their_reasons(tmp_path: Path) -> None:
    result = tmp_path / "result.xml"
    result.write_text(
        """<testsuites><testsuite>
        <testcase classname="notebooks.03_x.ipynb@fork" name="Cell 0 a" time="1"/>
        <testcase classname="notebooks.03_x.ipynb@fork" name="Cell 1 b"><failure message="differs">Input:
            x
            Traceback: 1 is not 2</failure></testcase>
        <testcase classname="notebooks.03_x.ipynb@spawn" name="leaks"/>
        </testsuite></testsuites>""",
        encoding="utf-8",
    )
    tallies = {"03_x@fork": Tally(), "03_x@spawn": Tally()}
    assert count(result, tallies) == 2
    assert tallies == {"03_x@fork": Tally(1, 1, ["Cell 1 b: 1 is not 2"]), "03_x@spawn": Tally(1)}
