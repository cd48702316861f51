"""What is imported is declared, what is declared is imported: pyproject.toml against the source."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.canonical import read
from tools.reading import tree

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = {"helpers", "tools", "tests", "benchmarks", "start", "conftest"}
OF_THE_CLUSTER = {
    "cryptography": "distributed makes temporary certificates with it",
    "dask-jobqueue": "lesson 14 prints one of its job scripts",
}
DISTRIBUTIONS = packages_distributions()
# Declared and not imported, with the reason.
RUN = {
    "check-jsonschema": "test_packaging runs it",
    "hatchling": "test_wheel runs it",
    "jupyter-repo2docker": "test_packaging runs it",
    "jupyterlab": "start.py runs it, and so do the tests in a browser",
    "mypy": "test_quality runs it",
    "py-rattler": "test_packaging imports it where it is there",
    "pytest-xdist": "a plugin of pytest: the tests are handed out by it",
    "ruff": "test_quality runs it",
    "types-psutil": "mypy reads it",
    "types-pyyaml": "mypy reads it",
}


def declared(*extras: str) -> set[str]:
    """Return the names of the distributions that the project needs, with these extras beside."""
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return {str(canonicalize_name(Requirement(line).name)) for line in lines} - {PROJECT["name"]}


def imported(trees: Iterator[ast.AST]) -> set[str]:
    """Return the distributions whose modules are imported anywhere in these trees."""
    found = set()
    for node in (node for one in trees for node in ast.walk(one)):
        if isinstance(node, ast.Import):
            found |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    foreign = found - OWN - sys.stdlib_module_names
    return {canonicalize_name(DISTRIBUTIONS.get(name, [name])[0]) for name in foreign}


def sources(*folders: str) -> Iterator[ast.AST]:
    """Yield the syntax tree of each file of Python below these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def notebooks() -> Iterator[ast.AST]:
    """Yield the syntax tree of each code cell."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        yield from (tree(cell) for cell in read(path).cells if cell.cell_type == "code")


def test_dependencies_are_what_helpers_import() -> None:
    """Lesson 14 has an extra of its own: nobody else's start waits for it."""
    assert imported(sources("src")) == declared() | {"distributed"}
    assert declared("cluster") - declared() == {"distributed"} | OF_THE_CLUSTER.keys()


def test_notebooks_import_what_is_declared() -> None:
    """Or modules that their own %%workers cells make, which are no distributions."""
    installed = {canonicalize_name(name) for names in DISTRIBUTIONS.values() for name in names}
    assert imported(notebooks()) & installed <= declared("cluster")


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (["tools"], ["notebooks", "test"]),
        (["tests"], ["cluster", "notebooks", "test"]),
        (["benchmarks"], ["bench", "cluster"]),
    ],
)
def test_extras_hold_what_else_is_imported(folders: list[str], extras: list[str]) -> None:
    assert imported(sources(*folders)) <= declared(*extras)


def test_extras_hold_nothing_else() -> None:
    used = imported(sources("src", "tools", "tests", "benchmarks")) | RUN.keys() | OF_THE_CLUSTER.keys()
    assert declared("cluster", "notebooks", "test", "bench") - declared() <= used
    assert RUN.keys() <= declared("notebooks", "test")
