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


def chunk_colours(orders: Iterable[Sequence[int]]) -> dict[int, str]:
    """Return a colour for each chunk, so that two that can be taken for one differ.

    `orders` holds, lane by lane, the numbers of the chunks in their order in time. Chunks that follow each
    other in a lane differ, and so do chunk n and chunk n + 1: a worker takes a chunk as a whole, so that each
    has at most four neighbours.
    """
    from helpers.views.picture import COLOURS

    beside: dict[int, set[int]] = {}
    for order in orders:
        for number, following in zip(order, [*order[1:], order[-1]] if order else (), strict=True):
            beside.setdefault(number, set()).add(following)
            beside.setdefault(following, set()).add(number)
    colours: dict[int, str] = {}
    for number in sorted(beside):
        around = {colours.get(other) for other in {number - 1, *beside[number]} - {number}}
        choice = [COLOURS[(number + step) % len(COLOURS)] for step in range(len(COLOURS))]
        colours[number] = next((colour for colour in choice if colour not in around), choice[0])
    return colours


def _draw(chunks: Chunks, title: str = "") -> "Picture":
    """Return the items of a list as boxes in a row, one colour and one gap per chunk."""
    from helpers.views.drawing import Boxes, Drawing, Words
    from helpers.views.picture import GREY, LETTER, SIZE, WIDTH, Picture, ink_on
    from helpers.views.words import plural

    total = sum(map(len, chunks))
    sentence = (
        f"{plural(total, 'task')} in {plural(len(chunks), 'chunk')} of up to {chunks.size}, "
        f"for {plural(chunks.workers, 'worker')}"
    )
    top = 0.34 if title else 0.0
    sheet = Drawing(WIDTH, top + 1.05)
    if title:
        sheet.add(Words(0.1, 0.2, title, SIZE + 3, bold=True))
    sheet.add(Words(0.1, top + 0.16, sentence))
    gap = 0.4 if len(chunks) <= 60 else 0.0
    room = (WIDTH - 0.2) / max(total + gap * (len(chunks) - 1), 10)  # inches, of an item
    words = [[str(item) for item in chunk] for chunk in chunks] if room > 2 * LETTER else []
    legible = bool(words) and room > LETTER * (max(len(word) for chunk in words for word in chunk) + 1)
    colours = chunk_colours([range(len(chunks))])
    left = 0.1
    boxes: list[tuple[float, float, float, float]] = []
    fills: list[str] = []
    for number, chunk in enumerate(chunks):
        width, fill = len(chunk) * room, colours[number]
        pieces = [(left + place * room, room) for place in range(len(chunk))] if legible else [(left, width)]
        boxes += [(x, top + 0.32, w, 0.42) for x, w in pieces]
        fills += [fill] * len(pieces)
        for place, word in enumerate(words[number] if legible else []):
            middle = left + (place + 0.5) * room
            sheet.add(Words(middle, top + 0.53, word, colour=ink_on(fill), anchor="middle"))
        if width > LETTER * 9:
            middle = left + width / 2
            sheet.add(Words(middle, top + 0.87, f"chunk {number}", SIZE - 1, GREY, "middle"))
        left += width + gap * room
    # All in one, behind the words: a shape for each of 100 000 chunks would take half a minute.
    sheet.add(Boxes(boxes, fills, *(("white", 1.0) if legible else ("", 0.0))))
    return Picture(sheet.figure(), sentence)
