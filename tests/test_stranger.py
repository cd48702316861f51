"""`pytest --nbval notebooks/` as a stranger types it passes, or one sentence says what to type instead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.leaks import PROJECT

NOTEBOOK = next((PROJECT / "notebooks").glob("02_*.ipynb"))  # the shortest one


def typed(*arguments: str, cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Return what a pytest in this environment does, started outside of this one's workers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments, "--color=no", "-p", "no:cacheprovider"],
        cwd=cwd, env=environment, capture_output=True, encoding="utf-8", errors="replace", timeout=100,
    )  # fmt: skip


@pytest.mark.skipif("[" in str(NOTEBOOK), reason="pytest takes no path with a [, which begins a parameter")
@pytest.mark.parametrize(
    "arguments",
    [
        ["-p", "no:xdist", "--start-method=spawn"],
        ["--noconftest"],
        ["--noconftest", "-p", "no:xdist"],
    ],
    ids=" ".join,
)
def test_notebooks_pass_from_another_folder(tmp_path: Path, arguments: list[str]) -> None:
    """With the gate and without it, with pytest-xdist and without it."""
    run = typed("-m", "pytest", "--nbval", str(NOTEBOOK), *arguments, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed in " in run.stdout


def test_without_nbval_one_sentence_says_what_to_type() -> None:
    """No traceback, no usage of pytest."""
    program = (
        "import importlib.util as there, sys, pytest; find = there.find_spec\n"
        "there.find_spec = lambda name, *more: None if name == 'nbval' else find(name, *more)\n"
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    run = typed("-c", program, "--nbval", str(NOTEBOOK), "-p", "no:nbval")
    assert run.returncode != 0
    assert run.stdout == ""
    assert run.stderr.splitlines() == [
        "nbval is not installed in this Python: type `python3 start.py test notebooks`, that brings it."
    ]
