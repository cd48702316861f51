"""The exercises of 07: several arguments, the first hit, answers as soon as they are there."""

from collections.abc import Callable
from pathlib import Path

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.marks import marks
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.workers.rendezvous import GAVE_UP, WithMarks, leave_mark, mark_there
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


@exercise("first-hit", in_child=True, limit=20)
def judge_first_hit(first_hit: Callable[..., object]) -> str:
    """Accept the first true answer that comes, from two processes, while another task is still held up."""
    items = [7, 0, 0, 5, 0]
    with marks() as folder, observed() as seen:
        said = first_hit(WithMarks(abs, folder, waits={7: "never"}, limit=_HELD), items)
        waited = mark_there(folder, GAVE_UP)
    if waited:
        raise NotYet(
            "the answer 5 was there while the first item was held up, but you waited for that one: `map` "
            "waits for all answers, `imap` for the first one, `join()` and an executor's `with` for all tasks"
        )
    if said != 5:
        raise NotYet(f"for {items}, the 7 being held up, it returned {short(said)}, expected 5")
    seen.require_parallel()
    for nothing in ([0, 0, 0], []):
        if (said := first_hit(abs, nothing)) is not None:
            raise NotYet(f"for {nothing} nobody finds anything: it returned {short(said)}, expected None")
    return "you had the first hit, and the search that was still under way was ended"


@exercise("as-they-come", in_child=True, limit=15)
def judge_as_they_come(tally: Callable[..., object]) -> str:
    """Accept the answer for each file, reported while others are still at work, from two processes."""
    import json

    paths = sorted(map(str, Path(json.__file__).parent.glob("*.py")))
    right = {path: count_definitions(path) for path in paths}
    reported: list[tuple[object, ...]] = []
    with marks() as folder, observed() as seen:

        def report(*what: object) -> None:
            reported.append(what)
            leave_mark(folder, "reported")

        # The first file is held up until another one has been reported.
        gate = WithMarks(count_definitions, folder, waits={paths[0]: "reported"}, limit=_HELD)
        try:
            said = tally(gate, paths, report)
        except Exception as error:  # of pickle, in several kinds
            if "<locals>.report" not in str(error):
                raise
            raise NotYet(
                "`report` was handed to a worker: it belongs to the main process, so call it here, for each "
                "answer that arrives"
            ) from None
        held_up = mark_there(folder, GAVE_UP)
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
