"""Compare the list that an answer returns with the right one, and say how they differ."""

import re
from typing import Any

from helpers.exercises.judging.registry import NotYet

_LONGEST = 90  # characters of a value in a sentence


def require_list(
    said: object,
    right: list[Any],
    what: str = "answers",
    *,
    given: object = None,
    each: str = "one for each item",
    order: str = "the order of the items",
) -> None:
    """Raise NotYet unless the answer is this list.

    `what` names its elements, `each` says what there is one of, and `order` how they are sorted; `given` is
    what the answer was called with, if the sentence shall name it.
    """
    found = as_list(said, each)
    start = "" if given is None else f"for {short(given)} "
    if len(found) != len(right):
        raise NotYet(f"{start}it returned {len(found)} {what}, expected {len(right)}, {each}: {short(right)}")
    if found == right:
        return
    if sorted(map(repr, found)) == sorted(map(repr, right)):
        raise NotYet(f"the {what} are right, but not in {order}: {short(found)}")
    sentence = f"{start}it returned {short(found)}, expected {short(right)}"
    if "…," in sentence or sentence.endswith("…"):
        place = next(number for number, one in enumerate(right) if found[number] != one)
        sentence += f"; place {place} holds {short(found[place])} instead of {short(right[place])}"
    raise NotYet(sentence)


def as_list(said: object, each: str = "") -> list[Any]:
    """Return the answer, which is a list; raise NotYet for anything else."""
    if said is None:
        raise NotYet("it returned None: is a `return` missing?")
    if not isinstance(said, list):
        raise NotYet(f"it returned {short(said)}, expected a list{': ' * bool(each)}{each}")
    return said


def short(value: object) -> str:
    """Return the value as Python writes it: of each path the name alone, and no more than fits a sentence."""
    text = re.sub(r"""(['"])[^'"]*[/\\]([^'"/\\]+)\1""", r"\1…/\2\1", repr(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
