"""All outputs of a notebook come from one run: its mark, and what two cells may not say differently.

nbval compares most outputs, so what can go stale is what it does not look at: volatile cells, pictures and
tracebacks. A run leaves a mark over all its outputs in the notebook's metadata. Beside it, the numbers that a
reader can compare by eye are compared here: prompts in tracebacks, the kernel's PID, counts. A picture's own
words are read from its description (see `helpers.views.picture`).
"""

import hashlib
import io
import itertools
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from PIL import Image

from tools import canonical
from tools.reading import Notebook, tags

PROMPT = re.compile(r"(?:\bIn\[|<ipython-input-)(\d+)")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
# Where an output names the PID of the kernel: identity(), family()'s table and picture, the caller's lane.
KERNEL = re.compile(
    r"MainProcess \(pid (\d+)|MainProcess\s+(?:main|\w+ \(\w\))\s+(\d+)\s+\d+|\bthis process · PID (\d+)"
)
PS_ROW = re.compile(r"^\S+\s+(\d+)\s+(\d+)\s.*\bipykernel_launcher", re.MULTILINE)  # as `ps -ef` prints it
EVERY = re.compile(r"\bevery (\w+)")
CAPTION = re.compile(r"^.*\b(?:in this process|on \d+ \w+|all finished)\b.*$", re.MULTILINE)
TASKS = re.compile(r"^(\d+) tasks?$", re.MULTILINE)


def mark(notebook: Any) -> str:
    """Return a digest of all outputs of `notebook`, whatever their cells are called or numbered."""
    outputs = [
        {key: value for key, value in output.items() if key not in ("execution_count", "metadata")}
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    ]
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()[:16]


def one_run(notebook: Notebook) -> Iterator[str]:
    """Require that all outputs are of one run: the run's mark fits, and no two cells disagree."""
    stored = notebook.content.metadata.get(canonical.RUN, {}).get("mark")
    if stored and stored != mark(notebook.content):
        yield "its outputs are not those of one run any more: run `python -m tools write`"
    yield from _prompts(notebook)
    yield from _kernels(notebook)
    yield from _counts(notebook)


def _prompts(notebook: Notebook) -> Iterator[str]:
    """Yield the tracebacks that name another prompt than their cell's, or one that came later."""
    for cell in notebook.code:
        for output in cell.outputs:
            shown = [
                int(found) for found in PROMPT.findall(COLOUR.sub("", "\n".join(output.get("traceback", []))))
            ]
            if shown and (cell.execution_count not in shown or max(shown) > cell.execution_count):
                yield (
                    f"cell {cell.id} has prompt {cell.execution_count}, its traceback says In[{max(shown)}]: "
                    "they come from two runs, write with --fresh"
                )


def _kernels(notebook: Notebook) -> Iterator[str]:
    """Yield the cells that give the kernel another PID than the cell that names it first."""
    first: tuple[str, str] | None = None
    for cell, text in _texts(notebook):
        rows = dict(PS_ROW.findall(text))
        named = [next(filter(None, found)) for found in KERNEL.findall(text)]
        named += [pid for pid, parent in rows.items() if parent not in rows]
        for pid in named:
            first = first or (cell.id, pid)
            if pid != first[1]:
                yield (
                    f"the kernel's PID is {first[1]} in cell {first[0]} and {pid} in cell {cell.id}: "
                    "they come from two runs, write with --fresh"
                )


def _counts(notebook: Notebook) -> Iterator[str]:
    """Yield the pictures of "every file" with more or fewer tasks than a volatile cell counts files."""
    drawn = [(cell.id, noun, count) for cell, text in _texts(notebook) for noun, count in _every(text)]
    for name, noun, count in dict.fromkeys(drawn):
        counted: dict[int, str] = {}
        for cell, text in _texts(notebook):
            if canonical.VOLATILE in tags(cell):
                found = re.findall(rf"\b(\d[\d,]*) {noun}s\b", text)
                counted |= {int(number.replace(",", "")): cell.id for number in found}
        counted = counted or next({other: where} for where, kind, other in drawn if kind == noun)
        if count not in counted:
            number, where = next(iter(counted.items()))
            yield (
                f"cell {name} draws {count} tasks for every {noun}, cell {where} counts {number} {noun}s: "
                "they come from two runs, write with --fresh"
            )


def _every(text: str) -> Iterator[tuple[str, int]]:
    """Yield (noun, number of tasks) for each panel of a picture whose caption says `every NOUN`."""
    starts = [found.start() for found in CAPTION.finditer(text)]
    for start, end in itertools.pairwise([*starts, len(text)]):
        panel = text[start:end]
        tasks = [int(number) for number in TASKS.findall(panel)]
        if (found := EVERY.search(panel.splitlines()[0])) and tasks:
            yield found[1], sum(tasks)


def _texts(notebook: Notebook) -> Iterator[tuple[Any, str]]:
    """Yield (cell, text) for each output of the kernel itself, pictures' words included; programs aside."""
    for cell in notebook.code:
        if not cell.source.startswith("%%program"):
            for output in cell.outputs:
                data = output.get("data", {})
                yield cell, output.get("text", "") or data.get("text/plain", "")
                if "image/png" in data:
                    yield cell, _words(data["image/png"])


def _words(png: str) -> str:
    """Return the words that a picture holds, as its description repeats them; nothing where it has none."""
    try:
        with Image.open(io.BytesIO(b64decode(png))) as image:
            return str(image.info.get("Description", ""))
    except OSError:
        return ""  # `pictures_in_words` looks at what is no picture
