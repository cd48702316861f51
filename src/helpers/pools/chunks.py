"""How a pool cuts a list into chunks."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from helpers.views.picture import Picture


def default_chunksize(tasks: int, workers: int) -> int:
    """Return the chunk size that `Pool.map` takes when none is given: four chunks per worker, rounded up.

    Source: `Pool._map_async` in CPython's Lib/multiprocessing/pool.py.
    """
    size, rest = divmod(tasks, 4 * workers)
    return max(1, size + bool(rest))


class Chunks(Sequence[list[Any]]):
    """The chunks of a list, in order; its repr is the list of lists."""

    def __init__(self, items: Sequence[Any], workers: int, size: int) -> None:
        """Cut `items` into pieces of `size`."""
        self.workers = workers
        self.size = size
        self._chunks = [list(items[first : first + size]) for first in range(0, len(items), size)]

    @overload
    def __getitem__(self, index: int) -> list[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[Any]]: ...
    def __getitem__(self, index: int | slice) -> list[Any] | list[list[Any]]:
        """Return one chunk, or a list of chunks."""
        return self._chunks[index]

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self._chunks)

    def __eq__(self, other: object) -> bool:
        """Tell whether the other (chunks or a list of lists) holds the same chunks."""
        if isinstance(other, Chunks):
            return self._chunks == other._chunks
        return self._chunks == other if isinstance(other, list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as for lists

    def __repr__(self) -> str:
        """Return the chunks as a list of lists."""
        return repr(self._chunks)

    def draw(self, title: str = "") -> "Picture":
        """Return the items as numbered boxes, a gap after each chunk."""
        return _draw(self, title)


def chunks(
    items: int | Sequence[Any] | Iterable[Any], workers: int = 2, chunksize: int | None = None
) -> Chunks:
    """Return the chunks that a `Pool` of so many workers hands out, one at a time, to whoever is free.

    `items` is a sequence, or a number of tasks (then they are 0, 1, 2, …); without a `chunksize`, the pool's
    own formula holds. Raises ValueError for a negative number of tasks, or workers or a chunk size below 1.
    """
    for name, value in (("workers", workers), ("chunksize", 1 if chunksize is None else chunksize)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}, but it must be a whole number from 1")
    if isinstance(items, int):
        if items < 0:
            raise ValueError(f"there cannot be {items} tasks: give a number from 0, or the list itself")
        items = range(items)
    elif not isinstance(items, Sequence):
        items = list(items)  # a generator, a set, an array
    size = default_chunksize(len(items), workers) if chunksize is None else chunksize
    return Chunks(items, workers, size)


def _draw(chunks: Chunks, title: str = "") -> "Picture":
    """Return the items of a list as boxes in a row, one colour and one gap per chunk."""
    from helpers.views.picture import (
        COLOURS,
        GREY,
        INK,
        LETTER,
        SIZE,
        WIDTH,
        Picture,
        draw_title,
        ink_on,
        new_figure,
    )
    from helpers.views.words import plural

    total = sum(map(len, chunks))
    sentence = (
        f"{plural(total, 'task')} in {plural(len(chunks), 'chunk')} of up to {chunks.size}, "
        f"for {plural(chunks.workers, 'worker')}"
    )
    height = 1.4 if title else 1.1
    figure = new_figure(WIDTH, height)
    draw_title(figure, title, height)
    axes = figure.add_axes((0.1 / WIDTH, 0.05 / height, 1 - 0.2 / WIDTH, 0.75 / height))
    axes.set_axis_off()
    axes.set_title(sentence, loc="left", size=SIZE, color=INK, pad=5)
    gap = 0.4 if len(chunks) <= 60 else 0.0
    extent = max(total + gap * (len(chunks) - 1), 10)
    axes.set_xlim(0, extent)
    axes.set_ylim(0, 1)
    room = (WIDTH - 0.2) / extent
    words = [[str(item) for item in chunk] for chunk in chunks] if room > 2 * LETTER else []
    legible = bool(words) and room > LETTER * (max(len(word) for chunk in words for word in chunk) + 1)
    boxes: list[tuple[float, float]] = []
    fills: list[str] = []
    left = 0.0
    for number, chunk in enumerate(chunks):
        fill = COLOURS[number % len(COLOURS)]
        boxes += [(left + place, 1) for place in range(len(chunk))] if legible else [(left, len(chunk))]
        fills += [fill] * (len(boxes) - len(fills))
        for place, word in enumerate(words[number] if legible else []):
            middle = left + place + 0.5
            axes.text(middle, 0.675, word, ha="center", va="center", size=SIZE, color=ink_on(fill),
                      parse_math=False)  # fmt: skip
        if len(chunk) * room > LETTER * 9:
            middle = left + len(chunk) / 2
            axes.text(middle, 0.3, f"chunk {number}", ha="center", va="top", size=SIZE - 1, color=GREY)
        left += len(chunk) + gap
    line = 1.0 if legible else 0.0
    axes.broken_barh(boxes, (0.4, 0.55), facecolors=fills, edgecolor="white", linewidth=line)
    return Picture(figure, sentence)
