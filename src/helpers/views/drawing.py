"""Shapes and words on a sheet, laid out once and painted as a matplotlib figure or as SVG.

Places and sizes are inches from the top left corner, y downwards; sizes of letters are points. Each shape has
the two painters side by side, and neither of them decides anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from helpers.views.picture import INK, SIZE, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 72  # in an inch
_PIXELS = 96  # of CSS, in an inch
_SIDE = {"start": "left", "middle": "center", "end": "right"}  # what SVG and matplotlib call the same

Box = tuple[float, float, float, float]  # left, top, width, height
Point = tuple[float, float]


class Shape(Protocol):
    """Anything that can be painted both ways."""

    def paint(self, axes: "Axes") -> None:
        """Paint on axes whose unit is an inch."""

    def svg(self) -> str:
        """Return the shape as SVG, in CSS pixels."""


@dataclass(frozen=True)
class Boxes:
    """Rectangles, each with its fill; `edge` is the colour of their outlines, dashed for what is not over."""

    boxes: Sequence[Box]
    fills: Sequence[str]
    edge: str = ""
    line: float = 0.0  # points
    open: bool = False
    hatched: bool = False

    def paint(self, axes: "Axes") -> None:
        """Paint all of them as one collection."""
        import numpy as np
        from matplotlib.collections import PolyCollection

        left, top, width, height = np.asarray(self.boxes, dtype=float).reshape(-1, 4).T
        right, bottom = left + width, top + height
        corners: Any = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        axes.add_collection(
            PolyCollection(
                corners.transpose(2, 0, 1),
                facecolors=list(self.fills),
                edgecolors=self.edge or "none",
                linewidths=self.line if self.edge else 0,
                linestyles="--" if self.open else "-",
                alpha=0.45 if self.open else None,
                hatch="////" if self.hatched else None,
            ),
            autolim=False,
        )

    def svg(self) -> str:
        """Return one rectangle after the other."""
        outline = f' stroke="{self.edge}" stroke-width="{_px(self.line / POINTS)}"' if self.edge else ""
        outline += ' stroke-dasharray="4 3" fill-opacity="0.45"' if self.open else ""
        parts = []
        for (left, top, width, height), fill in zip(self.boxes, self.fills, strict=True):
            place = f'x="{_px(left)}" y="{_px(top)}" width="{_px(width)}" height="{_px(height)}"'
            parts.append(f'<rect {place} fill="{fill}"{outline}/>')
            if self.hatched:
                parts.append(f'<rect {place} fill="url(#hatch)"/>')
        return "".join(parts)


@dataclass(frozen=True)
class Words:
    """A line of text whose middle is at the height `y`; `anchor` tells which end of it is at `x`."""

    x: float
    y: float
    text: str
    size: float = SIZE
    colour: str = INK
    anchor: str = "start"
    bold: bool = False
    italic: bool = False
    halo: bool = False

    def paint(self, axes: "Axes") -> None:
        """Paint the words; a dollar sign is a dollar sign."""
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.75} if self.halo else None
        axes.text(
            self.x, self.y, self.text, size=self.size, color=self.colour, ha=_SIDE[self.anchor],
            va="center_baseline", weight="bold" if self.bold else "normal",
            style="italic" if self.italic else "normal", bbox=box, parse_math=False,
        )  # fmt: skip

    def svg(self) -> str:
        """Return the words as text, which can be selected and searched."""
        style = ' font-weight="bold"' if self.bold else ""
        style += ' font-style="italic"' if self.italic else ""
        style += ' stroke="white" stroke-width="3" paint-order="stroke"' if self.halo else ""
        return (
            f'<text x="{_px(self.x)}" y="{_px(self.y + 0.36 * self.size / POINTS)}" fill="{self.colour}" '
            f'font-size="{_px(self.size / POINTS)}" text-anchor="{self.anchor}"{style}>'
            f"{escape(self.text)}</text>"
        )


@dataclass(frozen=True)
class Line:
    """Straight pieces from point to point, `width` points wide."""

    points: Sequence[Point]
    colour: str
    width: float = 0.8

    def paint(self, axes: "Axes") -> None:
        """Paint the pieces."""
        axes.plot(*zip(*self.points, strict=True), color=self.colour, linewidth=self.width, zorder=1)

    def svg(self) -> str:
        """Return the pieces as one path."""
        return (
            f'<path d="{_path(self.points)}" fill="none" stroke="{self.colour}" '
            f'stroke-width="{_px(self.width / POINTS)}"/>'
        )


@dataclass(frozen=True)
class Area:
    """What is inside a closed line."""

    points: Sequence[Point]
    fill: str

    def paint(self, axes: "Axes") -> None:
        """Paint the area."""
        axes.fill(*zip(*self.points, strict=True), facecolor=self.fill, linewidth=0)

    def svg(self) -> str:
        """Return the area as a path."""
        return f'<path d="{_path(self.points)}Z" fill="{self.fill}"/>'


@dataclass(frozen=True)
class Mark:
    """A cross, or a dot (`hollow` for a ring), `size` points wide."""

    x: float
    y: float
    size: float
    colour: str = INK
    dot: bool = False
    hollow: bool = False

    def paint(self, axes: "Axes") -> None:
        """Paint the mark above everything else."""
        face, edge = ("white" if self.hollow else self.colour), self.colour if self.dot else "white"
        axes.plot(self.x, self.y, "o" if self.dot else "X", markersize=self.size, markerfacecolor=face,
                  markeredgecolor=edge, markeredgewidth=1.8 if self.dot else 0.8, zorder=4)  # fmt: skip

    def svg(self) -> str:
        """Return the mark as a circle or as two strokes."""
        x, y, half = self.x * _PIXELS, self.y * _PIXELS, self.size / POINTS * _PIXELS / 2
        if self.dot:
            face = "white" if self.hollow else self.colour
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{half:.1f}" fill="{face}" stroke="{self.colour}"/>'
        arms = (
            f"M{x - half:.1f} {y - half:.1f}L{x + half:.1f} {y + half:.1f}"
            f"M{x - half:.1f} {y + half:.1f}L{x + half:.1f} {y - half:.1f}"
        )
        return f'<path d="{arms}" stroke="{self.colour}" stroke-width="3"/>'


@dataclass
class Drawing:
    """A white sheet of `width` by `height` inches with shapes, painted in their order."""

    width: float
    height: float
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        """Put more shapes on top."""
        self.shapes += shapes

    @property
    def words(self) -> list[str]:
        """Every text on the sheet, in order."""
        return [shape.text for shape in self.shapes if isinstance(shape, Words)]

    def figure(self) -> "Figure":
        """Return the sheet as a matplotlib figure that no global state knows about."""
        figure = new_figure(self.width, self.height)
        axes: Any = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_axis_off()
        for shape in self.shapes:
            shape.paint(axes)
        return figure

    def svg(self, sentence: str) -> str:
        """Return the sheet as SVG, with the sentence as its title."""
        size = f'width="{_px(self.width)}" height="{_px(self.height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} '
            f'viewBox="0 0 {_px(self.width)} {_px(self.height)}" '
            f'font-family="DejaVu Sans, Verdana, sans-serif">'
            f"<title>{escape(sentence)}</title>{_HATCH}<rect {size} fill='white'/>"
            f"{''.join(shape.svg() for shape in self.shapes)}</svg>"
        )


_HATCH = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><path d="M0 0V6" stroke="#222222"/></pattern></defs>'
)


def _px(inches: float) -> str:
    return f"{inches * _PIXELS:.1f}"


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x * _PIXELS:.1f} {y * _PIXELS:.1f}" for x, y in points)
