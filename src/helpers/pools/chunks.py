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
        from helpers.watching.lanes import draw_chunks

        return draw_chunks(self, title)


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
