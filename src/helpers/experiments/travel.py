"""What can travel from process to process, tried: pickled here, unpickled in a fresh process."""

import ast
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context, resource_sharer
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from helpers.views.table import Table
from helpers.workers.unpacking import unpack_all

LIMIT = 60.0  # seconds that the fresh process gets for each answer
_COLUMNS = ("you send", "pickled", "arrived", "you are told")


class Journeys(Table):
    """One row for each expression: whether its value could be pickled, whether it arrived, what was said."""

    def __init__(self, rows: Sequence[tuple[str, str, str | None, str]]) -> None:
        """Keep the rows."""
        super().__init__(_COLUMNS, rows, code=_COLUMNS[:1])

    @property
    def arrived(self) -> list[str]:
        """The expressions whose values arrived."""
        return [row[0] for row in self.rows if row[2] == "yes"]

    @property
    def left_behind(self) -> list[str]:
        """The expressions whose values could not be pickled."""
        return [row[0] for row in self.rows if row[1] == "no"]

    @property
    def lost(self) -> list[str]:
        """The expressions whose values were pickled and could not be unpickled."""
        return [row[0] for row in self.rows if row[2] == "no"]


def what_travels(*sources: str) -> Journeys:
    """Return what became of the value of each expression on its way to a process that spawn has started.

    A source is one expression or several, with semicolons between them. They see the caller's global names,
    and the standard library's modules by name. Each value is pickled as multiprocessing pickles what goes
    through a pipe, and is closed afterwards if it can be. Raises whatever an expression raises, and
    TimeoutError when the other process does not answer.
    """
    names = sys._getframe(1).f_globals
    context = get_context("spawn")
    here, there = context.Pipe()
    with here:
        child = context.Process(target=unpack_all, args=(there,), daemon=True)
        child.start()
        there.close()
        try:
            rows = [_journey(one, names, here) for source in sources for one in _expressions(source)]
            here.send(None)
            child.join(LIMIT)
        finally:
            child.kill()
            child.join()
            resource_sharer.stop()  # it hands over sockets and pipes' ends
    return Journeys(rows)


def _expressions(source: str) -> list[str]:
    """Return the expressions of the source. Raises ValueError for any other statement, and SyntaxError."""
    found = []
    for statement in ast.parse(source).body:
        text = ast.get_source_segment(source, statement) or source
        if not isinstance(statement, ast.Expr):
            raise ValueError(f"{text!r} has no value: give expressions, such as 'open(os.devnull)'")
        found.append(text)
    return found


def _journey(
    expression: str, names: dict[str, Any], connection: "Connection[Any, Any]"
) -> tuple[str, str, str | None, str]:
    value = eval(expression, _modules(expression) | names)
    try:
        message = bytes(ForkingPickler.dumps(value))
    except Exception as error:
        return expression, "no", None, _without_address(f"{type(error).__name__}: {error}")
    else:
        connection.send(message)
        if not connection.poll(LIMIT):
            raise TimeoutError(f"the other process did not answer within {LIMIT:g} s: run the cell again")
        error_there = connection.recv()
        return expression, "yes", "no" if error_there else "yes", _without_address(error_there)
    finally:
        if hasattr(value, "close"):
            with suppress(Exception):
                value.close()


def _modules(expression: str) -> dict[str, Any]:
    """Return the modules of the standard library that the expression names."""
    named = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
    return {name: import_module(name) for name in named & sys.stdlib_module_names}


def _without_address(text: str) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
