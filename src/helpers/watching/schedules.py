"""Which of two processes goes when: replay one schedule on real ones, or list all that a program has."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.views.words import plural
from helpers.watching.imagined_cast import ImaginedCast
from helpers.watching.real_cast import RealCast
from helpers.watching.turns import NAMES, Outcome, Program, Session

if TYPE_CHECKING:
    from helpers.views.table import Table

MOST = 100  # schedules of a program that are listed
_LONGEST = 30  # turns of a schedule


def replay(program: Program, schedule: str, context: Any = None) -> Outcome:
    """Return what two real processes do when they take turns as the schedule says, "ABBA" for instance.

    They run under the start method of `context`, or else under this process's own, and have ended afterwards.
    Raises ValueError for a letter other than A and B, or for a turn of a process that cannot go; TimeoutError
    when a process comes to no mark.
    """
    with _real(program, context) as session:
        _follow(session, schedule)
        return session.outcome(serial_numbers(program))


@dataclass(frozen=True)
class Schedules:
    """Every schedule of a program, each with its outcome, in alphabetical order."""

    outcomes: tuple[Outcome, ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.outcomes)

    def __iter__(self) -> Iterator[Outcome]:
        """Yield the outcomes."""
        return iter(self.outcomes)

    def all(self, verdict: str) -> list[str]:
        """Return the schedules whose outcome has this verdict: right, wrong, deadlock, stuck, error."""
        return [one.schedule for one in self.outcomes if one.verdict == verdict]

    def table(self) -> "Table":
        """Return a row for each schedule."""
        from helpers.views.table import Table

        numbers = list(self.outcomes[0].numbers)
        rows = [(one.schedule, *(one.numbers[name] for name in numbers), one.verdict) for one in self]
        counted = Counter(one.verdict for one in self)
        caption = f"{plural(len(self), 'schedule')}: {', '.join(f'{counted[one]} {one}' for one in counted)}"
        return Table(["schedule", *numbers, "outcome"], rows, caption)

    def __repr__(self) -> str:
        """Return the table."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def schedules(program: Program, *, real: bool = False, context: Any = None, most: int = MOST) -> Schedules:
    """Return every schedule of the program with its outcome: computed, or run by `real` processes.

    Computed means that the functions run on imagined locks and numbers. Raises ValueError for a program that
    has more than `most` schedules, or one of more than 30 turns.
    """
    serial, found, prefixes = serial_numbers(program), list[Outcome](), [""]
    while prefixes:
        if len(found) == most:
            raise ValueError(f"there are more than {plural(most, 'schedule')}: use fewer marks")
        prefix = prefixes.pop()
        with _real(program, context) if real else _imagined(program) as session:
            outcome = _to_the_end(session, prefix).outcome(serial)
        found.append(outcome)
        for turn in range(len(prefix), len(outcome.schedule)):
            others = outcome.moments[turn].free.replace(outcome.schedule[turn], "")
            prefixes += [outcome.schedule[:turn] + who for who in others]
    return Schedules(tuple(sorted(found, key=lambda one: one.schedule)))


@contextmanager
def _real(program: Program, context: Any = None) -> Iterator[Session]:
    cast = RealCast(program, context)
    try:
        yield Session(program, cast)
    finally:
        cast.close()


@contextmanager
def _imagined(program: Program) -> Iterator[Session]:
    cast = ImaginedCast(program)
    try:
        yield Session(program, cast)
    finally:
        cast.close()


def _follow(session: Session, schedule: str) -> Session:
    for turn, who in enumerate(schedule, 1):
        try:
            session.let(who)
        except ValueError as error:
            raise ValueError(f"turn {turn} of {schedule}: {error}") from None
    return session


def _to_the_end(session: Session, prefix: str, first: str = NAMES[0]) -> Session:
    """Follow the prefix; from then on `first` goes whenever it can, else the other one."""
    _follow(session, prefix)
    while free := session.moments[-1].free:
        if len(session.schedule) == _LONGEST:
            raise ValueError(f"{session.schedule}… has more than {_LONGEST} turns: a loop around a mark?")
        session.let(first if first in free else free)
    return session


def one_after_the_other(program: Program) -> tuple[Outcome, ...]:
    """Return the computed outcomes of A, then B, and of B, then A; those that come to an end."""
    found = []
    for who in NAMES:
        with _imagined(program) as session:
            found.append(_to_the_end(session, "", who).outcome())
    return tuple(one for one in found if one.last.is_over)


def serial_numbers(program: Program) -> tuple[Mapping[str, int], ...]:
    """Return what the shared numbers are after one process has run and then the other, in either order."""
    return tuple(one.last.numbers for one in one_after_the_other(program))
