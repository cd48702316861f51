"""Which exercises there are, found by name without importing those of other notebooks."""

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Judge = Callable[[Any], str]


class NotYet(Exception):  # noqa: N818 - it reads as what it says
    """The answer is not right yet; the message says what is wrong and where to look."""


class ToDo(NotYet):
    """The answer is still the stub."""


@dataclass(frozen=True)
class Exercise:
    """An exercise: its full name, who judges an answer, whether in a child interpreter, and its seconds."""

    name: str
    judge: Judge
    in_child: bool
    limit: float


_EXERCISES: dict[str, Exercise] = {}


def exercise(name: str, *, in_child: bool = False, limit: float = 10.0) -> Callable[[Judge], Judge]:
    """Make the decorated judge answer for the exercise `<its module>/<name>`.

    `limit` is the number of seconds that an answer may take in a child interpreter.
    """

    def register(judge: Judge) -> Judge:
        full = f"{judge.__module__.rpartition('.')[2]}/{name}"
        known = _EXERCISES.get(full)
        if known is not None and known.judge.__qualname__ != judge.__qualname__:
            raise ValueError(f"there are two exercises called {full!r}: give one another name")
        _EXERCISES[full] = Exercise(full, judge, in_child, limit)
        return judge

    return register


def find(name: str) -> Exercise:
    """Return the exercise `name`; LookupError names the ones there are."""
    topic = name.partition("/")[0]
    if name not in _EXERCISES and topic in topics():
        importlib.import_module(f"helpers.exercises.{topic}")
    if name not in _EXERCISES:
        known = [each for each in sorted(_EXERCISES) if each.startswith(f"{topic}/")] or topics()
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
        raise LookupError(f"no exercise is called {name!r}: {hint}")
    return _EXERCISES[name]


def topics() -> list[str]:
    """Return the modules of exercises: one for each notebook that has some."""
    import helpers.exercises

    return [module.name for module in pkgutil.iter_modules(helpers.exercises.__path__) if not module.ispkg]


def exercises() -> list[Exercise]:
    """Return every exercise of every notebook, by name."""
    for topic in topics():
        importlib.import_module(f"helpers.exercises.{topic}")
    return [_EXERCISES[name] for name in sorted(_EXERCISES) if name.partition("/")[0] in topics()]
