"""The exercises of 10: a nested loop in one line, a map that refuses to run serially, a search in files."""

import json
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

from helpers.exercises.judging.comparing import as_list, require_list, short
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.processes.folders import own_folder
from helpers.workers.formulas import plane
from helpers.workers.numbers import square
from helpers.workers.rendezvous import AtBarrier


@exercise("grid", in_child=True, limit=20)
def judge_grid(grid: Callable[[list[int], list[int]], object]) -> str:
    """Accept plane(x, y, 3, 0.5) for every x with every y, in the loop's order, on two processes at once."""
    for xs, ys in (([1, 2, 3], [10, 20, 30, 40]), ([5, -1], [2, 0])):
        with _told_as_a_reader(), observed() as seen:
            said = grid(xs, ys)
        right = [plane(x, y, 3, 0.5) for x in xs for y in ys]
        found = as_list(said)
        if len(found) == min(len(xs), len(ys)):
            raise NotYet(f"{len(found)} numbers are the pairs of `zip`; every x with every y is `product`")
        require_list(
            found, right, "numbers", each="one for each x with each y", order="the order of the loops"
        )
        seen.require_parallel()
    return "every x met every y, in the order of the loops, on two processes"


@exercise("no-fallback", in_child=True, limit=20)
def judge_no_fallback(map_or_raise: Callable[..., object]) -> str:
    """Accept a parmap.map that raises, before any work, where parmap would warn and run serially."""
    items = [4, 1, 3, 2, 0, 5]
    with _told_as_a_reader(), observed() as seen:
        try:
            said = map_or_raise(square, _with_another_warning(items), 2)
        except Exception as error:
            if not isinstance(error, Warning):
                map_or_raise(square, items, 2)  # raises when it was not the warning
            raise NotYet(
                f"with 2 workers a warning that has nothing to do with parmap made it raise "
                f"{type(error).__name__}: make only `UserWarning` an error, as in "
                '`warnings.simplefilter("error", UserWarning)`'
            ) from None
    require_list(said, [square(item) for item in items])
    seen.require_parallel()
    for workers in (0, -3):
        _require_refusal(map_or_raise, items, workers, f"with {workers} workers")
    with patch.object(multiprocessing, "Pool", _no_pool):  # as parmap calls it
        _require_refusal(map_or_raise, items, 2, "where the system refuses a pool, and parmap warns,")
    return "two workers work, no worker is an error, and other code's warnings stay warnings"


def _no_pool(*_: object, **__: object) -> NoReturn:
    raise OSError("no pool can be made here")


def _require_refusal(map_or_raise: Callable[..., object], items: list[int], workers: int, when: str) -> None:
    """Raise NotYet unless the call raises before any work, and leaves the filters of warnings as they are.

    An answer that has a pool of its own, where parmap gets none, may let that pool work for two workers.
    """
    with own_folder("calls") as folder, _told_as_a_reader():
        before = list(warnings.filters)
        raised = False
        try:
            said = map_or_raise(AtBarrier(square, str(folder), os.getpid(), 1, 0.0), items, workers)
        except Exception:
            raised = True
        worked = (folder / str(os.getpid())).exists()
        elsewhere = workers > 0 and any(folder.iterdir()) and not worked
        changed = list(warnings.filters) != before
    if not raised and not elsewhere:
        raise NotYet(f"{when} it returned {short(said)} without an error")
    if worked:
        raise NotYet(
            f"{when} the error came after this process had done the work: make the warning an error before "
            "the call, so that it stops parmap"
        )
    if changed:
        raise NotYet(
            "after your function other code's warnings are errors, too: use `with warnings.catch_warnings():`"
        )


@exercise("mentions", in_child=True, limit=20)
def judge_mentions(mentions: Callable[[list[str], str], object]) -> str:
    """Accept the (path, count) of the files that hold a word, most first, counted on two processes."""
    real = sorted(map(str, Path(json.__file__).parent.glob("*.py")))
    with own_folder("files") as folder:
        made = [
            _file(folder, "few.txt", b"a pool\n"),
            _file(folder, "none.txt", b""),
            _file(folder, "korean.txt", "풀 pool 일꾼 pool".encode()),
            _file(folder, "latin.txt", b"caf\xe9 pool poolpool"),
            _file(folder, "again.txt", b"pool, pool"),
            _file(folder, "last.txt", b"pool; pool"),  # ties neither ascend nor descend
        ]
        for paths, word in ((made, "pool"), (real, "def "), (made, "일꾼"), (made, "nowhere")):
            with _told_as_a_reader(), observed() as seen:
                said = mentions(paths, word)
            right = _mentions(paths, word)
            require_list(
                said,
                right,
                "pairs",
                each="a pair (path, count) for each file with the word",
                order="the order that is asked for: most mentions first, and equals as the paths were given",
            )
            seen.require_parallel()
    if mentions([], "pool") != []:
        raise NotYet("without files it should return an empty list")
    return "the files were read by two processes at the same time, and none is left"


def _mentions(paths: list[str], word: str) -> list[tuple[str, int]]:
    counts = [(path, Path(path).read_text("utf-8", "replace").count(word)) for path in paths]
    return sorted(((path, count) for path, count in counts if count), key=lambda pair: -pair[1])


def _file(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


@contextmanager
def _told_as_a_reader() -> Iterator[None]:
    """Show parmap's warnings as a reader's Python does, not as an error, which our tests make of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)
        yield


def _with_another_warning(items: Iterable[int]) -> Iterator[int]:
    """Yield the items, with a warning about something else, as a fork in a notebook gives one."""
    warnings.warn("this is about something else", DeprecationWarning, stacklevel=1)
    yield from items
