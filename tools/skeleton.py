"""A new notebook with the prescribed cells, ready to be filled."""

import re
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import AuthoringError, canonical, navigation

CELLS = """\
%% markdown title
# {title}
You … (one sentence: what the reader will have done).

*20 minutes* · needs [00 Start here](00_start_here.ipynb)

**You will make** …

**You will be able to**
- …

**You need** functions, lists and `with`.

**Not needed** threads, NumPy.
%% code imports
from inspect import getsource
from multiprocessing import Pool

from helpers import check, family, watch
from helpers.workers.numbers import square
%% markdown first-title
## First thing
One idea, and the function that shows it, in plain Python.
%% code first-source
print(getsource(square))
%% markdown first-predict
**Predict.** What comes back?
%% code first-run
with Pool(2) as pool:
    print(pool.map(square, [1, 2, 3]))
%% markdown first-explain
The first sentence answers: …
%% markdown second-predict
## Second thing
The same call, and `watch` around it. **Predict.** How many processes work?
%% code second-run
with Pool(2) as pool:
    run = watch(pool.map, square, [1, 2, 3])
run.results
%% markdown second-explain
The first sentence answers: …
%% markdown broken-predict
## Break it
**Predict.** What happens when …?
%% code broken-run
family()
%% markdown broken-explain
The first sentence answers: …
{exercises}%% markdown in-practice
## In practice
- Linux, macOS, Windows: …
%% markdown what-you-saw
## What you saw
- …
%% markdown recall
## Recall
{questions}%% markdown home-title
## Take it home
What you would put into a project of yours tomorrow: a file, a guard, a pool, nothing of ours.
%% code home-run
%%program squares.py
from multiprocessing import Pool


def square(number):
    return number**2


if __name__ == "__main__":
    with Pool(2) as pool:
        print(pool.map(square, [1, 2, 3]))
%% code goodbye
family()
"""
EXERCISE = """\
%% markdown ex{number}-task
{heading}### Exercise {number}: {kind}
…

*3 minutes*
%% code ex{number}-stub
answer_{number} = ...
%% code ex{number}-check
check(answer_{number} == "{number}")
%% markdown ex{number}-hint
<details><summary>Show a hint</summary>

…
</details>
%% code ex{number}-solution
# Solution
answer_{number} = "{number}"
check(answer_{number} == "{number}")
"""
QUESTION = """\
{number}. …?
   <details><summary>Show the answer</summary>

   …
   </details>
"""


def create(folder: Path, name: str, title: str) -> Path:
    """Return the path of a new notebook in `folder`, with the prescribed cells, not yet run.

    name: NN_snake_case, with or without `.ipynb`. Raises AuthoringError when it is wrong or its number taken.
    """
    path = folder / f"{name.removesuffix('.ipynb')}.ipynb"
    if not navigation.FILE_NAME.fullmatch(path.name):
        raise AuthoringError(
            f"The name {name!r} does not fit: expected two digits, then snake case, such as 07_pool."
        )
    if taken := sorted(folder.glob(f"{path.name[:2]}_*.ipynb")):
        raise AuthoringError(f"The number {path.name[:2]} is taken by {taken[0].name}: choose another one.")
    kinds = ("fill in", "change", "from scratch")
    text = CELLS.format(
        title=title,
        exercises="".join(
            EXERCISE.format(
                number=number,
                kind=kind,
                heading="## Exercises\n" if number == 1 else "",
            )
            for number, kind in enumerate(kinds, 1)
        ),
        questions="".join(QUESTION.format(number=number) for number in (1, 2, 3)),
    )
    canonical.store(path, canonical.dumps(canonical.canonical(new_notebook(cells=_cells(text)))))
    return path


def _cells(text: str) -> list[Any]:
    cells = []
    for kind, name, source in re.findall(
        r"^%% (\w+) (\S+)\n(.*?)(?=^%% |\Z)", text, re.MULTILINE | re.DOTALL
    ):
        cell = new_code_cell() if kind == "code" else new_markdown_cell()
        cell.id, cell.source = name, source.rstrip()
        if name.endswith("-solution"):
            cell.metadata.tags = ["solution"]
        cells.append(cell)
    return cells
