"""A stored notebook as the rules of form read it: its cells, what a reader sees, the code as a tree."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tools import canonical, navigation

MAGICS = ("%%program", "%%workers")


@dataclass(frozen=True)
class Notebook:
    """One stored notebook: its path, the text of its file, and the project's root."""

    path: Path
    text: str
    root: Path

    @cached_property
    def content(self) -> Any:
        """The notebook as it is stored."""
        return canonical.parse(self.text)

    @property
    def cells(self) -> list[Any]:
        """All cells."""
        return list(self.content.cells)

    @property
    def code(self) -> list[Any]:
        """The code cells."""
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def prose(self) -> list[Any]:
        """The markdown cells that somebody wrote: without the generated ones."""
        generated = (navigation.NAVIGATION, navigation.COURSE_MAP)
        return [cell for cell in self.cells if cell.cell_type == "markdown" and cell.id not in generated]


def load(path: Path, root: Path) -> Notebook:
    """Return the notebook stored at `path`. Raises AuthoringError when the file is not a notebook."""
    canonical.read(path)
    return Notebook(path, path.read_text(encoding="utf-8"), root)


def tags(cell: Any) -> list[str]:
    """Return the tags of a cell."""
    return list(cell.metadata.get("tags", []))


def code_lines(cell: Any) -> int:
    """Return how many lines of a cell are not empty."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def without_code(text: str) -> str:
    """Return markdown without its code blocks and spans."""
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "`x`", _without_blocks(text))


def words(text: str) -> list[str]:
    """Return the words of markdown that a reader sees; a code span is one word, code blocks are none."""
    text = re.sub(r"\]\([^)]*\)", "]", without_code(text))
    return re.findall(r"\w[\w'-]*", re.sub(r"<[^>]+>", " ", text))


def headings(text: str) -> list[tuple[str, str]]:
    """Return (marks, text) for each heading of markdown."""
    return re.findall(r"^(#{1,6}) +(.+?)\s*$", _without_blocks(text), re.MULTILINE)


def anchor(heading: str) -> str:
    """Return what JupyterLab, nbviewer and GitHub call a notebook's heading in a link: `Break-it`."""
    return heading.replace("`", "").replace("*", "").replace(" ", "-")


def _without_blocks(text: str) -> str:
    return re.sub(r"^(```|~~~).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)


def tree(cell: Any) -> ast.Module:
    """Return the syntax tree of a code cell without its magic line; an empty one where it is no Python."""
    magic, _, rest = cell.source.partition("\n")
    return parsed(rest if magic.startswith("%%") else cell.source) or ast.Module([], [])


def parsed(text: str) -> ast.Module | None:
    """Return the syntax tree of `text`, None when it is no Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def dotted(node: ast.expr) -> str:
    """Return how a callable is written, without arguments: `Pool(2).map` is `Pool.map`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return dotted(node.func) if isinstance(node, ast.Call) else "…"


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield every call below `node`."""
    return (one for one in ast.walk(node) if isinstance(one, ast.Call))
