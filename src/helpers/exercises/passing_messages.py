"""The exercises of 05: answers through a queue, a class with a pool, a pipeline of two stages."""

import os
import pickle
from binascii import crc32
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.exercises.judging.comparing import as_list, require_list, short
from helpers.exercises.judging.marks import marks
from helpers.exercises.judging.observing import Observation, met, observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.workers.clumsy import repeat, shout_or_die
from helpers.workers.rendezvous import GAVE_UP, InReverse, WithMarks, mark_there

_TOGETHER = 5.0  # seconds that children wait for each other at most; a machine under load needs two
_HELD = 4.0  # seconds that the last file is held up at most


@exercise("in-order", in_child=True, limit=15)
def judge_in_order(answers_of: Callable[..., object]) -> str:
    """Accept the answers, in order, of one child per item, all at work at one time, however large."""
    items = [-3, -1, -4, -2]
    with marks() as folder:
        said = answers_of(InReverse(abs, items, folder, os.getpid(), _TOGETHER), items)
        pids = [file.read_text() for file in Path(folder).iterdir() if file.name.isdigit()]
        alone = mark_there(folder, GAVE_UP)
    if str(os.getpid()) in pids:
        raise NotYet("the main process did some of the work itself: give each item to a child")
    require_list(said, [3, 1, 4, 2], given=items)
    if len(set(pids)) < len(items):
        raise NotYet(f"{len(items)} items were given to {len(set(pids))} children: start one for each item")
    if alone:
        raise NotYet(
            "the answers are right, but the children worked one after the other: start all of them before "
            "you wait for the first answer"
        )
    large = [200_000, 3, 100_000]
    lengths = [len(text or "") for text in as_list(answers_of(repeat, large))]
    require_list(lengths, large, "lengths of large answers")
    require_list(answers_of(abs, []), [])
    return "each item had a child of its own, and the answers were taken before the children were joined"


@exercise("pool-inside", in_child=True, limit=15)
def judge_pool_inside(prices: Callable[[int], Any]) -> str:
    """Accept a class whose objects travel, and whose method computes in two processes and leaves none."""
    for tax, before, right in ((19, [100, 200, 50, 7], [119, 238, 59, 8]), (0, [5, 6], [5, 6])):
        owner = prices(tax)
        with observed() as seen:
            said = owner.all_with_tax(before)
        require_list(said, right, "prices", given=before)
        seen.require_parallel()
        require_list(owner.all_with_tax(before[:1]), right[:1], "prices", given=before[:1])
        try:
            copy = pickle.loads(pickle.dumps(owner))
        except Exception as error:
            raise NotYet(
                f"the prices are right, but the object itself cannot travel: {type(error).__name__}: {error}"
            ) from None
        if (one := copy.with_tax(before[0])) != right[0]:
            raise NotYet(
                f"a copy of Prices({tax}) says that {before[0]} is {short(one)} with tax, expected {right[0]}"
            )
    return "the pool lives as long as the call, and `self` travels without it"


@exercise("two-stages", in_child=True, limit=20)
def judge_two_stages(two_stages: Callable[..., object]) -> str:
    """Accept the checksum of each file: one process reads, two compute meanwhile, and large things pass."""
    import json

    items = sorted(Path(json.__file__).parent.glob("*.py"))
    right = {path: crc32(path.read_bytes()) for path in items}
    with marks() as folder, met(Path.read_bytes, 1, _TOGETHER) as (read, readers):
        # The last file is held up until a checksum has been begun: whoever reads all before has to wait.
        begun = WithMarks(crc32, folder, leaves={items[0].read_bytes(): "begun"}, limit=_HELD)
        held = WithMarks(read, folder, waits={items[-1]: "begun"}, limit=_HELD)
        with met(begun, 2, _TOGETHER) as (compute, computers):
            said = two_stages(held, compute, items)
        late = mark_there(folder, GAVE_UP)
    if not isinstance(said, dict):
        raise NotYet(f"it returned {short(said)}, expected a dictionary of item: answer")
    if missing := [path.name for path in items if path not in said]:
        raise NotYet(f"the dictionary lacks {', '.join(missing)}: one entry for each item")
    if wrong := [path.name for path in items if said[path] != right[path]]:
        raise NotYet(f"the answer for {wrong[0]} is not second(first(item)): let each message carry its item")
    if len(said) != len(right):
        raise NotYet(f"{len(items)} items went in, and the dictionary has {len(said)} entries")
    _require_stages(readers, computers, late)
    _require_both_ends(two_stages)
    large = {size: "X" * size for size in (200_000, 3)}
    said = two_stages(repeat, shout_or_die, list(large))
    if said != large:
        raise NotYet(f"with answers of 200 000 letters it returned {short(said)}")
    if (said := two_stages(abs, abs, [])) != {}:
        raise NotYet(f"without items it returned {short(said)}, expected {{}}")
    return "one process read, two computed meanwhile, and each of the three came to its end"


def _require_both_ends(two_stages: Callable[..., object]) -> None:
    """Raise NotYet unless the answer is waited for that comes when the other computing process has ended."""
    items = [1, 2]
    with marks() as folder:
        said = two_stages(abs, InReverse(abs, items, folder, os.getpid(), _TOGETHER), items)
    if said != {1: 1, 2: 2}:
        raise NotYet(
            f"the dictionary lacks what a process sent after the other had ended ({short(said)} for [1, 2]): "
            "take a sentinel from each of the two"
        )


def _require_stages(readers: Observation, computers: Observation, late: bool) -> None:
    """Raise NotYet unless one process did the first stage and two others, at one time, the second."""
    if os.getpid() in {*readers.calls, *computers.calls}:
        raise NotYet("the answers are right, but the main process did some of the work itself")
    if len(readers.workers) != 1:
        raise NotYet(
            f"the answers are right, but {len(readers.workers)} processes called `first`: one should"
        )
    if readers.workers & computers.workers:
        raise NotYet("the answers are right, but one process called both `first` and `second`")
    if late:
        raise NotYet(
            "the answers are right, but nobody called `second` before `first` was through with all items: "
            "send each result on as soon as it is there"
        )
    if len(computers.workers) != 2:
        raise NotYet(
            f"the answers are right, but {len(computers.workers)} processes called `second`: start two"
        )
    if not computers.met:
        raise NotYet(
            "the answers are right, but the two processes that call `second` worked one after the other"
        )
