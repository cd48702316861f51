"""How long a lesson takes, measured: its words, its running, its exercises; titles and routes must agree."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools import navigation
from tools.canonical import RUN
from tools.reading import Notebook, words

WORDS_A_MINUTE = 180
DECLARED = re.compile(r"^\*(\d+) minutes?\*", re.MULTILINE)
FEWEST, MOST = 10, 35


@dataclass(frozen=True)
class Measured:
    """What a lesson's minutes are made of."""

    words: int
    seconds: int
    exercises: int  # minutes
    title: int  # minutes, as the first cell says

    @property
    def total(self) -> float:
        """Minutes for reading, running and the exercises."""
        return self.words / WORDS_A_MINUTE + self.seconds / 60 + self.exercises

    @property
    def agrees(self) -> bool:
        """Whether the title says the total, rounded up or down."""
        return abs(self.title - self.total) < 1


def measured(notebook: Notebook) -> Measured:
    """Return what `notebook` takes: exercises as declared in their task cells, all words outside of them.

    Raises AuthoringError when the first cell does not say its minutes.
    """
    prose = [cell for cell in notebook.prose if not re.match(r"ex\d", cell.id)]
    tasks = [found for cell in task_cells(notebook) if (found := DECLARED.search(cell.source))]
    return Measured(
        words=sum(len(words(cell.source)) for cell in prose),
        seconds=notebook.content.metadata.get(RUN, {}).get("seconds", 0),
        exercises=sum(int(found[1]) for found in tasks),
        title=navigation.opening(notebook.content, notebook.path.name).minutes,
    )


def task_cells(notebook: Notebook) -> list[Any]:
    """Return the cells that set an exercise."""
    return [cell for cell in notebook.prose if re.fullmatch(r"ex\d+-task", cell.id)]


def too_long(known: Sequence[navigation.Opening]) -> Iterator[str]:
    """Yield a sentence for each route through the `known` notebooks that takes longer than its name says."""
    for label, numbers in navigation.ROUTES.items():
        total = sum(one.minutes for one in known if one.number in numbers)
        if total > int(label.split()[0]):
            yield f"the route of {label} takes {total}: leave a notebook out in navigation.ROUTES"


def table(notebooks: Sequence[Notebook]) -> str:
    """Return one line a notebook: what its minutes are made of, and what its title says."""
    lines = [f"{'notebook':30} {'words':>6} {'running':>8} {'exercises':>10} {'total':>11} {'title':>6}"]
    for notebook in notebooks:
        one = measured(notebook)
        lines.append(
            f"{notebook.path.stem:30} {one.words:6} {one.seconds:6} s {one.exercises:6} min "
            f"{one.total:7.1f} min {one.title:6}{'' if one.agrees else '  ← does not agree'}"
        )
    return "\n".join(lines)
