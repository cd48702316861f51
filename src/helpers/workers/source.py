"""A real job on real input: count what the standard library defines."""

import ast
import os
import warnings
from collections.abc import Iterable, Iterator

# What was installed beside the library; and its own tests, which many systems do not ship and which are more
# than half of the text: with them the job takes most of a minute on a machine that is busy.
_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__"}


def library_files() -> list[str]:
    """Return the sorted paths of all .py files of this interpreter's standard library but its own tests."""
    import sysconfig  # only the parent, which deals out the files, needs it

    found: list[str] = []
    for folder, folders, names in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        found += [f"{folder}{os.sep}{name}" for name in names if name.endswith(".py")]
    return sorted(found)


def count_definitions(path: str) -> int:
    """Return how many functions and classes the Python file defines, 0 when it is not valid Python."""
    with open(path, "rb") as file:
        tree = parse(file.read())
    return sum(isinstance(node, DEFINITIONS) for node in statements(tree.body))


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parse(text: bytes) -> ast.Module:
    """Return what `ast.parse` makes of the bytes, silently; an empty module where they are not Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the style of a file that we only count
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ast.Module([], [])


def statements(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements and all that they hold; definitions are nowhere else, and expressions are many."""
    for node in nodes:
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from statements(getattr(node, part, ()))
