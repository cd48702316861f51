"""The list of questions: `docs/questions.csv` is its source, `docs/questions.md` what readers see."""

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tools import AuthoringError, canonical, navigation
from tools.reading import anchor, headings, tags

SOURCE, PAGE = Path("docs", "questions.csv"), Path("docs", "questions.md")
COLUMNS = ["subject", "question", "messages", "notebook", "cell"]
BETWEEN = " | "  # between the wordings of one message
INTRODUCTION = """\
# What went wrong, and where it is answered

You are stuck, or have a message that you do not understand: search this page for its first words, or look for
your question. Each link leads to the section of a notebook in which you run the answer, on your own machine.
"""


@dataclass(frozen=True)
class Question:
    """One row of the list: what readers ask, what they paste into a search box, and the cell that answers."""

    subject: str
    question: str
    messages: tuple[str, ...]
    notebook: str  # its two digits
    cell: str


@dataclass(frozen=True)
class Answer:
    """A question with the notebook that holds its cell."""

    question: Question
    path: Path
    content: Any

    @cached_property
    def place(self) -> int:
        """The index of the cell. Raises AuthoringError when there is none of that name."""
        for index, cell in enumerate(self.content.cells):
            if cell.get("id") == self.question.cell:
                return index
        raise AuthoringError(f"{self._row}: {self.path.name} has no cell {self.question.cell}")

    @property
    def section(self) -> str:
        """The heading below which the cell stands, as it is written."""
        return _headings(self.cells[0])[-1]

    @property
    def cells(self) -> list[Any]:
        """The cells of the section, from the one with its heading to the last one above the next heading."""
        cells = self.content.cells
        heads = [index for index, cell in enumerate(cells) if _headings(cell)]
        first = max(index for index in heads if index <= self.place)
        return list(cells[first : min((index for index in heads if index > first), default=len(cells))])

    @property
    def link(self) -> str:
        """The link from the page to the section."""
        name = navigation.Opening(self.path.name, "", "", 0, "").name
        return f"[{name}: {self.section}](../notebooks/{self.path.name}#{anchor(self.section)})"

    def complaints(self) -> list[str]:
        """Return what is wrong: a cell that is not run, a message not found in the section."""
        cell = self.content.cells[self.place]
        found = []
        if cell.cell_type != "code" or not cell.get("execution_count"):
            found.append(f"{self._row}: cell {cell.id} is not code that was run")
        elif "solution" in tags(cell) or re.match(r"ex\d+-", cell.id):
            found.append(f"{self._row}: cell {cell.id} belongs to an exercise and answers nobody")
        words = searchable(self.cells)
        for message in self.question.messages:
            if without_addresses(message) not in words:
                found.append(
                    f"{self._row}: a search does not find {message!r} in {self.path.name}, {self.section!r}"
                )
        return found

    @property
    def _row(self) -> str:
        return f"{SOURCE.name}, {self.question.question!r}"


def read(root: Path) -> list[Question]:
    """Return the rows of the list in the checkout `root`.

    Raises AuthoringError naming the row that does not have the five columns, or is there twice.
    """
    with (root / SOURCE).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    found: list[Question] = []
    for number, row in enumerate(rows, 2):
        if header != COLUMNS or len(row) != len(COLUMNS) or not all([*row[:2], *row[3:]]):
            raise AuthoringError(f"{SOURCE.name}, row {number}: expected {', '.join(COLUMNS)}; found {row}")
        subject, question, messages, notebook, cell = row
        if question in [one.question for one in found]:
            raise AuthoringError(f"{SOURCE.name}, row {number}: {question!r} is there already")
        wordings = tuple(messages.split(BETWEEN)) if messages else ()
        found.append(Question(subject, question, wordings, notebook, cell))
    return found


def answers(root: Path) -> list[Answer]:
    """Return each question of the list with its notebook.

    Raises AuthoringError naming the question whose notebook is not there.
    """
    paths = {path.name[:2]: path for path in navigation.notebooks_in(root / "notebooks")}
    contents = {number: canonical.read(path) for number, path in paths.items()}
    found = []
    for one in read(root):
        if one.notebook not in paths:
            raise AuthoringError(f"{SOURCE.name}, {one.question!r}: there is no notebook {one.notebook}")
        found.append(Answer(one, paths[one.notebook], contents[one.notebook]))
    return found


def page(root: Path) -> str:
    """Return the page of all questions, by subject.

    Raises AuthoringError as `answers` does, or when a row names a cell that is not there.
    """
    subjects: dict[str, list[str]] = {}  # so a row may stand anywhere in the list
    for one in answers(root):
        subjects.setdefault(one.question.subject, []).append(f"| {_asked(one.question)} | {one.link} |")
    lines = [INTRODUCTION]
    for subject, rows in subjects.items():
        lines += [f"## {subject}", "", "| you ask | you run it in |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _asked(one: Question) -> str:
    return "<br>".join([one.question, *map(_code, one.messages)]).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _headings(cell: Any) -> list[str]:
    return [text for _, text in headings(cell.source)] if cell.cell_type == "markdown" else []


def searchable(cells: list[Any]) -> str:
    """Return what every reader finds in the cells: prose and compared outputs, each address as `0x…`."""
    found = []
    for cell in cells:
        if cell.cell_type == "markdown":
            found.append(cell.source)
        for output in [] if canonical.VOLATILE in tags(cell) else cell.get("outputs", []):
            text = output.get("text", output.get("data", {}).get("text/plain", ""))
            found += [text, f"{output.get('ename', '')}: {output.get('evalue', '')}"]
    return without_addresses("\n".join(found))


def without_addresses(text: str) -> str:
    """Return `text` with each address written `0x…`: it differs from run to run."""
    return re.sub(r"0x[0-9a-f]*…?", "0x…", text)
