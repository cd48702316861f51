"""The exercises of 04: a pool by a method, one context for everything, a function under every method."""

import multiprocessing
import pickle
import time
from collections.abc import Callable
from typing import Any

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.exercises.judging.waiting import quiet
from helpers.workers import methods
from helpers.workers.endings import exit_with

_LIMIT = 30.0  # seconds that a child gets which needs a tenth of one
_SHORT = 0.5  # seconds after which a child that goes on is to be ended
_LONG = 60.0  # seconds that it would go on


@exercise("under", in_child=True, limit=20)
def judge_under(under: Callable[..., object]) -> str:
    """Accept the answers, in order, of workers of each method, the program's own method left as it was."""
    items = [3, 1, 4, 1, 5]
    own = multiprocessing.get_start_method(allow_none=True)
    for method in multiprocessing.get_all_start_methods():
        try:
            said = under(method, methods.started_by, items)
        except RuntimeError as error:
            raise _chosen_for_all(error) from None
        if multiprocessing.get_start_method(allow_none=True) != own:
            raise NotYet(
                "it changed the start method of the whole program: leave `set_start_method` out, and make "
                "the pool from `get_context(method)`"
            )
        _require_method(said, method)
        require_list(said, [(method, item) for item in items], given=method)
    return "each pool had the method that it was told, and the program kept its own"


@exercise("gather", in_child=True, limit=20)
def judge_gather(gather: Callable[..., object]) -> str:
    """Accept the answers, in any order, of one child per item by each method, though the default is fork."""
    items = [2, 7, 1, 8]
    known = multiprocessing.get_all_start_methods()
    if "fork" in known:  # where the task's own code goes wrong
        multiprocessing.set_start_method("fork", force=True)
    for method in known:
        try:
            said = gather(method, methods.started_by, items)
        except RuntimeError as error:
            if "SemLock" in str(error):
                raise NotYet(
                    f"for {method!r} it raised {short(str(error))}: take the queue and the children from one "
                    "context"
                ) from None
            raise _chosen_for_all(error) from None
        _require_method(said, method)
        found = sorted(said, key=str) if isinstance(said, list) else said
        right = sorted(((method, item) for item in items), key=str)
        require_list(found, right, given=method)
        _require_nobody()
    return "queue and children came from one context, whatever the default is"


@exercise("try-methods", in_child=True, limit=30)
def judge_try_methods(try_methods: Callable[..., object]) -> str:
    """Accept exit codes, names of exceptions, and None for what goes on, for each method of this system."""
    known = multiprocessing.get_all_start_methods()
    local = methods.not_picklable()
    methods.ready = True
    for what, function, argument, limit, end, forked in (
        ("a function that returns", abs, -3, _LIMIT, 0, 0),
        ("a child that ends with 3", exit_with, 3, _LIMIT, 3, 3),
        ("a function that cannot be pickled", local, 0, _LIMIT, _pickling_error(local), 0),
        ("a function that needs what the parent set", methods.need_ready, 0, _LIMIT, 1, 0),
        ("a child that goes on", time.sleep, _LONG, _SHORT, None, None),
    ):
        with quiet(_SHORT):
            said = _tried(try_methods, what, function, argument, limit)
        _require_ends(said, {method: forked if method == "fork" else end for method in known}, what)
        _require_nobody()
    return "you know of each function how it ends, under every method"


def _chosen_for_all(error: RuntimeError) -> NotYet:
    return NotYet(
        f"it raised RuntimeError: {error}: `get_context(method)` may be called as often as you like"
    )


def _require_method(said: object, method: str) -> None:
    """Raise NotYet when an answer comes from a process of another method."""
    others = (
        {one[0] for one in said if isinstance(one, tuple)} - {method} if isinstance(said, list) else set()
    )
    if "main" in others:
        raise NotYet(f"for {method!r} the main process called the function itself: hand it to the children")
    if others:
        raise NotYet(f"for {method!r} the function ran in a child started by {', '.join(sorted(others))}")


def _require_nobody() -> None:
    """Raise NotYet when a child still runs, or was not joined."""
    left = multiprocessing.process._children  # type: ignore[attr-defined] # active_children() would reap them
    if left:
        raise NotYet(f"{len(left)} of its children were not joined when it returned: `join()` each of them")


def _pickling_error(function: Callable[..., object]) -> str:
    """Return the name of what this Python raises for a function that cannot be pickled."""
    try:
        pickle.dumps(function)
    except Exception as error:
        return type(error).__name__
    raise AssertionError("it can be pickled")


def _tried(try_methods: Callable[..., object], what: str, *arguments: Any) -> object:
    try:
        return try_methods(*arguments)
    except Exception as error:
        raise NotYet(
            f"for {what} a {type(error).__name__} came out ({short(str(error))}): `start()` may raise, and "
            "then its name is the entry"
        ) from None


def _require_ends(said: object, right: dict[str, Any], what: str) -> None:
    if not isinstance(said, dict):
        raise NotYet(f"it returned {short(said)}, expected a dictionary with an entry for each method")
    if missing := [method for method in right if method not in said]:
        raise NotYet(
            f"for {what} there is no entry for {', '.join(missing)}: try every method of this system"
        )
    wrong = [method for method in right if said[method] != right[method]]
    if wrong:
        method = wrong[0]
        raise NotYet(f"for {what} under {method} it says {short(said[method])}, expected {right[method]!r}")
