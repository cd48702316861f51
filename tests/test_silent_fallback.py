"""Where parmap would quietly work without processes, what the tests start fails, unless it asks for that."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.test_gate import outcomes

RUN = """
if __name__ == "__main__":
    import warnings
    import parmap
    from helpers.workers.formulas import inner_squares
    {code}
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    """Return what became of a program that the tests started, as notebooks and their programs are."""
    source = RUN.format(code=code)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)


def test_a_serial_run_by_mistake_is_an_error_here() -> None:
    import parmap

    with pytest.raises(UserWarning, match="Number of processes must be at least 1"):
        parmap.map(abs, [-1], pm_processes=0)


def test_a_serial_run_by_mistake_is_an_error_in_a_child() -> None:
    outcome = run("print(parmap.map(abs, [-1], pm_processes=0))")
    assert outcome.returncode == 1
    assert outcome.stderr.rstrip().endswith("UserWarning: Number of processes must be at least 1")


def test_a_serial_run_by_mistake_is_an_error_in_a_worker() -> None:
    outcome = run("print(parmap.map(parmap.map, [abs], [-1], pm_processes=2))")
    assert outcome.returncode == 1
    assert "UserWarning: daemonic processes are not allowed to have children" in outcome.stderr


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(parmap.map(abs, [-1], pm_processes=2))", "[1]"),
        ("print(parmap.map(abs, [-1], pm_parallel=False))", "[1]"),
        ("warnings.simplefilter('ignore'); print(parmap.map(abs, [-1], pm_processes=0))", "[1]"),
        ("print(parmap.map(inner_squares, [2], pm_processes=2))", "[([0, 1], 1)]"),
    ],
)
def test_a_pool_an_asked_for_serial_run_and_a_lesson_are_not(code: str, printed: str) -> None:
    outcome = run(code)
    assert (outcome.returncode, outcome.stdout.strip()) == (0, printed), outcome.stderr


CELLS = {  # each with what it shows
    "import warnings, parmap": "",
    "parmap.map(abs, [-1, -2], pm_processes=2)": "[1, 2]",
    "parmap.map(abs, [-1, -2], pm_parallel=False)": "[1, 2]",
    "with warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n"
    "    found = parmap.map(abs, [-1, -2], pm_processes=0)\nfound": "[1, 2]",
    "parmap.map(abs, [-1, -2], pm_processes=0)": "[1, 2]",
}


def test_a_serial_run_by_mistake_is_an_error_in_a_notebook(tmp_path: Path) -> None:
    notebook = new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )
    for prompt, (source, shown) in enumerate(CELLS.items(), 1):
        cell = new_code_cell(source, id=f"cell-{prompt}", execution_count=prompt)
        if shown:
            result = {"output_type": "execute_result", "data": {"text/plain": shown}}
            cell.outputs = [new_output(**result, execution_count=prompt)]
        notebook.cells.append(cell)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / "serial.ipynb")
    *good, mistake, leaks = outcomes(folder).values()
    assert good == [""] * 4
    assert "Number of processes must be at least 1" in mistake
    assert "not asked" in leaks
