"""Two processes that take turns: one of them passes its next mark, then everything is looked at.

A `Session` lets them go and keeps what was seen after each turn. It knows neither processes nor pipes: its
cast does, real processes (`helpers.watching.real_cast`) or imagined ones (`helpers.watching.imagined_cast`).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from helpers.programs.importable import refuse_unimportable

if TYPE_CHECKING:
    from helpers.views.picture import Picture
    from helpers.views.table import Table

NAMES = ("A", "B")
FREE = "free"  # what holds a lock that nobody holds
LIMIT = 20.0  # seconds until a process that was let go has come to a rest


class Program:
    """What two processes run at once: a function for A, one for B (or the same), and what they share."""

    def __init__(
        self,
        a: Callable[..., object],
        b: Callable[..., object] | None = None,
        /,
        **shared: int | Callable[[], Any],
    ) -> None:
        """Keep the functions; each takes the shared things that it names, and `step`.

        A shared thing is a whole number, which becomes a `Value("i", number)`, or `Lock` or `RLock`, which
        becomes one. Raises TypeError for a function that no child could import, and for parameters or shared
        things of another kind; the message says what to write.
        """
        self.functions = dict(zip(NAMES, (a, b or a), strict=True))
        self.shared = shared
        for name, it in shared.items():
            if not (isinstance(it, int) or getattr(it, "__name__", "") in ("Lock", "RLock")):
                raise TypeError(f"{name}={it!r}: share a whole number, or Lock or RLock without brackets")
        for function in self.functions.values():
            refuse_unimportable(function)
            self._refuse_parameters(function)

    def _refuse_parameters(self, function: Callable[..., object]) -> None:
        wanted = set(inspect.signature(function).parameters)
        if unknown := wanted - set(self.shared) - {"step"}:
            raise TypeError(f"{function.__name__} wants {min(unknown)!r}, and nothing shared has that name")
        if "step" not in wanted:
            raise TypeError(
                f'{function.__name__} has no parameter step: its marks are calls like step("read")'
            )

    def wanted(self, who: str) -> list[str]:
        """Return the names of the shared things that a process's function takes."""
        return [name for name in inspect.signature(self.functions[who]).parameters if name != "step"]

    @property
    def locks(self) -> list[str]:
        """What the locks are called: by their own name, or by that of their number."""
        return [f"{name}'s lock" if isinstance(it, int) else name for name, it in self.shared.items()]


class Place(NamedTuple):
    """Where a process is: before a mark, waits for a lock, ended, raised an error, or gone without a word."""

    kind: str
    what: str = ""
    known: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        """Return it as words that follow a name."""
        values = ", ".join(f"{name} = {value!r}" for name, value in self.known)
        link = "for " if self.kind == "waits" else ""
        return f"{self.kind} {link}{self.what}".strip() + f" ({values})" * bool(values)


_UNDER_WAY, _WOKEN = Place("under way"), Place("woken")


@dataclass(frozen=True)
class Moment:
    """What was seen when nobody moved: where each process is, the shared numbers, and who holds each lock."""

    places: Mapping[str, Place]
    numbers: Mapping[str, int]
    holders: Mapping[str, str]

    @property
    def free(self) -> str:
        """The names of those that can be let go: they stand before a mark."""
        return "".join(who for who, place in self.places.items() if place.kind == "before")

    @property
    def is_over(self) -> bool:
        """Whether both have ended well."""
        return all(place.kind == "ended" for place in self.places.values())

    @property
    def is_deadlock(self) -> bool:
        """Whether both wait, each for what the other one holds."""
        waits_for = {
            who: self.holders[place.what] for who, place in self.places.items() if place.kind == "waits"
        }
        return waits_for == dict(zip(NAMES, reversed(NAMES), strict=True))

    def words(self, who: str) -> str:
        """Return where a process is, and who has the lock that it waits for, as the end of a sentence."""
        place = self.places[who]
        if place.kind != "waits":
            return {"before": "is ", "gone": "is ", "ended": "has "}.get(place.kind, "") + str(place)
        holder = self.holders[place.what]
        if holder == who:
            return f"{place}, which it holds itself"
        ended = self.places[holder].kind not in ("before", "waits")
        return f"{place}, which {holder} {'did not give back' if ended else 'holds'}"


@dataclass(frozen=True)
class Outcome:
    """What became of two processes that went by a schedule: `moments` holds one more than it has letters.

    `serial` holds what the shared numbers are after a run of one process after the other, in either order.
    """

    schedule: str
    moments: tuple[Moment, ...]
    serial: tuple[Mapping[str, int], ...] = field(default=(), compare=False)

    @property
    def last(self) -> Moment:
        """What was seen last."""
        return self.moments[-1]

    @property
    def numbers(self) -> dict[str, int]:
        """The shared numbers at the end."""
        return dict(self.last.numbers)

    @cached_property
    def verdict(self) -> str:
        """One of right, wrong, deadlock, stuck, error and not over.

        Right is what one process after the other gives, too.
        """
        if self.last.free:
            return "not over"
        if self.last.is_over:
            return "right" if self.last.numbers in self.serial or not self.serial else "wrong"
        if any(place.kind in ("raised", "gone") for place in self.last.places.values()):
            return "error"
        return "deadlock" if self.last.is_deadlock else "stuck"

    @property
    def sentence(self) -> str:
        """What happened, in one line."""
        here = _numbers(self.last.numbers)
        if self.verdict == "right":
            return f"{self.schedule}: right. {here}, as one process after the other gives."
        if self.verdict == "wrong":
            serial = " or ".join(dict.fromkeys(map(_numbers, self.serial)))
            return f"{self.schedule}: wrong. {here}, but one process after the other gives {serial}."
        where = "; ".join(f"{who} {self.last.words(who)}" for who in NAMES)
        return f"{self.schedule or 'No turn yet'}: {self.verdict}. {where}."

    def table(self) -> "Table":
        """Return a row for each turn: who went, what it passed, and what was seen then."""
        from helpers.views.table import Table

        numbers = list(self.last.numbers)
        rows = [
            (turn, who or None, mark or None, *(str(moment.places[name]) for name in NAMES),
             *(moment.numbers[name] for name in numbers), *(moment.holders[name] for name in self.locks))
            for turn, (who, mark, moment) in enumerate(self.turns())
        ]  # fmt: skip
        return Table(["turn", "goes", "passes", *NAMES, *numbers, *self.locks], rows, self.sentence)

    def turns(self) -> Iterator[tuple[str, str, Moment]]:
        """Yield (who went, the mark that it passed, what was seen then), at first ("", "", the start)."""
        yield "", "", self.moments[0]
        for turn, who in enumerate(self.schedule):
            yield who, self.moments[turn].places[who].what, self.moments[turn + 1]

    @property
    def locks(self) -> list[str]:
        """The locks that somebody held, or waited for, between two turns."""
        used = {name for one in self.moments for name, who in one.holders.items() if who != FREE}
        return [name for name in self.last.holders if name in used]

    def picture(self) -> "Picture":
        """Return the turns as a picture; its text is the sentence."""
        from helpers.views.picture import Picture
        from helpers.watching.turns_drawing import draw

        return Picture(draw(self).figure(), self.sentence)

    def __repr__(self) -> str:
        """Return the sentence and the turns as a table."""
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def _numbers(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {number}" for name, number in numbers.items())


class Cast(Protocol):
    """The two that take turns, and what they share."""

    def receive(self, limit: float) -> tuple[str, str, str, tuple[tuple[str, Any], ...]]:
        """Return (who, kind, what, values) of the next thing that one of them tells; TimeoutError."""

    def go(self, who: str) -> None:
        """Let one of them go on."""

    def numbers(self) -> dict[str, int]:
        """Return the shared numbers, read without their locks."""

    def is_free(self, lock: str) -> bool:
        """Return whether somebody else could take the lock: it is tried."""

    def close(self) -> None:
        """End both, wherever they are."""


class Session:
    """Two that wait for their turns; `moments` holds what was seen at the start and after each turn."""

    def __init__(self, program: Program, cast: Cast) -> None:
        """Wait until both are before their first marks. Raises TimeoutError as `let` does."""
        self.program, self.cast, self.schedule = program, cast, ""
        self._places = dict.fromkeys(NAMES, _UNDER_WAY)
        self._holders = dict.fromkeys(program.locks, FREE)
        self.moments = [self._rest()]

    def let(self, who: str) -> Moment:
        """Let one of them pass its mark, and return what is seen when nobody moves any more.

        A process that waits for a lock which was given back goes on to its next mark, too. Raises ValueError
        for one that cannot go, and TimeoutError when one of them neither comes to a mark nor ends, nor waits
        for a lock that is known here; both are ended then.
        """
        before = self.moments[-1]
        if who not in NAMES:
            raise ValueError(f"{who!r} is nobody here: a turn is A's or B's")
        if who not in before.free:
            raise ValueError(f"{who} cannot go: it {before.words(who)}")
        self._places[who] = _UNDER_WAY
        self.cast.go(who)
        self.schedule += who
        self.moments.append(self._rest())
        return self.moments[-1]

    def outcome(self, serial: tuple[Mapping[str, int], ...] = ()) -> Outcome:
        """Return what became of them up to now."""
        return Outcome(self.schedule, tuple(self.moments), serial)

    def _rest(self) -> Moment:
        """Return what is seen when each of them stands before a mark, waits in vain, or is over."""
        try:
            while moving := self._moving():
                if all(self._places[who] == _WOKEN for who in moving):
                    self._places[moving[0]] = _UNDER_WAY
                    self.cast.go(moving[0])
                else:
                    self._listen(moving)
        except BaseException:
            self.cast.close()
            raise
        holders = {
            lock: FREE if self.cast.is_free(lock) else self._holders[lock] for lock in self.program.locks
        }
        return Moment(dict(self._places), self.cast.numbers(), holders)

    def _moving(self) -> list[str]:
        """Return those that will tell something without being let go, and those that were woken."""
        return [
            who
            for who, place in self._places.items()
            if place in (_UNDER_WAY, _WOKEN) or (place.kind == "waits" and self._holders[place.what] == FREE)
        ]

    def _listen(self, moving: list[str]) -> None:
        try:
            who, kind, what, known = self.cast.receive(LIMIT)
        except TimeoutError:
            since = self.schedule or "the start"
            raise TimeoutError(
                f"after {since}, {' and '.join(moving)} came to no mark for {LIMIT:g} s: "
                "look for an endless loop, and for a lock that `Program` does not share"
            ) from None
        if kind == "took":
            self._holders[what] = who
            self._places[who] = _WOKEN if self._places[who].kind == "waits" else _UNDER_WAY
        elif kind == "freed":
            if self._holders[what] == who:  # else the one that waited told first that it has the lock
                self._holders[what] = FREE
        else:
            self._places[who] = Place(kind, what, known)
