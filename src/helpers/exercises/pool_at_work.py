"""The exercises of 08: set up once, a failing item, answers in time."""

import os
from collections.abc import Callable
from math import isqrt
from pathlib import Path

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.marks import marks
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.workers.reads import NotedReads
from helpers.workers.rendezvous import GAVE_UP, WithMarks, mark_there

_HELD = 4.0  # seconds that a task waits at its gate at most
_SECONDS = 3.0  # the time that in_time gets
_FOR_LONG = 6.0  # seconds that a task of in_time is held up


@exercise("load-once", in_child=True, limit=15)
def judge_load_once(translate: Callable[..., object]) -> str:
    """Accept the meanings in order, from two processes that read the pairs once each and no other did."""
    pairs = {"Gabel": "fork", "laichen": "spawn", "Becken": "pool"}
    words = ["Becken", "Gabel", "Messer", "laichen", "Gabel", "Becken"]
    with marks() as folder, observed() as seen:
        said = translate(words, NotedReads(pairs, folder))
        reads = {file.name: file.stat().st_size for file in Path(folder).glob("read-*")}
    right = [pairs.get(word) for word in words]
    if isinstance(said, list) and len(said) != len(words):
        require_list(said, right, given=words)
    if reads.pop(f"read-{os.getpid()}", 0):
        raise NotYet(
            "the main process read the pairs itself, and a worker that is not forked would know none of "
            "them: hand `load` to the pool as `initializer`, and the pairs in `initargs`"
        )
    require_list(said, right, given=words)
    seen.require_parallel()
    if most := [count for count in reads.values() if count > 1]:
        raise NotYet(
            f"the answers are right, but a worker read the pairs {max(most)} times: once is enough, before "
            "its first task"
        )
    return "each worker read the pairs once, and then only words travelled"


@exercise("one-fails", in_child=True, limit=20)
def judge_one_fails(tolerant: Callable[..., object]) -> str:
    """Accept the answers in order, None for an item whose call raises, from two processes at one time."""
    items = [16, -1, 9, 25, -4, 0]
    # The first task ends after the third began: whoever takes answers as they come has them in disorder.
    with marks() as folder, observed() as seen:
        gate = WithMarks(isqrt, folder, leaves={9: "third begun"}, waits={16: "third begun"}, limit=_HELD)
        try:
            said = tolerant(gate, items)
        except ValueError as error:
            if str(error).endswith("not ready"):
                raise NotYet(
                    "`successful()` was asked before the task had ended: `wait()` for it first, or `get()`"
                ) from None
            raise NotYet(
                f"for {items} the exception of one item came out ({error}): ask for each answer by itself, "
                "inside `try`"
            ) from None
    require_list(said, [4, None, 3, 5, None, 0], given=items)
    seen.require_parallel()
    if seen.tasks != len(items):
        raise NotYet(
            f"for {len(items)} items the function was called {seen.tasks} times: once each is enough"
        )
    require_list(tolerant(isqrt, []), [])
    return "two items failed, and the answers of the others are all there"


@exercise("in-time", in_child=True, limit=25)
def judge_in_time(in_time: Callable[..., object]) -> str:
    """Accept the answers that are there in time, by item, while two tasks are held up and one fails."""
    items = [49, 16, -1, 9, 25, 0, 64, 81]  # once 49 and 64 hold both workers up, nobody takes 81
    right = {16: 4, 9: 3, 25: 5, 0: 0}
    with marks() as folder, observed() as seen:
        gate = WithMarks(isqrt, folder, waits={49: "never", 64: "never"}, limit=_FOR_LONG)
        try:
            said = in_time(gate, items, _SECONDS)
        except ValueError as error:
            raise NotYet(f"the exception of one item came out ({error}): leave that item out") from None
        except Exception as error:
            if type(error).__name__ != "TimeoutError":
                raise
            raise NotYet("a timeout came out: leave the item out that is not ready in time") from None
        waited = mark_there(folder, GAVE_UP)
    if waited:
        raise NotYet(
            f"with {_SECONDS:g} s for all items together you waited more than {_FOR_LONG:g} s: wait for each "
            "no longer than what is left, and let the end of `with Pool` end what still runs"
        )
    if not isinstance(said, dict):
        raise NotYet(f"it returned {short(said)}, expected a dictionary of item: answer")
    if said != right:
        raise NotYet(
            f"for {items}, 49 and 64 being held up and -1 failing, it returned {short(said)}, "
            f"expected {short(right)}"
        )
    seen.require_parallel()
    if (said := in_time(isqrt, [], 1.0)) != {}:
        raise NotYet(f"without items it returned {short(said)}, expected {{}}")
    return "what was done in time is there, and nobody is left at work"
