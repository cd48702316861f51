"""The exercises of 03: read how a child ended, keep many at work, gather what they answer."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

from helpers.exercises.judging.comparing import as_list, require_list
from helpers.exercises.judging.marks import marks
from helpers.exercises.judging.observing import met
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.processes.multiprocessing_internals import is_joined
from helpers.workers.clumsy import repeat, shout_or_die
from helpers.workers.endings import exit_with
from helpers.workers.naps import Later
from helpers.workers.rendezvous import GAVE_UP, InReverse, mark_there
from helpers.workers.source import count_definitions

_LATE = 0.5  # seconds by which the last child ends before the others: who joins it alone meets them at work
_TOGETHER = 5.0  # seconds that children wait for each other at most; a machine under load needs two


@exercise("exit-code", in_child=True)
def judge_exit_code(exit_code_of: Callable[[int | str], object]) -> str:
    """Accept the exit code of one child called SubProcess that ended with the code."""
    for code, right in ((3, 3), (41, 41), ("no disk", 1)):
        with _births(late=0.3) as started:
            said = exit_code_of(code)
        if not started:
            raise NotYet(f"for {code} it returned {said!r} without starting a process: `start()` makes one")
        if len(started) > 1:
            raise NotYet(f"for {code} it started {len(started)} processes, and one is enough")
        if started[0].name != "SubProcess":
            raise NotYet(f"the child is called {started[0].name!r}: give `Process` a `name`")
        if said is None:
            raise NotYet(
                "it returned None: the child still runs when `exitcode` is read (`join()` waits), "
                "or the `return` is missing, or this is what `join()` returns"
            )
        started[0].join()
        if started[0].exitcode != right:
            raise NotYet(
                f"the child should end with {right}, and its exit code is {started[0].exitcode}: `target` is "
                "`exit_with`, and `code` goes in as an argument"
            )
        if said != right:
            raise NotYet(
                f"for {code!r} the child ended with {right}, and {said!r} came back: return `exitcode`"
            )
    return "a child called SubProcess ended with each code, and you read it there"


@exercise("all-at-once", in_child=True, limit=20)
def judge_all_at_once(all_at_once: Callable[..., object]) -> str:
    """Accept the exit codes, in order, of one child per item, all at work at one time."""
    for codes, right in (([0, 3, 7], [0, 3, 7]), ([5, "no disk", 0, 2], [5, 1, 0, 2])):
        last_one_first = Later(exit_with, _LATE, but=codes[-1])
        with _births(pools=False), met(last_one_first, len(codes), _TOGETHER) as (end, seen):
            said = all_at_once(end, codes)
        if isinstance(said, list) and None in said:
            raise NotYet(
                f"for {codes} it returned {said}: None is a child that still runs; `join()` it first"
            )
        if isinstance(said, list) and any(isinstance(code, int) and code < 0 for code in said):
            raise NotYet(
                f"for {codes} it returned {said}: a signal ended a child before it was done; wait for it "
                "with `join()`"
            )
        if not seen.workers:
            raise NotYet(
                f"for {codes} no child called the function: give `Process` a `target` and its `args`"
            )
        if seen.tasks != len(codes):
            raise NotYet(f"for {len(codes)} items the function was called {seen.tasks} times")
        require_list(said, right, "exit codes")
        if not seen.met:
            raise NotYet(
                "the exit codes are right, but the children worked one after the other: start all of them "
                "before you join the first"
            )
    if all_at_once(exit_with, []) != []:
        raise NotYet("without items it should return an empty list")
    return "all children were at work at the same time, and none is left"


@exercise("gather", in_child=True, limit=15)
def judge_gather(gather: Callable[..., object]) -> str:
    """Accept the answers, in order, of one child per item, all at work at one time."""
    import json

    paths = sorted(map(str, Path(json.__file__).parent.glob("*.py")))
    with marks() as folder, _births(pools=False) as started:
        said = gather(InReverse(count_definitions, paths, folder, os.getpid(), _TOGETHER), paths)
        pids = [file.read_text() for file in Path(folder).iterdir() if file.name.isdigit()]
        alone = mark_there(folder, GAVE_UP)
    if str(os.getpid()) in pids:
        raise NotYet("the main process did some of the work itself: give each item to a child")
    if len(set(pids)) < len(pids):
        raise NotYet("one child did several items: start one child per item")
    if isinstance(said, list) and len(said) == len(paths) and all(one is None for one in said):
        raise NotYet("all answers are None: the function's result has to go into a pipe, and out of it again")
    require_list(said, [count_definitions(path) for path in paths], "numbers of definitions")
    if alone:
        raise NotYet(
            "the answers are right, but the children worked one after the other: start all of them before "
            "you wait for the first answer"
        )
    if not all(map(is_joined, started)):
        raise NotYet("the answers are right, but a child was not joined: an answer may come before the end")
    words = ["fork", "die", "", "spawn", "die"]
    try:
        said = gather(shout_or_die, words)
    except EOFError:
        raise NotYet(
            "a child died without an answer, and the EOFError of `recv()` came out: catch it, and put None "
            "in its place"
        ) from None
    require_list(said, ["FORK", None, "", "SPAWN", None], "answers (None for a child that died)")
    large = [1_000_000, 3, 500_000]
    require_list(
        [len(text or "") for text in as_list(gather(repeat, large))], large, "lengths of large answers"
    )
    return "each file was counted by a child of its own, all at the same time, and a death holds nobody up"


@contextmanager
def _births(late: float = 0.0, pools: bool = True) -> Iterator[list[Any]]:
    """Yield the list of the processes started in this block; they begin their work `late` seconds late.

    Unless there may be `pools`, a worker of one is not started: NotYet is raised.
    """
    started: list[Any] = []
    start = BaseProcess.start

    def noted(process: Any) -> None:
        home = getattr(process._target, "__module__", None) or ""
        if not pools and home.startswith(("multiprocessing.pool", "concurrent.")):
            raise NotYet(
                "a pool's workers outlive their answers, and a pool waits for ever when one dies: start a "
                "`Process` of your own for each item"
            )
        started.append(process)
        if late and process._target is not None:
            process._target = Later(process._target, late)
        start(process)

    with patch.object(BaseProcess, "start", noted):
        yield started
