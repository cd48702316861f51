"""For authors, never imported by a notebook: run, canonical form, navigation, form rules, new notebooks.

`python -m tools` is the way in: `write`, `check`, `minutes` and `new`. It needs nbclient and nbformat, which
the `test` extra brings.

A notebook begins with one cell, id `title`, from which everything else about it is derived:

    # Meet the process you are
    You draw a portrait of the running process and of its family.

    *20 minutes* · needs [00 Start here](00_start_here.ipynb)

    **You will make** a portrait of the running process.

    **You will be able to** …
    **You need** …
    **Not needed** …

The title starts with a verb, the promise is one sentence, `needs …` is left out where nothing is needed. The
paragraph that begins with **You will make** becomes the notebook's row in README's table. Two cells are
generated: `nav-bottom`, the last one of each notebook, and `course-map` in `00_start_here.ipynb`.
"""

from pathlib import Path

__all__ = ["AuthoringError", "find_root"]


class AuthoringError(Exception):
    """Something an author has to mend; the text names the notebook, the cell, and what to do."""


def find_root(start: Path | None = None) -> Path:
    """Return the project's root: upwards from `start`, the nearest folder with pyproject.toml and notebooks/.

    Without `start`, looks upwards from the current directory and then from this file. Raises AuthoringError.
    """
    starts = [start] if start else [Path.cwd(), Path(__file__)]
    for origin in starts:
        for folder in [origin.resolve(), *origin.resolve().parents]:
            if (folder / "pyproject.toml").is_file() and (folder / "notebooks").is_dir():
                return folder
    raise AuthoringError(
        f"No project found upwards from {starts[0]}: expected a folder with pyproject.toml and notebooks/. "
        "Run the command inside the checkout."
    )
