"""Chunks are what a pool cuts, by the pool's own formula."""

import random
from itertools import pairwise
from multiprocessing.pool import Pool
from types import SimpleNamespace
from typing import Any

import pytest

from helpers.pools.chunks import chunk_colours, chunks, default_chunksize


def test_the_repr_is_the_lesson() -> None:
    """A number of tasks or a list, cut in order."""
    assert repr(chunks(10, workers=2, chunksize=3)) == "[[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]"
    assert chunks("abcde", workers=1, chunksize=2) == [["a", "b"], ["c", "d"], ["e"]]
    assert chunks((n * n for n in range(3)), chunksize=5) == [[0, 1, 4]]


def test_it_is_like_a_list() -> None:
    """It has a length, items, slices and equality."""
    cut = chunks(5, chunksize=2)
    assert (len(cut), cut[-1], cut[:1], list(cut)[1]) == (3, [4], [[0, 1]], [2, 3])
    assert cut == chunks(range(5), workers=3, chunksize=2)
    assert cut != [[0]]
    assert cut != 3
    assert chunks(0) == []


@pytest.mark.parametrize("workers", [1, 2, 5, 16])
@pytest.mark.parametrize("tasks", [1, 2, 7, 40, 1000])
def test_the_default_is_the_pools_own(tasks: int, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a chunk size, it is the one that CPython's own code takes for so many workers."""
    sizes: list[int] = []

    def note_size(function: Any, items: Any, size: int) -> Any:
        sizes.append(size)
        return iter(())

    monkeypatch.setattr(Pool, "_get_tasks", staticmethod(note_size))
    idle = SimpleNamespace(
        _check_running=lambda: None,
        _pool=[None] * workers,
        _cache={},
        _change_notifier=None,
        _taskqueue=SimpleNamespace(put=lambda tasks: None),
        _guarded_task_generation=lambda *_: None,
    )
    Pool._map_async(idle, None, range(tasks), None)  # type: ignore[attr-defined]
    assert sizes == [chunks(tasks, workers=workers).size] == [default_chunksize(tasks, workers)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"workers": 0}, "workers is 0"),
        ({"chunksize": 0}, "chunksize is 0"),
        ({"chunksize": 1.5}, "chunksize is 1.5"),
        ({"items": -1}, "cannot be -1 tasks"),
    ],
)
def test_bad_numbers_are_refused(arguments: dict[str, Any], words: str) -> None:
    """Less than one worker or item per chunk cannot be."""
    with pytest.raises(ValueError, match=words):
        chunks(**{"items": 3, **arguments})


@pytest.mark.parametrize("tasks", [0, 1, 10, 100_000])
def test_it_can_be_drawn(tasks: int) -> None:
    """A picture of any number of tasks, with its sentence."""
    picture = chunks(tasks, workers=2, chunksize=3).draw("Chunks")
    assert picture.png
    assert repr(picture).endswith("of up to 3, for 2 workers")


@pytest.mark.parametrize("seed", range(50))
def test_neighbouring_chunks_never_look_alike(seed: int) -> None:
    """Whoever takes which chunk: the next in the lane and the next in number have another colour."""
    draw = random.Random(seed)
    workers, count = draw.randint(1, 8), draw.randint(1, 60)
    orders: list[list[int]] = [[] for _ in range(workers)]
    for number in range(count):
        orders[draw.randrange(workers)] += [number] * draw.randint(1, 3)
    colours = chunk_colours(orders)
    assert sorted(colours) == list(range(count))
    follow = [pair for order in orders for pair in pairwise(order) if pair[0] != pair[1]]
    for one, other in [*pairwise(range(count)), *follow]:
        assert colours[one] != colours[other]
