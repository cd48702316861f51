"""The parent's side of `start_steps`: start two children, and note what happens on the way.

Runs in the main process of a program of its own; its children do not import it.
"""

import io
import multiprocessing
from collections.abc import Callable
from multiprocessing import reduction, util
from typing import Any

_CALLED = {"dict": "settings"}  # what is pickled first is a dict: paths, arguments, names


def start_two(method: str, worker: Callable[[], None], note: Callable[[str], None]) -> None:
    """Start one child after the other by this method, and note each step of the parent's."""
    _note_pickling(note)
    _note_launching(note)
    context: Any = multiprocessing.get_context(method)
    for _ in range(2):
        child = context.Process(target=worker)
        note("start")
        child.start()
        note("returned")
        child.join()


def _note_pickling(note: Callable[[str], None]) -> None:
    """From now on note what is pickled for a child, and its bytes."""
    dump: Any = reduction.dump

    def noted(thing: object, file: Any, protocol: int | None = None) -> None:
        buffer = io.BytesIO()
        dump(thing, buffer, protocol)
        kind = type(thing).__name__
        what = "the Process" if kind.endswith("Process") else _CALLED.get(kind, kind)
        note(f"pickled {len(buffer.getvalue())} {what}")
        file.write(buffer.getvalue())

    reduction.dump = noted  # type: ignore[assignment] # other names of its arguments


def _note_launching(note: Callable[[str], None]) -> None:
    """From now on note when a new Python is launched for a child or as fork server; Windows does not tell."""
    launch: Any = util.spawnv_passfds

    def noted(path: bytes, words: list[Any], files: Any) -> Any:
        text = " ".join(map(str, words))
        pid = launch(path, words, files)
        for who, sign in (("child", "spawn_main"), ("server", "forkserver import main")):
            if sign in text:
                note(f"launched {who}")
        return pid

    util.spawnv_passfds = noted  # type: ignore[assignment]
