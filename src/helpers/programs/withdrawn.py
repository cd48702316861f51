"""What stands in a notebook for the names of workers whose cell failed: each use says so, in one sentence."""

import types
from typing import Any, NoReturn


class NoWorkers(NameError):  # noqa: N818 - it reads as what it says
    """The cell that makes these workers failed when it ran last; the message says which, and what to do."""


class Withdrawn:
    """A function or class of a module of workers that is no longer there; whoever uses it gets NoWorkers."""

    def __init__(self, module: str, name: str, sentence: str) -> None:
        """Keep what it was called and why it is gone."""
        self.module = module
        self.name = name
        self.sentence = sentence

    def __repr__(self) -> str:
        """Return why it is gone."""
        return f"<no {self.module}.{self.name}: {self.sentence}>"

    def __call__(self, *_: object, **__: object) -> NoReturn:
        """Raise NoWorkers."""
        raise NoWorkers(self.sentence)

    def __reduce__(self) -> NoReturn:
        """Raise NoWorkers: it is on its way to a child."""
        raise NoWorkers(self.sentence)


def empty(module: types.ModuleType, sentence: str) -> None:
    """The module holds nothing any more, and whatever it is asked for is Withdrawn."""
    name = module.__name__

    def ask(attribute: str) -> Withdrawn:
        if attribute.startswith("_"):  # such as IPython's own questions to anything it shows
            raise AttributeError(attribute)
        return Withdrawn(name, attribute, sentence)

    vars(module).clear()
    vars(module).update(__name__=name, __getattr__=ask, __doc__=sentence)


def why_withdrawn(answer: Any) -> str | None:
    """Return why something that a learner hands in is not there, None when it is there."""
    if isinstance(answer, tuple | list):
        return next(filter(None, map(why_withdrawn, answer)), None)
    if isinstance(answer, types.ModuleType) and "__getattr__" in vars(answer):
        answer = getattr(answer, "anything", None)
    return answer.sentence if isinstance(answer, Withdrawn) else None
