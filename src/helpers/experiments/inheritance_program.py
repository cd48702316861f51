"""The child's side of `inheritance`: change things in a parent, start a child, compare what it has.

Everything that the child is asked for is set after a first child has ended, so a fork server runs already.
"""

import contextlib
import json
import logging
import math
import multiprocessing
import os
import random
import signal
import sys
import threading
from pathlib import Path
from typing import Any

_SETTING = "as the file sets it"
_lock = threading.Lock()
_file: Any = None
_original = math.gcd


def say_what_is_inherited(method: str) -> None:
    """Print a JSON object: for each thing "yes", "no", or what became of it."""
    global _SETTING, _file
    context: Any = multiprocessing.get_context(method)
    os.environ["SET_EARLY"] = "early"
    _ask(context, None)
    _SETTING = "as the program changed it"
    os.environ["SET_LATE"] = "late"
    math.gcd = max  # type: ignore[assignment] # as a test does it with monkeypatch
    random.seed(123)
    first = random.random()
    random.seed(123)
    numpy_first = _numpy_random(seed=123)
    _numpy_random(seed=123, draw=False)
    signal.signal(signal.SIGTERM, _handle)
    logging.getLogger().addHandler(logging.NullHandler())
    sys.path.append("extra")
    sys.argv.append("--more")
    os.mkdir("elsewhere")  # noqa: PTH102
    os.chdir("elsewhere")
    ready, over = threading.Event(), threading.Event()
    threading.Thread(target=_hold, args=(ready, over), daemon=True).start()
    ready.wait()
    with open("a file", "w") as _file:  # noqa: PTH123
        number = _file.fileno()
        seen = _ask(context, number)
    over.set()
    seen["random numbers"] = _yes(seen["random numbers"] == first)
    seen["NumPy's random numbers"] = _yes(seen["NumPy's random numbers"] == numpy_first)
    print(json.dumps(seen))


def _handle(number: int, frame: object) -> None:
    """Handle SIGTERM; nobody sends it."""


def _hold(ready: threading.Event, over: threading.Event) -> None:
    with _lock:
        ready.set()
        over.wait()


def _yes(truth: bool) -> str:
    return "yes" if truth else "no"


def _ask(context: Any, number: int | None) -> dict[str, Any]:
    """Return what a new child says."""
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_tell, args=(sender, str(Path.cwd()), number))
    child.start()
    sender.close()
    told: dict[str, Any] = receiver.recv()
    child.join()
    receiver.close()
    return told


def _tell(sender: Any, folder: str, number: int | None) -> None:
    """Send what this child has; called in a child."""
    told = {
        "arguments of the call": "yes",  # or this would not know where to send
        "global, changed": _yes(_SETTING == "as the program changed it"),
        "function, patched": _yes(math.gcd is not _original),
        "environment, set before the first start": _yes("SET_EARLY" in os.environ),
        "environment, set later": _yes("SET_LATE" in os.environ),
        "working directory": _yes(str(Path.cwd()) == folder),
        "sys.path and sys.argv": _yes("extra" in sys.path and "--more" in sys.argv),
        "open file": _yes(_is_open(number)),
        "threads": _yes(threading.active_count() > 1),
        "lock that a thread holds": "locked" if _lock.locked() else "a new one",
        "random numbers": random.random(),
        "NumPy's random numbers": _numpy_random(),
        "signal handler": _yes(signal.getsignal(signal.SIGTERM) is _handle),
        "logging handler": _yes(bool(logging.getLogger().handlers)),
    }
    sender.send(told)


def _is_open(number: int | None) -> bool:
    """Return whether the global file is there and the descriptor is that of a file in this folder."""
    with contextlib.suppress(OSError):
        return _file is not None and number is not None and os.path.sameopenfile(number, _file.fileno())
    return False


def _numpy_random(seed: int | None = None, draw: bool = True) -> float | None:
    """Return the next number of NumPy's global generator, seeded first if a seed is given."""
    import numpy as np

    if seed is not None:
        np.random.seed(seed)
    return float(np.random.random()) if draw else None
