"""The canonical form of a notebook: running everything again changes no line in git.

What varies from run to run without meaning (timings, ids of displays, pixels of a picture, a machine's paths
in a traceback) is removed, or belongs to the run that all outputs come from.
"""

import copy
import os
import re
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from tools import AuthoringError

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
KEPT_CELL_METADATA = ("jupyter", "tags")
FOLDED_TAGS = {"solution", "hide-input"}
PICTURES = ("image/png", "image/jpeg")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
RUN = "run"  # in a notebook's metadata: the seconds and the mark of the run that its outputs come from
VOLATILE = "nbval-ignore-output"

# A machine's places, on whichever machine the check runs: homes and temporary folders of the three systems.
MACHINE_PATH = re.compile(
    r"(?:/home/|/Users/|[A-Za-z]:\\+Users\\+)[^\s/\\'\"<>]+|/root/|/private/var/|/var/folders/|/tmp/\w|\bipykernel_\d+"
)
# A path begins after a space, a quote, or the colour code before it; not in the middle of a longer path.
BEFORE_PATH = r"(?:(?<![\w.…/~-])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm))"
AFTER_PATH = r"(?![\w-])"


def read(path: Path) -> Any:
    """Return the notebook stored at `path`.

    Raises AuthoringError when the file cannot be read or is not a notebook.
    """
    try:
        notebook = parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, AttributeError) as error:  # not there, not JSON, not an object
        raise AuthoringError(f"{path.name} is not a notebook ({error}): restore it from git.") from error
    if notebook.get("nbformat") != 4 or "cells" not in notebook:
        raise AuthoringError(f"{path.name}: expected nbformat 4. Save it with JupyterLab.")
    return notebook


def parse(text: str) -> Any:
    """Return the notebook stored as `text`, as it is: `nbformat.reads` would mend it without a word."""
    return nbformat.reader.reads(text)


def dumps(notebook: Any) -> str:
    """Return the text that stores `notebook`: indent 1, sorted keys, no escapes, a trailing newline."""
    text: str = nbformat.v4.writes(notebook)
    return text.rstrip("\n") + "\n"


def canonical(notebook: Any, root: Path | None = None) -> Any:
    """Return `notebook` in canonical form.

    root: the project's folder; when given, this machine's paths are shortened in tracebacks and volatile
    outputs.
    """
    result = copy.deepcopy(notebook)
    result.nbformat, result.nbformat_minor = 4, 5
    kept = {RUN: run} if (run := result.metadata.get(RUN)) else {}
    result.metadata = nbformat.from_dict(
        {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}, **kept}
    )
    prompt = 0
    for number, cell in enumerate(result.cells, 1):
        cell.setdefault("id", f"cell-{number}")
        cell.metadata = _cell_metadata(cell)
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").splitlines()).rstrip()
        if cell.cell_type == "code":
            prompt += 1
            _set_prompt(cell, prompt)
            cell.outputs = [_clean(output, _volatile(cell), root) for output in _merge_streams(cell.outputs)]
    return result


def says_the_same(one: Any, other: Any) -> bool:
    """Return whether two runs differ in nothing that is compared: pixels, tracebacks and volatile text aside.

    Both are notebooks in canonical form.
    """
    return _compared(one) == _compared(other)


def _compared(notebook: Any) -> list[Any]:
    return [
        (cell.source, _volatile(cell), [_visible(output, _volatile(cell)) for output in cell.outputs])
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _visible(output: Any, volatile: bool) -> tuple[Any, ...]:
    """Return what is compared of an output; of a volatile one the kinds alone."""
    kind = (output.output_type, output.get("name"), output.get("ename"))
    data = {key: None if key in PICTURES else value for key, value in output.get("data", {}).items()}
    return (*kind, sorted(data)) if volatile else (*kind, output.get("text"), output.get("evalue"), data)


def canonical_text(text: str) -> str:
    """Return the canonical form of the notebook stored as `text`, the same on every machine."""
    return dumps(canonical(parse(text)))


def store(path: Path, content: str | bytes) -> bool:
    """Replace the file at `path` by `content` in one step; return False when it holds that already."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def machine_paths(notebook: Any, *own: Path) -> Iterator[tuple[str, str]]:
    """Yield (cell id, path) for each output that shows a home, a temporary or one of the `own` folders."""
    folders = [BEFORE_PATH + re.escape(str(folder)) + AFTER_PATH for folder in own if len(folder.parts) > 1]
    pattern = re.compile("|".join([MACHINE_PATH.pattern, *folders]))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for text in _texts(output):
                if found := pattern.search(text):
                    yield cell.id, found.group()
                    break


def _volatile(cell: Any) -> bool:
    return VOLATILE in cell.metadata.get("tags", [])


def _cell_metadata(cell: Any) -> Any:
    kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if cell.metadata.get(key)}
    folded = cell.cell_type == "code" and not FOLDED_TAGS.isdisjoint(kept.get("tags", []))
    if folded or kept.pop("jupyter", {}).get("source_hidden"):
        kept["jupyter"] = {"source_hidden": True}
    return nbformat.from_dict(kept)


def _set_prompt(cell: Any, prompt: int) -> None:
    cell.execution_count = prompt
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = prompt


def _merge_streams(outputs: list[Any]) -> list[Any]:
    merged: list[Any] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def _clean(output: Any, volatile: bool, root: Path | None) -> Any:
    """Return `output` without what belongs to one run or one machine.

    Text that nbval compares is left alone, whatever it holds: `machine_paths` complains about it instead.
    """
    output.pop("transient", None)
    if output.output_type == "error":
        # nbval compares name and message of an error, not its traceback, so that may be shortened.
        output.traceback = [_shorten(line, root) for line in output.traceback]
    if "data" in output:
        if len(output.data) > 1:
            output.data.pop(
                WIDGET_VIEW, None
            )  # its state is not stored, so a reader would see an error in its place
        output.metadata = nbformat.from_dict({key: value for key, value in output.metadata.items() if value})
    if volatile:
        if output.output_type == "stream":
            output.text = _shorten(output.text, root)
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/") and isinstance(value, str):
                output.data[kind] = _shorten(value, root)
    return output


def _places(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (folder, what to write in its place), the most specific folder first."""
    paths, home = sysconfig.get_paths(), str(Path.home())
    for folder, short in [
        (paths["purelib"], "site-packages"),
        (paths["stdlib"], "lib/python"),
        (str(root), "…"),
        (tempfile.gettempdir(), "…"),
        (home, "~"),
    ]:
        if len(Path(folder).parts) > 1:
            yield folder, short
            if folder.startswith(home + os.sep):
                yield "~" + folder.removeprefix(home), short  # as IPython writes it


def _shorten(text: str, root: Path | None) -> str:
    if root is None:
        return text
    text = re.sub(r"[^\s\"'<>]*ipykernel_\d+[/\\]\d+\.py", "<cell>", text)
    for folder, short in _places(root):
        text = re.sub(BEFORE_PATH + re.escape(folder) + AFTER_PATH, short, text)
    return text


def _texts(output: Any) -> Iterator[str]:
    if output.output_type == "stream":
        yield output.text
    elif output.output_type == "error":
        yield from [output.evalue, *output.traceback]
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/") and isinstance(value, str):
            yield value
