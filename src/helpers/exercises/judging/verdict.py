"""What is said about an answer."""

import sys
from dataclasses import dataclass
from typing import Any, Literal

from helpers.exercises.judging.registry import Exercise, NotYet, ToDo, find
from helpers.exercises.judging.stubs import is_stub

State = Literal["correct", "not yet", "to do"]
_MARKS: dict[State, str] = {"correct": "✓", "not yet": "✗", "to do": "○"}
_NOTHING = object()
_LONGEST = 400  # characters of a sentence


@dataclass(frozen=True)
class Verdict:
    """Correct, not yet, or to do, with a sentence that says why; true when correct.

    A sentence is one line of at most 400 characters: whatever an answer says, the middle is left out.
    """

    state: State
    sentence: str = ""

    def __post_init__(self) -> None:
        """Shorten the sentence."""
        line = " ".join(self.sentence.split()) if "\n" in self.sentence else self.sentence
        if len(line) > _LONGEST:
            line = f"{line[: _LONGEST - 150]} … {line[-147:]}"
        object.__setattr__(self, "sentence", line)

    @property
    def passed(self) -> bool:
        """Return True when the answer is correct."""
        return self.state == "correct"

    def __bool__(self) -> bool:
        """Return True when the answer is correct."""
        return self.passed

    def __repr__(self) -> str:
        """Return a mark, the state, and the sentence."""
        return f"{_MARKS[self.state]} {self.state}{': ' * bool(self.sentence)}{self.sentence}"

    def __str__(self) -> str:
        """Return the repr, without what this terminal cannot show."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        return repr(self).encode(encoding, "replace").decode(encoding)


def check(name: object, answer: Any = _NOTHING) -> Verdict:
    """Return the Verdict on the answer to the exercise `name`, or, given one argument, on whether it is true.

    Not yet is also what follows a cell that failed: its answer is not the one on the screen. Raises
    LookupError for an exercise that does not exist, TypeError when there is neither a name nor a truth value.
    """
    if isinstance(name, str):
        found = find(name)
        if answer is _NOTHING:
            raise TypeError(f"check({name!r}) needs your answer as well: check({name!r}, answer)")
        failed = _of_another_cell(answer)
        return judge(found, answer) if failed is None else failed
    if answer is not _NOTHING or type(name).__name__ not in ("bool", "bool_"):
        raise TypeError(
            f"check needs the name of an exercise and an answer, or True or False; it got {name!r}"
        )
    failed = _of_another_cell(name)
    if failed is not None:
        return failed
    return Verdict("correct") if name else Verdict("not yet", "this is False, and it should be True")


def _of_another_cell(answer: object) -> Verdict | None:
    """Return a Verdict when the answer is not what the screen shows, because its cell failed; else None."""
    from helpers.programs import cells
    from helpers.programs.withdrawn import why_withdrawn

    gone = why_withdrawn(answer)
    if gone is not None:
        return Verdict("not yet", gone)
    failed = cells.failed_before()
    if failed is None:
        return None
    return Verdict(
        "not yet",
        f"the cell that ran before this one failed ({failed}): mend it, run the cell with your answer again, "
        "and then this one",
    )


def judge(found: Exercise, answer: Any, method: str | None = None) -> Verdict:
    """Return the Verdict on an answer; whatever the answer does, nothing is left running.

    In a child interpreter it is judged under the start method `method`, or else under this process's own.
    """
    if is_stub(answer):
        return Verdict("to do", "replace `...` by your answer, then run the cells again")
    try:
        if found.in_child:
            from helpers.exercises.judging.runner import judge_in_child

            return Verdict("correct", judge_in_child(found, answer, method))
        return Verdict("correct", found.judge(answer))
    except ToDo as reason:
        return Verdict("to do", str(reason))
    except (NotYet, AssertionError) as reason:
        return Verdict("not yet", str(reason))
    except Exception as error:  # a judge reads an answer of a kind it did not expect
        kind = type(answer).__name__
        return Verdict(
            "not yet", f"your answer, a {kind}, cannot be used here ({type(error).__name__}: {error})"
        )
