"""The exercises of 07: several arguments, a failing item, answers as soon as they are there."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isqrt
from pathlib import Path

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.exercises.judging.waiting import quiet
from helpers.workers.gates import Gate, leave_mark, mark_there
from helpers.workers.source import count_definitions

_HELD = 4.0  # seconds that a task waits at its gate at most


@exercise("several-arguments", in_child=True, limit=15)
def judge_several_arguments(powers: Callable[[list[tuple[int, int]]], object]) -> str:
    """Accept the power of each pair, in order, computed by two processes at one time."""
    for pairs in ([(2, 10), (3, 4), (10, 0), (7, 2), (5, 3), (0, 9)], [(2, 3), (3, 2)]):
        with observed() as seen:
            said = powers(pairs)
        require_list(said, [base**exponent for base, exponent in pairs], "powers", given=pairs)
        seen.require_parallel()
    return "each pair went in as two arguments, and two processes worked at the same time"


@exercise("one-fails", in_child=True, limit=12)
def judge_one_fails(tolerant: Callable[..., object]) -> str:
    """Accept the answers in order, None for an item whose call raises, from two processes at one time."""
    items = [16, -1, 9, 25, -4, 0]
    # The first task ends after the third began: whoever takes answers as they come has them in disorder.
    with _marks() as folder, observed() as seen:
        gate = Gate(isqrt, folder, leaves={9: "third begun"}, waits={16: "third begun"}, limit=_HELD)
        try:
            said = tolerant(gate, items)
        except ValueError as error:
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


@exercise("as-they-come", in_child=True, limit=15)
def judge_as_they_come(tally: Callable[..., object]) -> str:
    """Accept the answer for each file, reported while others are still at work, from two processes."""
    import json

    paths = sorted(map(str, Path(json.__file__).parent.glob("*.py")))
    right = {path: count_definitions(path) for path in paths}
    reported: list[tuple[object, ...]] = []
    with _marks() as folder, observed() as seen:

        def report(*what: object) -> None:
            reported.append(what)
            leave_mark(folder, "reported")

        # The first file is held up until another one has been reported.
        gate = Gate(count_definitions, folder, waits={paths[0]: "reported"}, limit=_HELD)
        said = tally(gate, paths, report)
        held_up = mark_there(folder, "gave up")
    if not isinstance(said, dict):
        raise NotYet(f"it returned {short(said)}, expected a dictionary of path: number")
    if missing := [Path(path).name for path in paths if path not in said]:
        raise NotYet(f"the dictionary lacks {', '.join(missing)}: one entry for each path")
    if said != right:
        wrong = next(path for path in said if said[path] != right.get(path))
        raise NotYet(
            f"{Path(wrong).name} has {right.get(wrong)} definitions, and the dictionary says {said[wrong]}: "
            "answers that come in any order need to know their path"
        )
    seen.require_parallel()
    if not reported:
        raise NotYet("the answers are right, but `report` was never called")
    if sorted(map(repr, reported)) != sorted(repr(pair) for pair in right.items()):
        raise NotYet(
            f"for {len(paths)} files `report` was called {len(reported)} times, such as "
            f"report{short(reported[0])}: call report(path, number) once for each"
        )
    if held_up:
        raise NotYet(
            "the answers are right, but while the first file was held up nothing was reported: `map` waits "
            "for all answers, and `imap` for the first one"
        )
    return "each answer was reported as soon as it was there, and found its own path"


@contextmanager
def _marks() -> Iterator[str]:
    """Yield a folder for the marks of gates, at which tasks wait for a while."""
    with (
        quiet(_HELD),
        tempfile.TemporaryDirectory(prefix="helpers-marks-", ignore_cleanup_errors=True) as folder,
    ):
        yield folder
