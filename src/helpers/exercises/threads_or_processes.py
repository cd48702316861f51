"""The exercises of 01: choose, change threads into processes, let threads wait and processes compute."""

from collections.abc import Callable
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any, Never

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, ToDo, exercise
from helpers.workers.numbers import square

_ALONE = 2.0  # seconds that a fetch waits for another one

# The right choice and why the other one is wrong.
_CHOICES = {
    "download 40 pages": ("threads", "it waits, and waiting needs no GIL: processes only cost more"),
    "count primes in a Python loop": ("processes", "threads run Python code in turns"),
    "sha256 of large files, each in one piece": (
        "threads",
        "sha256 lets go of the GIL for large pieces, so nothing has to be sent to a process",
    ),
    "put arrays of Python objects in order": ("processes", "objects are compared by Python, under the GIL"),
    "put arrays of numbers in order with NumPy": (
        "threads",
        "NumPy lets go of the GIL for plain numbers, and sending arrays to a process costs much",
    ),
    "sum(range(50_000_000)), eight times": ("processes", "`sum` holds the GIL from beginning to end"),
}


@exercise("choices")
def judge_choices(choices: object) -> str:
    """Accept the cheapest kind of worker that gains, for each job."""
    if not isinstance(choices, dict):
        raise NotYet(f"this is a {type(choices).__name__}, expected the dictionary `choices` of the stub")
    if any(choice is ... for choice in choices.values()):
        raise ToDo('put "threads" or "processes" in place of each `...`, then run the cells again')
    if odd := sorted(map(repr, choices.keys() ^ _CHOICES.keys())):
        raise NotYet(f"the jobs are those of the stub; {odd[0]} is missing or not among them")
    for job, (right, reason) in _CHOICES.items():
        said = choices[job]
        if said not in ("threads", "processes"):
            raise NotYet(f'for "{job}" you say {short(said)}, expected "threads" or "processes"')
        if said != right:
            raise NotYet(f'"{job}": not {said}; {reason}')
    return "threads where the GIL is let go, processes where it is held"


@exercise("own-memory", in_child=True, limit=15)
def judge_own_memory(primes_below: Callable[[list[int]], object]) -> str:
    """Accept {limit: number of primes} from two processes at one time, for each call its own limits."""
    for limits in ([60, 10, 30, 20], [100, 50]):
        with observed() as seen:
            said = primes_below(limits)
        right = {limit: sum(all(n % d for d in range(2, n)) for n in range(2, limit)) for limit in limits}
        if said is None:
            raise NotYet("it returned None: is a `return` missing?")
        if not isinstance(said, dict):
            raise NotYet(f"it returned {short(said)}, expected a dictionary such as {{10: 4, 20: 8}}")
        if not said and seen.workers:
            raise NotYet(
                "the dictionary is empty: each process filled its own. Return what `look` finds, and put the "
                "dictionary together here"
            )
        if missing := sorted(right.keys() - said.keys()):
            raise NotYet(f"for {limits} the dictionary lacks {missing[0]}: it is {short(said)}")
        if more := sorted(map(repr, said.keys() - right.keys())):
            raise NotYet(
                f"for {limits} the dictionary has {more[0]} as well, from an earlier call or from nowhere: "
                "make a new one in each call"
            )
        if said != right:
            raise NotYet(f"for {limits} it returned {short(said)}, expected {short(right)}")
        seen.require_parallel()
    return "two processes computed at the same time, and what they found came back as answers"


class _Fetch:
    """Returns ten times the item once another call is under way, or after a while; cannot be pickled."""

    def __init__(self) -> None:
        self.meeting = Barrier(2)
        self.fetched: list[Any] = []

    def __call__(self, item: Any) -> Any:
        self.fetched.append(item)
        with suppress(BrokenBarrierError):  # the judge looks at the barrier: the answer may still be right
            self.meeting.wait(_ALONE)
        return item * 10

    def __reduce__(self) -> Never:
        raise NotYet("`fetch` waits, and cannot be sent to a process: let threads call it")


@exercise("fetch-and-compute", in_child=True, limit=20)
def judge_fetch_and_compute(fetch_and_compute: Callable[..., object]) -> str:
    """Accept answers in order, fetched by threads that wait together and computed by two processes."""
    items = [4, 1, 3, 2]
    fetch = _Fetch()
    with observed() as seen:
        said = fetch_and_compute(fetch, square, items)
    require_list(said, [square(item * 10) for item in items], given=items)
    if sorted(fetch.fetched) != sorted(items):
        raise NotYet(
            f"the answers are right, but `fetch` was called {len(fetch.fetched)} times for {len(items)} items"
        )
    if fetch.meeting.broken:
        raise NotYet(
            "the answers are right, but one `fetch` waited alone, with no other beside it: give them to a "
            "pool of threads, and look at `chunksize`"
        )
    seen.require_parallel()
    return "the threads waited together, and two processes computed at the same time"
