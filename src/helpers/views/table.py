"""A small table that reads well as text and as HTML."""

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Any
from unicodedata import east_asian_width

_SHOWN = 60  # rows; a longer table says how many it leaves out


def _width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _code(text: str) -> str:
    """Return the code as HTML that breaks where `_pieces` does."""
    pieces = (f'<span style="white-space: nowrap">{escape(piece)}</span>' for piece in _pieces(text))
    return f"<code>{' '.join(pieces)}</code>"


def _pieces(code: str) -> list[str]:
    """Return the code cut at the spaces between a call's arguments and between statements."""
    pieces, first, quote = [], 0, ""
    brackets: list[bool] = []  # the open ones, and whether each is a call's
    for place, letter in enumerate(code):
        before = code[place - 1] if place else " "
        if quote:
            quote = "" if letter == quote and before != "\\" else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            brackets.append(letter == "(" and (before.isalnum() or before in "_)]"))
        elif letter in ")]}" and brackets:
            brackets.pop()
        elif letter == " " and (before in ",;:" if not brackets else before == "," and brackets[-1]):
            pieces.append(code[first:place])
            first = place + 1
    return [*pieces, code[first:]]


class Table:
    """Rows under named columns: aligned as text, escaped as HTML, equal to a table that shows the same."""

    def __init__(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        caption: str = "",
        code: Collection[str] = (),
    ) -> None:
        """Keep the rows; each needs one value per column (ValueError otherwise). None is shown as "-".

        `code` names the columns that hold code: as HTML they are monospace and break between arguments only.
        Raises ValueError for a name that is no column's.
        """
        self.columns = tuple(columns)
        self.code = frozenset(code)
        if unknown := self.code - set(self.columns):
            raise ValueError(
                f"code={sorted(unknown)} names no column: the columns are {', '.join(self.columns)}"
            )
        self.rows = tuple(tuple(row) for row in rows)
        self.caption = caption
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"the row {row!r} has {len(row)} values for {len(self.columns)} columns "
                    f"({', '.join(self.columns)}): give each row one value per column"
                )

    def __eq__(self, other: object) -> bool:
        """Tell whether the other table shows the same."""
        if not isinstance(other, Table):
            return NotImplemented
        return (self.columns, self.rows, self.caption) == (other.columns, other.rows, other.caption)

    __hash__ = None  # type: ignore[assignment]  # rows may hold lists

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def _cells(self) -> list[list[str]]:
        return [["-" if value is None else str(value) for value in row] for row in self.rows[:_SHOWN]]

    def _numeric(self) -> list[bool]:
        """Tell for each column whether it holds only numbers (which are set flush right)."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        return [
            any(v is not None for v in values)
            and all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)
            for values in columns
        ]

    def _more(self) -> str:
        left = len(self.rows) - _SHOWN
        return f"… and {left} more row{'s' * (left > 1)}" if left > 0 else ""

    def __repr__(self) -> str:
        """Return the table as aligned lines of text."""
        cells = self._cells()
        widths = [max(map(_width, column)) for column in zip(self.columns, *cells, strict=True)]
        rights = self._numeric()
        lines = [
            "  ".join(map(_pad, row, widths, rights)).rstrip()
            for row in [list(self.columns), ["─" * width for width in widths], *cells]
        ]
        return "\n".join(filter(None, [self.caption, *lines, self._more()]))

    def _repr_html_(self) -> str:
        """Return the table as HTML, every text escaped."""
        styles = [
            ' style="text-align: right"' if right else ' style="text-align: left"'
            for right in self._numeric()
        ]

        def line(tag: str, row: Iterable[str]) -> str:
            cells = (
                f"<{tag}{style}>{(_code if tag == 'td' and name in self.code else escape)(text)}</{tag}>"
                for text, style, name in zip(row, styles, self.columns, strict=True)
            )
            return f"<tr>{''.join(cells)}</tr>"

        caption = (
            f'<caption style="text-align: left">{escape(self.caption)}</caption>' if self.caption else ""
        )
        more = f'<tr><td colspan="{len(self.columns)}">{self._more()}</td></tr>' if self._more() else ""
        body = "".join(line("td", row) for row in self._cells()) + more
        table = f"<table>{caption}<thead>{line('th', self.columns)}</thead><tbody>{body}</tbody></table>"
        return f'<div style="overflow-x: auto">{table}</div>' if self.code else table
