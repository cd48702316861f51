"""Try lines of Python, each for itself, and see in one table what came of them."""

import os
import sys
import warnings
from types import FunctionType
from typing import Any

from helpers.processes.folders import own_folder
from helpers.programs.expression import value_of
from helpers.views.table import Table
from helpers.workers.rendezvous import AtBarrier

_WIDEST = 60  # letters of a value; what is longer is cut
_COLUMNS = ("you write", "you get", "done by", "you are told")


def tryout(lines: str) -> Table:
    """Return one row per line: its value, which processes called the worker functions, what was said.

    The lines see the caller's global names. A worker function is one of `helpers.workers`. What is said is
    each warning of parmap's, which here is not an error, and the exception that ended the line. Give a line
    that could wait for ever a limit of its own.
    """
    names = sys._getframe(1).f_globals
    rows = [_try(line.strip(), names) for line in lines.splitlines() if line.strip()]
    return Table(_COLUMNS, rows, code=_COLUMNS[:2])


def _try(line: str, names: dict[str, Any]) -> tuple[str, str | None, str, str]:
    """Return the row of one line."""
    got = None
    with own_folder("tryout") as folder:
        noted = {name: _noting(value, str(folder)) for name, value in names.items()}
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("ignore")
            warnings.filterwarnings("always", module=rf"parmap|{value_of.__module__}")
            try:
                got = repr(value_of(line, noted))
                raised = []
            except Exception as error:
                raised = [_sentence(type(error), error)]
        callers = {int(file.name) for file in folder.iterdir() if file.name.isdigit()}
    said = [_sentence(one.category, one.message) for one in warned] + raised
    short = got if got is None or len(got) <= _WIDEST else got[:_WIDEST] + "…"
    return line, short, _who(callers), "; ".join(dict.fromkeys(said))


def _noting(value: Any, folder: str) -> Any:
    """Return a worker function that notes in `folder` which process calls it; anything else as it is."""
    if isinstance(value, FunctionType) and value.__module__.startswith("helpers.workers."):
        return AtBarrier(value, folder, os.getpid(), parties=1, limit=0)
    return value


def _who(callers: set[int]) -> str:
    if not callers:
        return "nobody"
    return "this process" if callers == {os.getpid()} else "workers"


def _sentence(kind: type, error: object) -> str:
    text = " ".join(str(error).split())
    return f"{kind.__name__}: {text}" if text else kind.__name__
