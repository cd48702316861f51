"""What is derived from notebooks: links to the neighbours, the course map, README's table and its picture."""

import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from tools import AuthoringError
from tools.canonical import read

FILE_NAME = re.compile(r"\d\d_[a-z0-9]+(?:_[a-z0-9]+)*\.ipynb")
BEGIN, END = "<!-- notebooks:begin -->", "<!-- notebooks:end -->"
PICTURE_BEGIN, PICTURE_END = "<!-- picture:begin -->", "<!-- picture:end -->"
PICTURED = "three-lanes-run"  # the cell of HOME whose picture README shows
PICTURE_FILE = "docs/three_lanes.png"
NAVIGATION, COURSE_MAP = "nav-bottom", "course-map"
HOME = "00_start_here.ipynb"
LABELS = ("You will make", "You will be able to", "You need", "Not needed")

# Which notebooks (by number) fit a class of so many minutes; those not written yet are left out.
ROUTES = {
    "45 minutes": ("00", "02"),
    "90 minutes": ("00", "03", "07"),
    "180 minutes": ("00", "02", "03", "07", "09", "10"),
}


@dataclass(frozen=True)
class Opening:
    """What the first cell of a notebook says about it."""

    file: str
    title: str
    promise: str
    minutes: int
    makes: str

    @property
    def number(self) -> str:
        """The two digits that order the notebooks."""
        return self.file[:2]

    @property
    def name(self) -> str:
        """The notebook's name as links show it: `02 Process identity`."""
        return self.number + " " + self.file.removesuffix(".ipynb")[3:].replace("_", " ").capitalize()


def opening(notebook: Any, file: str) -> Opening:
    """Return what the first cell of `notebook` says, following the convention of `tools`.

    Raises AuthoringError naming the line that is missing.
    """
    first = notebook.cells[0] if notebook.cells else None
    text = first.source if first is not None and first.cell_type == "markdown" else ""
    title = _need(r"\A# (.+)\n+([^\n#*].*)", text, file, "`# Title`, then one sentence of promise")
    minutes = _need(r"^\*(\d+) minutes\*", text, file, "a line that begins with `*20 minutes*`")
    makes = _need(
        r"^\*\*You will make\*\*:? +(.+(?:\n(?!\*\*)\S.*)*)", text, file, "a paragraph **You will make** …"
    )
    return Opening(
        file=file,
        title=title[1].strip(),
        promise=title[2].strip(),
        minutes=int(minutes[1]),
        makes=" ".join(makes[1].split()).rstrip("."),
    )


def _need(pattern: str, text: str, file: str, what: str) -> re.Match[str]:
    if found := re.search(pattern, text, re.MULTILINE):
        return found
    raise AuthoringError(f"{file}, first cell: expected {what}. `python -m tools new` shows the form.")


def openings(folder: Path) -> list[Opening]:
    """Return the openings of the notebooks in `folder`, in reading order.

    Raises AuthoringError when one of them does not follow the convention.
    """
    return [opening(read(path), path.name) for path in notebooks_in(folder)]


def notebooks_in(folder: Path) -> list[Path]:
    """Return the paths of the notebooks in `folder`, in reading order."""
    return sorted(folder.glob("*.ipynb"))


def links(file: str, files: list[str]) -> str:
    """Return the text of `nav-bottom` for the notebook `file` among `files`: previous · contents · next."""
    files = sorted({*files, file})
    place = files.index(file)
    parts = ["[contents](../README.md)" if file == HOME or HOME not in files else f"[contents]({HOME})"]
    if place:
        before = files[place - 1]
        parts.insert(0, f"[← {_name(before)}]({before})")
    if place + 1 < len(files):
        after = files[place + 1]
        parts.append(f"[{_name(after)} →]({after})")
    return " · ".join(parts)


def _name(file: str) -> str:
    return Opening(file, "", "", 0, "").name


def course_map(known: list[Opening]) -> str:
    """Return the text of `course-map`: a table of the notebooks with minutes, and the routes through them."""
    rows = [f"| [{one.name}]({one.file}) | {one.makes} | {one.minutes} |" for one in known]
    lines = [
        "| notebook | you make | minutes |",
        "|---|---|--:|",
        *rows,
        "",
        "| you have | your route | with every exercise |",
        "|---|---|--:|",
    ]
    for label, numbers in ROUTES.items():
        lines.append(_route(label, [one for one in known if one.number in numbers]))
    lines.append(_route("as long as you like", known))
    return "\n".join(lines)


def _route(label: str, chosen: list[Opening]) -> str:
    steps = " → ".join(f"[{one.number}]({one.file})" for one in chosen)
    return f"| {label} | {steps} | {sum(one.minutes for one in chosen)} minutes |"


def readme_table(known: list[Opening]) -> str:
    """Return README's table of the notebooks, between its two markers."""
    rows = [f"| [{one.name}](notebooks/{one.file}) | {one.makes} | {one.minutes} |" for one in known]
    return "\n".join([BEGIN, "| notebook | you make | minutes |", "|---|---|--:|", *rows, END])


def readme_with_table(text: str, known: list[Opening]) -> str:
    """Return README's `text` with a fresh table between its markers.

    Raises AuthoringError when the markers are missing.
    """
    return _between(text, BEGIN, END, readme_table(known), "the table")


def readme_with_picture(text: str, home: Any) -> tuple[str, bytes]:
    """Return README's `text` with the stored picture of one cell of `home` between its markers, and the PNG.

    The alternative text is the picture's sentence. Raises AuthoringError when the markers or the picture are
    missing.
    """
    outputs = [
        output for cell in home.cells if cell.get("id") == PICTURED for output in cell.get("outputs", [])
    ]
    shown = [data for output in outputs if "image/png" in (data := output.get("data", {}))]
    if len(shown) != 1:
        raise AuthoringError(
            f"{HOME}, cell {PICTURED}: expected one stored picture. Run `python -m tools write 00`, "
            "or name another cell in tools/navigation.py."
        )
    sentence = re.sub(r"([\[\]\\])", r"\\\1", _joined(shown[0]["text/plain"]).replace("\n", " "))
    line = f"{PICTURE_BEGIN}\n![{sentence}]({PICTURE_FILE})\n{PICTURE_END}"
    return _between(text, PICTURE_BEGIN, PICTURE_END, line, "the picture"), b64decode(
        _joined(shown[0]["image/png"])
    )


def _joined(text: str | list[str]) -> str:
    """Return a text that a notebook may store line by line."""
    return text if isinstance(text, str) else "".join(text)


def _between(text: str, begin: str, end: str, fresh: str, what: str) -> str:
    """Return the text with `fresh`, which brings its markers along, in place of markers and all between."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise AuthoringError(
            f"README.md: expected one line {begin} and one line {end} below it, where {what} goes."
        )
    before, rest = text.split(begin)
    return before + fresh + rest.split(end)[1]


def derive(notebook: Any, file: str, files: list[str], known: list[Opening]) -> None:
    """Bring the generated cells of `notebook` up to date, in place: its last cell and the course map."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != NAVIGATION]
    notebook.cells.append(nbformat.v4.new_markdown_cell(links(file, files), id=NAVIGATION))
    for cell in notebook.cells:
        if file == HOME and cell.get("id") == COURSE_MAP:
            cell.source = course_map(known)
