"""The exercises of 09: know what stays, leave nothing after an error, give up on what never ends."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.exercises.judging.comparing import require_list
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.exercises.judging.waiting import quiet
from helpers.workers.clumsy import count_or_sleep, root_or_error
from helpers.workers.source import count_definitions

LINES = {
    "first = Pool(2); first = Pool(3)": 3,
    "pools = [Pool(2), Pool(2)]; del pools[0]": 2,
    "Pool(4).map(abs, [1, 2])": 0,
    "pool = Pool(3); pool.close()": 0,
    "with Pool(4): helper = Pool(1)": 1,
}
"""Lines of a script, and how many workers are alive a moment later."""

_WHY = (
    "one name holds one pool: what becomes of the pool that loses its name?",
    "a list holds its pools as well as a name does, but only those that are in it",
    "look for a name, a list, anything that holds the pool when the line is over",
    "after `close()` the workers end; what has ended is not alive, whatever is left of it",
    "`with` ends the pool that stands beside it, and no other",
)


@exercise("alive")
def judge_alive(alive: Sequence[int]) -> str:
    """Accept the number of workers that are alive after each line."""
    if not isinstance(alive, list | tuple) or len(alive) != len(LINES):
        raise NotYet(f"expected a list of {len(LINES)} numbers, one for each line")
    for place, (said, right, why) in enumerate(zip(alive, LINES.values(), _WHY, strict=True), 1):
        if type(said) is not int:
            raise NotYet(f"line {place}: expected a number, not {said!r}")
        if said != right:
            raise NotYet(f"line {place} does not leave {said!r} alive: {why}")
    return "a pool lives as long as something holds it and nobody ends it"


@exercise("after-an-error", in_child=True, limit=20)
def judge_after_an_error(run_all: Callable[..., object]) -> str:
    """Accept a map that leaves neither a worker nor a zombie, whether or not the function raises."""
    # Under spawn a worker that nobody joined stays as a zombie; a fork server would hide it.
    multiprocessing.set_start_method("spawn", force=True)
    for numbers in ([9, 16, 25, 0], [1, 4, 100]):
        with observed() as seen:
            said = run_all(root_or_error, numbers)
        require_list(said, [root_or_error(number) for number in numbers])
        seen.require_parallel()
        _require_nothing_left("after the answers")
    try:
        said = run_all(root_or_error, [9, -1])
    except ValueError:
        _require_nothing_left("after the error")
    else:
        raise NotYet(
            f"for [9, -1] the function raises ValueError, and {said!r} came back: let the error through"
        )
    return "the answers are right, the error reaches you, and nobody is left of either run"


@exercise("answers-in-time", in_child=True, limit=16)
def judge_answers_in_time(answers_in_time: Callable[..., object]) -> str:
    """Accept answers in order from two workers, None for an item that never ends, and nobody left."""
    paths = sorted(map(str, Path(tempfile.__file__).parent.joinpath("json").glob("*.py")))
    right = [count_definitions(path) for path in paths]
    with observed() as seen:
        said = answers_in_time(count_definitions, paths, 60)
    require_list(said, right)
    seen.require_parallel()
    _require_nothing_left("after the answers")
    try:
        with quiet(4):
            said = answers_in_time(count_or_sleep, ["endless", *paths], 4)
    except (multiprocessing.TimeoutError, TimeoutError):
        raise NotYet(
            "one item never ends, and its TimeoutError came out: catch it, and put None in its place; "
            "a pool's is `multiprocessing.TimeoutError`, which is not the built-in one, so import it"
        ) from None
    require_list(said, [None, *right])
    if answers_in_time(count_definitions, [], 4) != []:
        raise NotYet("without items it should return an empty list")
    return "every file was counted by a worker, and the item that never ends held nobody up"


def _require_nothing_left(when: str, patience: float = 2.0) -> None:
    """Raise NotYet when processes stay; asking reaps none."""
    from helpers.processes.roles import below

    deadline = time.monotonic() + patience
    while (left := below()).total() and time.monotonic() < deadline:
        time.sleep(0.02)
    if left["alive"]:
        raise NotYet(
            f"{when}, {left['alive']} processes still run: a `close()` that an error jumps over is none; "
            "`with` and `finally` run in any case"
        )
    if left["zombie"]:
        raise NotYet(f"{when}, {left['zombie']} zombies are left: what was closed has to be joined, too")
