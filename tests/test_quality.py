"""The code is formatted, free of lint, and typed: ruff over all, notebooks included, and strict mypy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = {
    "lint": ["ruff", "check", "--no-cache"],
    "format": ["ruff", "format", "--check", "--no-cache"],
    "types": ["mypy", "--cache-dir"],
}
pytestmark = pytest.mark.quick


@pytest.mark.parametrize("tool", TOOLS)
def test_quality(tool: str, tmp_path: Path) -> None:
    arguments = [*TOOLS[tool], str(tmp_path)] if tool == "types" else TOOLS[tool]
    outcome = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=300,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout
