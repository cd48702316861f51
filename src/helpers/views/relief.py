"""A landscape in grey, with what shared the work on it: bands of rows, each in the colour of its worker."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from helpers.views.picture import COLOURS, INK, SIZE, WIDTH, Picture, ink_on, new_figure
from helpers.views.words import plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDE = 0.85 * WIDTH  # inches: it is nearly as high
_GREYS = 48  # which nobody tells from 256, in half the bytes
_BESIDE = 0.16  # of the picture's width, for the names of the workers


def relief(light: "NDArray[Any]", edges: Sequence[tuple[int, int]], makers: Sequence[int]) -> Picture:
    """Return a Picture of `light`, a 2-D array of 0 (dark) to 1, beside it who made each band of rows.

    `edges` are the bands' (first row, row after the last), `makers` the PIDs by band. Raises ValueError
    unless there is one maker for each band.
    """
    if len(edges) != len(makers):
        raise ValueError(f"there are {len(edges)} bands and {len(makers)} makers: give one PID for each band")
    rows, columns = light.shape
    figure = new_figure(_WIDE, _WIDE * (1 - _BESIDE) * rows / columns)
    land = figure.add_axes((_BESIDE, 0, 1 - _BESIDE, 1))
    land.imshow(
        (light * _GREYS).round() / _GREYS, cmap="gray", vmin=0, vmax=1, aspect="auto", interpolation="nearest"
    )
    land.set_axis_off()
    beside = figure.add_axes((0, 0, _BESIDE * 0.94, 1))
    beside.set(xlim=(0, 1), ylim=(rows, 0))
    beside.set_axis_off()
    numbers = {pid: number for number, pid in enumerate(dict.fromkeys(makers), 1)}
    for (first, last), pid in zip(edges, makers, strict=True):
        colour = COLOURS[(numbers[pid] - 1) % len(COLOURS)]
        beside.axhspan(first, last, facecolor=colour, edgecolor=INK, linewidth=0.6)
        beside.text(
            0.5, (first + last) / 2, f"worker {numbers[pid]}", size=SIZE, color=ink_on(colour),
            horizontalalignment="center", verticalalignment="center",
        )  # fmt: skip
    return Picture(figure, f"hillshade of {rows} by {columns} heights in {plural(len(edges), 'band')}")
