"""The exercises of 16: find a schedule that sells a seat twice, cure it, and double without a deadlock."""

from collections.abc import Callable, Iterable

from helpers.exercises.judging.registry import NotYet, exercise
from helpers.views.words import plural
from helpers.watching.schedules import Schedules, replay, schedules
from helpers.watching.turns import FREE, Outcome, Program
from helpers.workers.two_at_once import book, pay

_MOST = 24  # schedules of an answer


@exercise("sold-twice")
def judge_sold_twice(schedule: str) -> str:
    """Accept a schedule after which two real processes have sold one seat twice."""
    if not isinstance(schedule, str):
        raise NotYet('expected a schedule as text, like "AAB"')
    try:
        done = replay(Program(book, seats=1, sold=0), schedule.strip().upper())
    except ValueError as error:
        raise NotYet(str(error)) from None
    if not done.last.is_over:
        raise NotYet(f"{done.sentence} Go on until both have ended")
    if done.numbers["sold"] != 2:
        raise NotYet(f"{done.sentence} One seat was sold once: who must have looked before it was taken?")
    return f"two real processes went {done.schedule}, and sold one seat twice"


@exercise("sold-once", in_child=True, limit=40)
def judge_sold_once(answer: Callable[..., object]) -> str:
    """Accept a function that sells each seat once in every schedule, its marks look and take kept."""
    one = _all(Program(answer, seats=1, sold=0))
    _require(one, [{"seats": 0, "sold": 1}], "one seat")
    _require_marks(one, "look", "take")
    _require(_all(Program(answer, seats=2, sold=0)), [{"seats": 0, "sold": 2}], "two seats")
    return f"real processes ran all {plural(len(one), 'schedule')}, and none sold the seat twice"


@exercise("doubled", in_child=True, limit=40)
def judge_doubled(answer: Callable[..., object]) -> str:
    """Accept a function that doubles both sides in every schedule, while `pay` moves 10 across."""
    found = _all(Program(pay, answer, left=100, right=100))
    right = [{"left": 180, "right": 220}, {"left": 190, "right": 210}]  # paid and doubled, doubled and paid
    _require(found.outcomes[:1], right[:1], "`pay` before it")
    _require(found.outcomes[-1:], right[1:], "`pay` after it")
    _require(found, right, "`pay` as A")
    _require_marks(found, "left", "right", who="B")
    return f"real processes ran all {plural(len(found), 'schedule')}: no deadlock, and nothing is lost"


def _all(program: Program) -> Schedules:
    """Return all schedules, run by real processes."""
    try:
        return schedules(program, real=True, most=_MOST)
    except (ValueError, TimeoutError) as error:
        raise NotYet(str(error)) from None


def _require_marks(found: Iterable[Outcome], *marks: str, who: str = "A") -> None:
    """Raise NotYet when a process does not pass all of these marks in some schedule, in this order."""
    for outcome in found:
        passed = [mark for goes, mark, _ in outcome.turns() if goes == who]
        if [mark for mark in passed if mark in marks] == list(marks):
            return
    raise NotYet(
        f"in no schedule {who} passes the marks {' and '.join(marks)}: keep both, and what they mark"
    )


def _require(found: Iterable[Outcome], right: list[dict[str, int]], given: str) -> None:
    """Raise NotYet at the first schedule that does not end with one of these numbers."""
    for outcome in found:
        if outcome.numbers not in right or not outcome.last.is_over:
            expected = " or ".join(", ".join(f"{name} = {it}" for name, it in one.items()) for one in right)
            raise NotYet(f"with {given}, {outcome.sentence} Expected is {expected}")
        for lock, who in outcome.last.holders.items():
            if who != FREE:
                raise NotYet(f"{outcome.schedule}: {who} has ended and did not give {lock} back: use `with`")
