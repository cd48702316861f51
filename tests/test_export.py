"""Exported HTML: the sentence of a picture is its alternative text."""

import os
import subprocess
import sys
import sysconfig
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from helpers.views.picture import Picture, new_figure

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = Path(sysconfig.get_path("data"))


def alternative_texts(page: str) -> list[str | None]:
    """Return the alternative texts of all images."""
    found: list[str | None] = []

    class Images(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "img":
                found.append(dict(attrs).get("alt"))

    Images().feed(page)
    return found


@pytest.mark.parametrize("part", [path for path in (ROOT / "jupyter").rglob("*") if path.is_file()], ids=str)
def test_what_jupyter_reads_is_installed_as_it_is_here(part: Path) -> None:
    """`pip install -e .` puts these files into the environment once, and again when it is run again."""
    installed = INSTALLED / part.relative_to(ROOT / "jupyter")
    assert installed.is_file(), f"{installed} is missing: run `pip install -e .` again"
    assert installed.read_bytes() == part.read_bytes(), (
        f"{part.name} has changed: run `pip install -e .` again"
    )


@pytest.mark.parametrize(("format", "told"), [("html", True), ("slides", False)])
def test_a_picture_keeps_its_sentence(tmp_path: Path, format: str, told: bool) -> None:
    """What nbconvert's own template leaves out is there; its slides stay slides."""
    sentence = 'two "tasks" & <one> worker'
    data, metadata = Picture(new_figure(2, 1), sentence)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("picture", outputs=[output], execution_count=1)
    notebook = tmp_path / "a notebook.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", format, "--stdout", str(notebook)]
    own = {"JUPYTER_CONFIG_DIR": str(tmp_path / "config")}  # nothing of the user's
    run = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, env={**os.environ, **own}, check=False
    )
    assert run.returncode == 0, run.stderr
    assert (sentence in alternative_texts(run.stdout)) == told
    assert ("reveal.js" in run.stdout) == (format == "slides")
