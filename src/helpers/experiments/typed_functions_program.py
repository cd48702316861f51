"""The child's side of `typed_functions`: type functions into a `__main__` without a file, and use them.

Runs in the main process of a program of its own.
"""

import json
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from helpers.waiting import wait_until
from helpers.workers.endings import exit_with

PATIENCE = 30.0  # seconds for what takes a tenth of one
OLD, NEW = 21, 22  # what the versions return; also exit codes
_SAID = {OLD: "the old one", NEW: "answers"}
_main = vars(sys.modules["__main__"])


def say_what_runs(method: str) -> None:
    """Print a JSON object: for each case what came of it."""
    del _main["__file__"]
    context: Any = multiprocessing.get_context(method)
    engines: dict[str, Callable[[Any, str, Callable[[], None]], str]] = {
        "Process": _in_process,
        "Pool": _in_pool,
        "executor": _in_executor,
    }
    seen: dict[str, str] = {}
    for case, before, after in (
        ("typed", "def {0}(x=0): return {new}", ""),
        ("typed again after the start", "def {0}(x=0): return {old}", "def {0}(x=0): return {new}"),
        (
            "using a global, changed after the start",
            "def {0}(x=0): return {0}_g\n{0}_g = {old}",
            "{0}_g = {new}",
        ),
        ("first typed after the start", "", "def {0}(x=0): return {new}"),
    ):
        for engine, use in engines.items():
            name = f"typed_{len(seen)}"
            _type(before, name)
            seen[f"{case} · {engine}"] = use(context, name, lambda after=after, name=name: _type(after, name))  # type: ignore[misc]
    print(json.dumps(seen))


def _type(source: str, name: str) -> None:
    exec(source.format(name, old=OLD, new=NEW), _main)


def _in_process(context: Any, name: str, change: Callable[[], None]) -> str:
    """A Process starts with `start()`, and nothing can be changed for it after that."""
    if name not in _main:
        return "-"
    child = context.Process(target=_ending, args=(_main[name],))
    child.start()
    change()
    child.join()
    code: int = child.exitcode
    return {OLD: "the old one"}.get(code, _SAID.get(code, f"exit code {code}"))


def _ending(function: Callable[[], int]) -> None:
    exit_with(function())


def _in_pool(context: Any, name: str, change: Callable[[], None]) -> str:
    with context.Pool(1) as pool:
        pool.apply(abs, (1,))  # its worker has started
        workers = {child.pid for child in multiprocessing.active_children()}
        change()
        result = pool.apply_async(_main[name], (1,))

        def died() -> bool:
            return not workers & {child.pid for child in multiprocessing.active_children()}

        wait_until(lambda: result.ready() or died(), PATIENCE, "an answer or a death")
        return _SAID[result.get()] if result.ready() else "no answer: its worker died"


def _in_executor(context: Any, name: str, change: Callable[[], None]) -> str:
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        executor.submit(abs, 1).result(PATIENCE)
        change()
        try:
            return _SAID[executor.submit(_main[name], 1).result(PATIENCE)]
        except BrokenProcessPool:
            return "BrokenProcessPool"
