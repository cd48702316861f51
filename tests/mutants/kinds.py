"""How a wrong answer is written down."""

from dataclasses import dataclass
from typing import NamedTuple


class Wrong(NamedTuple):
    """A wrong value and some words of what the check must say about it."""

    answer: object
    words: str


@dataclass(frozen=True)
class Worker:
    """A right module, the name in it that is checked, and edits (old, new, words) that each make it wrong.

    An empty `source` stands for the notebook's own solution cell, so that it is written once.
    """

    checked: str
    source: str
    edits: list[tuple[str, str, str]]
