"""The turns of two processes as a drawing: a lane each, then what they share, one column a turn."""

from typing import TYPE_CHECKING

from helpers.views.drawing import Boxes, Drawing, Line, Mark, Words
from helpers.views.picture import COLOURS, FAINT, GREY, INK, LETTER, SIZE, WIDTH, ink_on

if TYPE_CHECKING:
    from helpers.watching.turns import Moment, Outcome

# Inches: where the first column begins, the start's column, the height of a lane, its box, a row below it.
_LEFT, _START, _LANE, _BOX, _ROW = 1.0, 0.6, 0.56, 0.3, 0.26
_FEWEST = 4  # columns, so that the picture keeps its shape while it grows
_SIGNS = {"right": COLOURS[2], "not over": GREY}
_BAD = COLOURS[5]


def draw(outcome: "Outcome") -> Drawing:
    """Return the sheet; while it is not over, the next column holds what each of them would pass."""
    turns = len(outcome.schedule)
    columns = max(_FEWEST, turns + bool(outcome.last.free))
    return _Sheet(outcome, columns).drawn()


class _Sheet:
    """Where the columns and rows are, and the shapes in them."""

    def __init__(self, outcome: "Outcome", columns: int) -> None:
        self.outcome = outcome
        self.names = list(outcome.last.places)
        self.colours = dict(zip(self.names, COLOURS, strict=False))
        self.step = (WIDTH - _LEFT - _START - 0.1) / columns
        self.rows = [*outcome.numbers, *outcome.locks]
        self.told = _lines(outcome.sentence)
        self.below = 0.36 + _LANE * len(self.names)
        height = self.below + _ROW * len(self.rows) + 0.25 + 0.24 * len(self.told)
        self.sheet = Drawing(WIDTH, height)

    def drawn(self) -> Drawing:
        self._head()
        for place, who in enumerate(self.names):
            self._lane(who, 0.32 + _LANE * place)
        for place, name in enumerate(self.rows):
            y = self.below + _ROW * (place + 0.5)
            self.sheet.add(Words(_LEFT - 0.1, y, name, anchor="end"))
            if name in self.outcome.numbers:
                self._number(name, y)
            else:
                self._lock(name, y)
        self._verdict()
        return self.sheet

    def _left(self, turn: int) -> float:
        """Return where a turn's column begins; the start is turn 0."""
        return _LEFT + (_START + self.step * (turn - 1) if turn else 0.0)

    def _middle(self, turn: int) -> float:
        return self._left(turn) + (self.step if turn else _START) / 2

    def _head(self) -> None:
        heads = ["start", *(f"turn {turn + 1}" for turn in range(len(self.outcome.schedule)))]
        heads += ["next?"] * bool(self.outcome.last.free)
        for turn, text in enumerate(heads):
            self.sheet.add(Words(self._middle(turn), 0.18, text, SIZE - 1, GREY, "middle"))

    def _lane(self, who: str, top: float) -> None:
        """Draw what one of them passed, where it waited, and what it would pass next."""
        y, colour = top + _BOX / 2, self.colours[who]
        over = next(
            (turn for turn, (*_, now) in enumerate(self.outcome.turns()) if now.places[who].kind == "ended"),
            len(self.outcome.schedule),
        )
        self.sheet.add(
            Words(_LEFT - 0.1, y, f"process {who}", bold=True, anchor="end"),
            Line([(_LEFT, y), (self._left(over + 1), y)], colour, 2.2),
        )
        before = self.outcome.moments[0]
        for turn, (goes, mark, now) in enumerate(self.outcome.turns()):
            if now.places[who].kind == "waits":
                self._box(who, turn, top, "waits" if goes != who else f"{mark}: waits", dashed=True)
            elif goes == who:
                self._box(who, turn, top, mark)
            self._values(who, turn, y, before, now)
            before = now
        if who in self.outcome.last.free:
            place = self.outcome.last.places[who]
            self._box(who, len(self.outcome.schedule) + 1, top, place.what, dashed=True)

    def _box(self, who: str, turn: int, top: float, text: str, dashed: bool = False) -> None:
        box = (self._left(turn) + 0.03, top, self.step - 0.06, _BOX)
        fill = FAINT if dashed else self.colours[who]
        self.sheet.add(Boxes([box], ["white"]), Boxes([box], [fill], self.colours[who], 1.6, open=dashed))
        size = min(SIZE, SIZE * (self.step - 0.12) / (LETTER * max(len(text), 1)))
        colour = INK if dashed else ink_on(fill)
        self.sheet.add(Words(self._middle(turn), top + _BOX / 2, text, size, colour, "middle"))

    def _values(self, who: str, turn: int, y: float, before: "Moment", now: "Moment") -> None:
        """Write below the lane which of the process's own values are new."""
        new = [one for one in now.places[who].known if one not in before.places[who].known]
        text = ", ".join(f"{name} = {value!r}" for name, value in new)
        if text and turn:
            self.sheet.add(Words(self._middle(turn), y + _BOX / 2 + 0.13, text, SIZE - 1, INK, "middle"))

    def _number(self, name: str, y: float) -> None:
        before = None
        for turn, moment in enumerate(self.outcome.moments):
            number = moment.numbers[name]
            changed = number != before
            colour = INK if changed else GREY
            self.sheet.add(
                Words(self._middle(turn), y, str(number), colour=colour, anchor="middle", bold=changed)
            )
            before = number

    def _lock(self, name: str, y: float) -> None:
        for turn, moment in enumerate(self.outcome.moments):
            who = moment.holders[name]
            if who not in self.names:
                self.sheet.add(Words(self._middle(turn), y, who, SIZE - 1, GREY, "middle"))
                continue
            width = self.step if turn else _START
            self.sheet.add(Boxes([(self._left(turn), y - 0.1, width, 0.2)], [self.colours[who]]))
            self.sheet.add(
                Words(self._middle(turn), y, f"{who} has it", SIZE - 1, ink_on(self.colours[who]), "middle")
            )

    def _verdict(self) -> None:
        y = self.sheet.height - 0.24 * len(self.told)
        colour = _SIGNS.get(self.outcome.verdict, _BAD)
        dot = self.outcome.verdict in _SIGNS
        self.sheet.add(Mark(0.2, y, 9, colour, dot=dot, hollow=self.outcome.verdict == "not over"))
        for place, line in enumerate(self.told):
            self.sheet.add(Words(0.36, y + 0.24 * place, line, SIZE + 0.5, bold=True))


def _lines(sentence: str) -> list[str]:
    """Return the sentence in lines that fit on the sheet."""
    lines = [""]
    for word in sentence.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > (WIDTH - 0.5) / (LETTER * 1.12):
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
