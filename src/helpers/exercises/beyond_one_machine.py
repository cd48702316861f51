"""The exercises of 14: a cluster's answers with failures, a task that may run twice, the size of a chunk."""

from collections.abc import Callable, Iterator
from math import isqrt
from pathlib import Path
from typing import Any

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.processes.folders import own_folder


class _Killed(BaseException):
    """Stands for the signal that ends a worker in the middle: no `except Exception` may catch it."""


_calls = 0


def _root(item: int) -> int:
    """Return the root of the item, on a worker of the cluster alone; calls are counted in this process."""
    from distributed import get_worker

    global _calls
    get_worker()  # raises ValueError where no worker calls
    _calls += 1
    return isqrt(item)


@exercise("some-fail", in_child=True, limit=30)
def judge_some_fail(answers: Callable[..., object]) -> str:
    """Accept the answers in order, None for each task that failed, one call for each item, equal ones too."""
    from distributed import Client

    items = [16, -1, 9, 16, -4, 0]
    with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
        try:
            said = answers(client, _root, items)
        except ValueError as error:
            if "worker" in str(error).lower():
                raise NotYet(
                    "the function was called here, not by a worker: hand it to `client.map`"
                ) from None
            raise NotYet(
                f"for {items} the exception of one task came out ({error}): ask each future for its "
                "`exception()` first, or for its result inside `try`"
            ) from None
        if isinstance(said, list) and any(hasattr(one, "key") for one in said):
            raise NotYet(f"it returned futures, {short(said)}: ask them for their results")
        right = [4, None, 3, 4, None, 0]
        calling = _calls
        if said == [None] * len(items) and not calling:
            raise NotYet("the function was called here, not by a worker: hand it to `client.map`")
        require_list(said, right, given=items)
        if calling < len(items):
            raise NotYet(
                f"the answers are right, but for {len(items)} items the function was called {calling} times: "
                "dask takes two equal calls for one, unless you say `pure=False`"
            )
        if calling > len(items):
            raise NotYet(
                f"for {len(items)} items the function was called {calling} times: once each is enough"
            )
        require_list(answers(client, _root, []), [])
    return "two tasks failed, and the answers of all others are there"


@exercise("twice", in_child=True, limit=10)
def judge_twice(save: Callable[..., object]) -> str:
    """Accept a file that is whole after two calls, after a killed one, and after two at one time."""
    whole = "one\ntwo\nthree\n"
    with own_folder("twice") as folder:
        path = folder / "result.txt"
        _cut_short(save, path)
        if path.exists():
            raise NotYet(
                f"a worker was killed after two pieces, and {short(path.read_text())} stands in the file: "
                "whoever reads it takes a half for the whole. Write into another file, and rename it last"
            )
        save(str(path), iter(whole.splitlines(True)))
        _require(path, whole, "after a killed call and a whole one")
        save(str(path), iter(whole.splitlines(True)))
        _require(path, whole, "after a second call")
        _cut_short(save, path)
        _require(path, whole, "after a third one that was killed")
        other = folder / "other.txt"

        def disturbed() -> Iterator[str]:
            yield "one\n"
            save(str(other), iter(whole.splitlines(True)))
            yield "two\n"
            yield "three\n"

        try:
            save(str(other), disturbed())
        except OSError as error:
            raise NotYet(
                f"after two calls at one time {type(error).__name__} came out: each run needs its own draft"
            ) from None
        _require(other, whole, "after two calls at one time")
    return "however often it runs, the file is whole or not there"


def _cut_short(save: Callable[..., object], path: Path) -> None:
    """Call it as a worker does that is killed after two pieces."""

    def pieces() -> Iterator[str]:
        yield "one\n"
        yield "two\n"
        raise _Killed

    try:
        save(str(path), pieces())
    except _Killed:
        return
    raise NotYet("it came to its end though its worker was killed after two pieces: does it take all pieces?")


def _require(path: Path, whole: str, when: str) -> None:
    if not path.exists():
        raise NotYet(f"{when} there is no file at `path`")
    if (found := path.read_text(encoding="utf-8")) != whole:
        raise NotYet(f"{when} {short(found)} stands in the file, expected {short(whole)}")


@exercise("chunk-size", in_child=True, limit=10)
def judge_chunk_size(chunk_size: Callable[..., object]) -> str:
    """Accept the smallest chunk that the scheduler can keep up with, and no larger than a worker's share."""
    cases: list[tuple[tuple[Any, ...], int, str]] = [
        (
            (1_000_000, 0.001, 100, 0.002),
            200,
            "100 workers end 100 000 tasks a second, the scheduler hands out 500",
        ),
        (
            (1_000_000, 10.0, 1000, 0.002),
            1,
            "1000 workers end 100 tasks a second, fewer than the scheduler can",
        ),
        ((1_000_000, 0.3, 1000, 0.001), 4, "a chunk is a whole number: 3 are too few"),
        ((1000, 0.001, 100, 0.01), 10, "with chunks of more than 10, some of the 100 workers get none"),
        ((50, 0.001, 100, 0.01), 1, "there are fewer tasks than workers: one each"),
        ((10, 1.0, 3, 0.0), 1, "a scheduler that costs nothing"),
    ]
    for arguments, right, why in cases:
        said = chunk_size(*arguments)
        if said is None:
            raise NotYet("it returned None: is a `return` missing?")
        if said != right or isinstance(said, float):
            told = ", ".join(f"{one:,}".replace(",", "_") for one in arguments)
            raise NotYet(f"for ({told}) it returned {short(said)}, expected {right}: {why}")
    return "the scheduler keeps up, and every worker has something to do"
