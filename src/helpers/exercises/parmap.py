"""The exercises of 10: a nested loop in one line, a map that refuses to run serially, a search in files."""

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.exercises import NotYet, exercise, observed
from helpers.workers.formulas import plane
from helpers.workers.numbers import square
from helpers.workers.rendezvous import Meeting


@exercise("grid", in_child=True, limit=20)
def judge_grid(grid: Callable[[list[int], list[int]], object]) -> str:
    """Accept plane(x, y, 3, 0.5) for every x with every y, in the loop's order, on two processes at once."""
    for xs, ys in (([1, 2, 3], [10, 20, 30, 40]), ([5, -1], [2, 0])):
        with _told_as_a_reader(), observed() as seen:
            said = grid(xs, ys)
        right = [plane(x, y, 3, 0.5) for x in xs for y in ys]
        _require_list(said, right)
        if len(said) == min(len(xs), len(ys)):  # type: ignore[arg-type]
            raise NotYet(f"{_count(said)} numbers are the pairs of `zip`; every x with every y is `product`")
        _require_same(said, right)
        seen.require_parallel()
    return "every x met every y, in the order of the loops, on two processes"


@exercise("no-fallback", in_child=True, limit=20)
def judge_no_fallback(map_or_raise: Callable[..., object]) -> str:
    """Accept a parmap.map that raises, before any work, where parmap would warn and run serially."""
    items = [4, 1, 3, 2, 0, 5]
    with _told_as_a_reader(), observed() as seen:
        try:
            said = map_or_raise(square, _with_another_warning(items), 2)
        except Warning as error:
            raise NotYet(
                f"with 2 workers it raised {type(error).__name__}, which has nothing to do with parmap: make "
                'only `UserWarning` an error, as in `warnings.simplefilter("error", UserWarning)`'
            ) from None
    _require_same(said, [square(item) for item in items])
    seen.require_parallel()
    for workers in (0, -3):
        _require_refusal(map_or_raise, items, workers)
    return "two workers work, no worker is an error, and other code's warnings stay warnings"


def _require_refusal(map_or_raise: Callable[..., object], items: list[int], workers: int) -> None:
    """Raise NotYet unless the call raises before any work, and leaves the filters of warnings as they are."""
    with tempfile.TemporaryDirectory(prefix="helpers-calls-") as folder, _told_as_a_reader():
        before = list(warnings.filters)
        raised = False
        try:
            said = map_or_raise(Meeting(square, folder, os.getpid(), 1, 0.0), items, workers)
        except Exception:
            raised = True
        worked = any(Path(folder).iterdir())
        changed = list(warnings.filters) != before
    if not raised:
        raise NotYet(f"with {workers} workers it returned {_short(said)} without an error")
    if worked:
        raise NotYet(
            f"with {workers} workers the error came after this process had done the work: make the warning "
            "an error before the call, so that it stops parmap"
        )
    if changed:
        raise NotYet(
            "after your function other code's warnings are errors, too: use `with warnings.catch_warnings():`"
        )


@exercise("mentions", in_child=True, limit=20)
def judge_mentions(mentions: Callable[[list[str], str], object]) -> str:
    """Accept the (path, count) of the files that hold a word, most first, counted on two processes."""
    real = sorted(map(str, Path(json.__file__).parent.glob("*.py")))
    with tempfile.TemporaryDirectory(prefix="helpers-files-") as folder:
        made = [
            _file(folder, "few.txt", b"a pool\n"),
            _file(folder, "none.txt", b""),
            _file(folder, "korean.txt", "풀 pool 일꾼 pool".encode()),
            _file(folder, "latin.txt", b"caf\xe9 pool poolpool"),
            _file(folder, "again.txt", b"pool, pool"),
        ]
        for paths, word in ((made, "pool"), (real, "def "), (made, "일꾼"), (made, "nowhere")):
            with _told_as_a_reader(), observed() as seen:
                said = mentions(paths, word)
            right = _mentions(paths, word)
            _require_list(said, right, each="a pair (path, count) for each file with the word")
            _require_same(said, right, order="most mentions first, and the paths' order among equals")
            seen.require_parallel()
    if mentions([], "pool") != []:
        raise NotYet("without files it should return an empty list")
    return "the files were read by two processes at the same time, and none is left"


def _mentions(paths: list[str], word: str) -> list[tuple[str, int]]:
    counts = [(path, Path(path).read_text("utf-8", "replace").count(word)) for path in paths]
    return sorted(((path, count) for path, count in counts if count), key=lambda pair: -pair[1])


def _file(folder: str, name: str, content: bytes) -> str:
    path = Path(folder, name)
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


def _require_list(said: object, right: list[Any], each: str = "") -> None:
    if said is None:
        raise NotYet("it returned None: is a `return` missing?")
    if not isinstance(said, list):
        raise NotYet(f"it returned {_short(said)}, expected a list{': ' * bool(each)}{each}")


def _require_same(said: object, right: list[Any], order: str = "the loop's order") -> None:
    """Raise NotYet unless the answer is this list."""
    _require_list(said, right)
    if said == right:
        return
    if sorted(map(repr, said)) == sorted(map(repr, right)):  # type: ignore[call-overload]
        raise NotYet(f"all results are there, in another order: {_short(said)}; expected {order}")
    if _count(said) != len(right):
        raise NotYet(f"it returned {_count(said)} results, expected {len(right)}: {_short(right)}")
    raise NotYet(f"it returned {_short(said)}, expected {_short(right)}")


def _count(said: Any) -> int:
    return len(said)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 80 else text[:80] + "…"
