"""The learner's copies: lessons without outputs, solutions behind one click, in a folder of their own.

Standard library only: `start.py` imports this before anything is installed. The folder holds a small record,
`.copies.json`: for each lesson a fingerprint of the copy as it was made.

What counts as touched: the text, kind, order and tags of the cells, which is all that a learner writes.
Prompt numbers, outputs and other metadata do not, since any cell that is run changes them, and JupyterLab
saves them by itself. A copy that was only run therefore follows its lesson (its outputs belong to a lesson
that is no more), and the report says so; as long as the lesson stays, nothing is written and outputs stay.
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

RECORD = ".copies.json"
SOLUTION = "solution"  # the tag
Cell = dict[str, Any]


@dataclass
class Report:
    """What was done to the copies in one folder: names of lessons, in reading order."""

    folder: Path
    made: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    rerun: list[str] = field(default_factory=list)  # those among `renewed` that had outputs
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # touched, and their lesson is another one by now

    def __str__(self) -> str:
        """Return one line about what was done and one about what was left alone, or nothing."""
        said = [
            f"{len(names)} {word}"
            for names, word in ((self.made, "made"), (self.renewed, "renewed"), (self.removed, "removed"))
            if names
        ]
        lines = [f"Copies of the lessons in {self.folder}: {', '.join(said)}."] if said else []
        if self.rerun:
            lines[0] += f" Run again what is new: {', '.join(self.rerun)}."
        if self.kept:
            lines.append(
                f"Changed since you wrote in your copy, which stays as it is: {', '.join(self.kept)}. "
                "To have the new lesson too, rename your copy and start again."
            )
        return "\n".join(lines)


def refresh(lessons: Path, folder: Path) -> Report:
    """Bring the copies in `folder` up to date with the notebooks in `lessons`, and return what was done.

    The folder is made if need be. A file that a learner touched, or that is not in the record, is never
    written or removed. Each file is replaced in one step, so that two calls at once do no harm. Raises
    OSError where files cannot be written, and ValueError, naming it, for a lesson that is not a notebook.
    """
    fresh = {path.name: learner_copy(_lesson(path)) for path in sorted(lessons.glob("*.ipynb"))}
    folder.mkdir(parents=True, exist_ok=True)
    recorded = _read_record(folder)
    record: dict[str, str] = {}
    report = Report(folder)
    for name, notebook in fresh.items():
        path, wanted = folder / name, fingerprint(notebook)
        there = _read(path)
        if not os.path.lexists(path):
            report.made.append(name)
        elif there is None or fingerprint(there) not in (wanted, recorded.get(name)):
            record[name] = recorded.get(name, "")
            if record[name] != wanted:
                report.kept.append(name)
            continue
        elif fingerprint(there) != wanted:
            report.renewed.append(name)
            report.rerun += [name] if _has_outputs(there) else []
        record[name] = wanted
        if name in report.made + report.renewed:
            _replace(path, json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")
    for name in sorted(recorded.keys() - fresh.keys()):  # the lesson is gone, or has another name
        there = _read(folder / name)
        if there is not None and fingerprint(there) == recorded[name]:
            (folder / name).unlink()
            report.removed.append(name)
    if record != recorded:
        _replace(folder / RECORD, json.dumps(record, indent=1) + "\n")
    return report


def learner_copy(lesson: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook that a learner opens: no outputs, no prompt numbers, each solution folded."""
    cells: list[Cell] = []
    for solution, group in groupby(lesson["cells"], key=_is_solution):
        together = list(group)
        cells += [_folded(together)] if solution else map(_unrun, together)
    return {**lesson, "cells": cells}


def fingerprint(notebook: dict[str, Any]) -> str:
    """Return a digest of what a learner can write: kind, text and tags of the cells, in their order."""
    written = [
        [cell["cell_type"], _text(cell), sorted(cell["metadata"].get("tags", []))]
        for cell in notebook["cells"]
    ]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _is_solution(cell: Cell) -> bool:
    return cell["cell_type"] == "code" and SOLUTION in cell["metadata"].get("tags", [])


def _unrun(cell: Cell) -> Cell:
    return {**cell, "execution_count": None, "outputs": []} if cell["cell_type"] == "code" else cell


def _folded(cells: list[Cell]) -> Cell:
    """Return one markdown cell that shows the code of `cells` (a solution and its check) after one click.

    A folded code cell would not do: JupyterLab shows its first line, exported HTML all of it.
    """
    lines = ["<details><summary>Show a solution</summary>", ""]
    for number, cell in enumerate(cells):
        code = _text(cell)
        fence = max(re.findall(r"`{3,}", code), key=len, default="``") + "`"
        lines += ["In the next cell:", ""] if number else []  # else the two would look like one
        lines += [f"{fence}python", code, fence, ""]
    source = "\n".join([*lines, "</details>"]).splitlines(keepends=True)
    return {"cell_type": "markdown", "id": cells[0]["id"], "metadata": {}, "source": source}


def _text(cell: Cell) -> str:
    """Return the cell's source, which a notebook stores as one text or as a list of lines."""
    return "".join(cell["source"])


def _has_outputs(notebook: dict[str, Any]) -> bool:
    return any(cell.get("outputs") for cell in notebook["cells"])


def _lesson(path: Path) -> dict[str, Any]:
    notebook = _read(path)
    if notebook is None:
        raise ValueError(f"{path} is not a notebook: restore it, for example with git restore {path.name}")
    return notebook


def _read(path: Path) -> dict[str, Any] | None:
    """Return the notebook, or None when there is none at `path`, or something else."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        fingerprint(notebook)  # proves that it has the parts that are used here
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return dict(notebook)


def _read_record(folder: Path) -> dict[str, str]:
    """Return the record; when it cannot be read, it is empty: copies that differ count as touched."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict):
        return {}
    return {name: str(digest) for name, digest in record.items() if Path(name).name == name}


def _replace(path: Path, text: str) -> None:
    """Write the file in one step: a reader sees the old or the new one, never a part."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
