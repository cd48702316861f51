"""The exercises of 14: a cluster's answers with failures, a task that may run twice, the size of a chunk."""

import os
import sys
from collections.abc import Callable, Iterator
from math import isqrt
from pathlib import Path
from typing import Any

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.processes.folders import own_folder

_HERE = "the function was called here, not by a worker: hand it to `client.map`"


class _Killed(BaseException):
    """Stands for the signal that ends a worker in the middle: no `except Exception` may catch it."""


_calls: list[str] = []  # the task of each call that a worker made
_called_here = False


def _root(item: int) -> int:
    """Return the root of the item, on a worker of the cluster alone; calls are counted in this process."""
    from distributed import get_worker

    global _called_here
    try:
        task = get_worker().get_current_task()
    except ValueError:  # where no worker calls
        _called_here = True
        raise
    _calls.append(str(task))
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
            if _called_here:
                raise NotYet(_HERE) from None
            raise NotYet(
                f"for {items} the exception of one task came out ({error}): ask each future for its "
                "`exception()` first, or for its result inside `try`"
            ) from None
        if isinstance(said, list) and any(hasattr(one, "key") for one in said):
            raise NotYet(f"it returned futures, {short(said)}: ask them for their results")
        right = [4, None, 3, 4, None, 0]
        if _called_here:
            raise NotYet(_HERE)
        if said == [None] * len(items):
            raise NotYet(
                "every answer is None, though four of the six tasks do not fail: `future.exception()`, with "
                "its parentheses, waits for the end of the task; `future.status` does not wait"
            )
        require_list(said, right, given=items)
        calling, tasks = len(_calls), len(set(_calls))
        if calling < len(items):
            raise NotYet(
                f"the answers are right, but for {len(items)} items the function was called {calling} times: "
                "dask takes two equal calls for one, unless you say `pure=False`"
            )
        if calling > len(items):
            raise NotYet(
                f"for {len(items)} items the function was called {calling} times: once each is enough"
            )
        if tasks < len(items):
            raise NotYet(
                f"the answers are right, but {len(items)} items went as {tasks} task(s): hand each item over "
                "as a call of its own, so that another worker can take it"
            )
        require_list(answers(client, _root, []), [])
    return "two tasks failed, and the answers of all others are there"


@exercise("twice", in_child=True, limit=10)
def judge_twice(save: Callable[..., object]) -> str:
    """Accept a file that is whole after two calls, after a killed one, and after two at one time."""
    whole = "one\ntwo\nthree\n"
    sys.addaudithook(_listen)  # for good, but an answer has an interpreter of its own
    with own_folder("twice") as folder:
        path = folder / "result.txt"
        _cut_short(save, path)
        if path.exists():
            raise NotYet(
                f"a worker was killed after two pieces, and {_quoted(path.read_text('utf-8'))} stands in the "
                "file: who reads it takes a half for the whole. Write into another file, and rename it last"
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
        _require_steps(path, other, whole)
    return "however often it runs, the file is whole or not there"


_opened: set[str] = set()  # files that were opened for writing
_renamed: list[tuple[str, str, str]] = []  # old name, new name, what the file held then


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what an answer does to files: killed between two of its steps, it would leave what they left."""
    if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR):
            _opened.add(_full(arguments[0]))
    elif event == "os.rename":
        old, new = _full(arguments[0]), _full(arguments[1])
        _renamed.append((old, new, Path(old).read_text(encoding="utf-8") if Path(old).is_file() else ""))


def _full(path: Any) -> str:
    return os.path.normcase(os.path.realpath(os.fsdecode(path)))


def _require_steps(path: Path, other: Path, whole: str) -> None:
    """Require drafts of their own, closed in time, in a folder from which a rename is one step."""
    named = [(old, held) for old, new, held in _renamed if new in (_full(path), _full(other))]
    if _opened & {_full(path), _full(other)}:
        raise NotYet(
            "the files came out whole, but `path` itself was opened for writing: a worker that is killed "
            "right then leaves it empty, or a half. Write into another file, and rename it last"
        )
    if any(held != whole for _, held in named):
        raise NotYet("the file got its name before the last piece was on the disk: leave `with` first")
    folder = _full(path.parent)
    if not all(Path(old).is_relative_to(folder) for old, _ in named):
        raise NotYet(
            "the draft lies in another folder, which may be another disk, and from there a file cannot be "
            "renamed: make it in that of `path`, as with `dir=os.path.dirname(path)`"
        )
    if len({old for old, _ in named}) < len(named):
        raise NotYet("two calls gave their drafts one name: each run needs its own draft")


def _quoted(text: str) -> str:
    """Return the text in quotes, its end cut off; `short` takes the end of a line in it for a path."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


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
        raise NotYet(f"{when} {_quoted(found)} stands in the file, expected {_quoted(whole)}")


@exercise("chunk-size", in_child=True, limit=10)
def judge_chunk_size(chunk_size: Callable[..., object]) -> str:
    """Accept the smallest chunk that the scheduler can keep up with, and no larger than a worker's share."""
    cases: list[tuple[tuple[Any, ...], int, str]] = [
        (
            (1_000_000, 0.5, 400, 0.25),
            200,
            "400 workers end 800 tasks a second, the scheduler hands out 4",
        ),
        (
            (1_000_000, 10.0, 1000, 0.002),
            1,
            "1000 workers end 100 tasks a second, fewer than the scheduler can",
        ),
        ((1_000_000, 0.3, 1000, 0.001), 4, "a chunk is a whole number: 3 are too few"),
        ((1000, 0.001, 100, 0.01), 10, "with chunks of more than 10, some of the 100 workers get none"),
        ((50, 0.001, 100, 0.01), 1, "there are fewer tasks than workers: one each"),
        ((10, 0.001, 6, 0.01), 1, "with chunks of 2 there are 5, and one of the 6 workers gets none"),
        ((10, 1.0, 3, 0.0), 1, "a scheduler that costs nothing"),
    ]
    for arguments, right, why in cases:
        said = chunk_size(*arguments)
        if said is None:
            raise NotYet("it returned None: is a `return` missing?")
        if isinstance(said, float) and said == right:
            raise NotYet(f"it returned {said}: a chunk is a whole number, so make it an int")
        if said != right:
            told = ", ".join(f"{one:,}".replace(",", "_") for one in arguments)
            raise NotYet(f"for ({told}) it returned {short(said)}, expected {right}: {why}")
    return "the scheduler keeps up, and every worker has something to do"
