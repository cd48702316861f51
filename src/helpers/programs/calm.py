"""Errors of a notebook's cells, short: your own lines, what is hidden, and last the sentence that helps.

`%tb` shows the same error in full.  Errors that have nothing to do with processes stay as they are.
"""

import functools
import re
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HELPERS = str(Path(__file__).resolve().parents[1])
_LIBRARY = tuple({_HELPERS, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))})
_OURS = re.compile(r"[/\\](multiprocessing|concurrent|parmap|helpers)[/\\]")
_FIRST = (
    "Nothing is called `{name}` yet: after a restart, run the first cell of the notebook, then those that "
    "this one builds on."
)
_STOPPED = "You stopped it. Workers of a pool outside `with` may go on: `family()` shows them."
_NOT_SAVED = "There is no {name} now, as this cell could not be run: mend it and run it again."


def install(shell: Any) -> None:
    """The shell shows errors in the short form from now on."""
    in_full = shell.showtraceback

    @functools.wraps(in_full)
    def show(exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        kind, error, trace = exc_tuple or sys.exc_info()
        short = None
        plain = not args and kwargs.keys() <= {"running_compiled_code", "tb_offset"}
        if kind is not None and error is not None and plain and not shell.call_pdb:
            short = _short(shell, kind, error, trace)
        if short is None:  # also `%tb`, which asks again when no error is on its way
            in_full(exc_tuple, *args, **kwargs)
            return
        shell._get_exc_info((kind, error, trace))  # what `%tb` and `%debug` show
        shell._showtraceback(kind, error, short)

    shell.showtraceback = show


def _short(shell: Any, kind: type[BaseException], error: BaseException, trace: Any) -> list[str] | None:
    """Return the lines of the short form, None for an error that is shown in full."""
    entries = list(_entries(trace))
    files = [entry.tb_frame.f_code.co_filename for entry in entries]
    if not files or not files[0].startswith(_LIBRARY):  # not from a cell, so nothing is known of its shape
        return None
    advice = _advice(shell, error, entries)
    if not advice and not any(_OURS.search(file) for file in files[1:]):
        return None
    own = [
        entry
        for entry, file, following in zip(entries, files, [*entries[1:], None], strict=True)
        if not file.startswith((*_LIBRARY, "<frozen")) and not _runs_magic(following)
    ]
    if isinstance(error, SyntaxError):
        return ["".join(shell.SyntaxTB.structured_traceback(kind, error, [])).rstrip(), *advice]
    shown = own[-1:]  # the line of your own from which there was no way back
    lines = _render(shell, kind, error, _chain([entries[0], *shown]))
    hidden = len(entries) - 1 - len(shown)
    note = f"{hidden} more call{'s' * (hidden > 1)} on the way there: %tb shows everything."
    return [*lines[:-1], *_from_worker(error), *[note] * (hidden > 0), lines[-1], *advice]


def _entries(trace: types.TracebackType | None) -> Iterator[types.TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _chain(entries: list[types.TracebackType]) -> types.TracebackType | None:
    """Return a traceback of these entries alone."""
    following = None
    for entry in reversed(entries):
        following = types.TracebackType(following, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return following


def _render(shell: Any, kind: type[BaseException], error: BaseException, trace: Any) -> list[str]:
    """Return what IPython shows of the error, without the errors that led to it."""
    kept = error.__cause__, error.__context__, error.__suppress_context__
    error.__cause__ = error.__context__ = None
    try:
        lines: list[str] = shell.InteractiveTB.structured_traceback(kind, error, trace)
        return lines
    finally:
        error.__cause__, error.__context__, error.__suppress_context__ = kept


def _runs_magic(entry: types.TracebackType | None) -> bool:
    """Return True when this is IPython running a magic: the line above it is IPython's way to write one."""
    return entry is not None and entry.tb_frame.f_code.co_name in ("run_cell_magic", "run_line_magic")


def _advice(shell: Any, error: BaseException, entries: list[types.TracebackType]) -> list[str]:
    """Return the sentence that an error needs beside its own, if it needs one."""
    from helpers.programs.withdrawn import NoWorkers

    if isinstance(error, KeyboardInterrupt):
        return [_STOPPED]
    if isinstance(error, NameError) and not isinstance(error, NoWorkers):
        import helpers

        name = getattr(error, "name", None)
        homes = [str(getattr(value, "__module__", "")) for value in list(shell.user_ns.values())]
        begun = any(home.startswith("helpers.") for home in homes)
        if name and (name in helpers.__all__ or not begun):
            return [_FIRST.format(name=name)]
    for frame in (entry.tb_frame for entry in entries):
        code = frame.f_code
        if code.co_name == "write_workers" and code.co_filename.startswith(_HELPERS):
            name = frame.f_locals["name"]
            return [_NOT_SAVED.format(name=name)] if name.isidentifier() else []
    return []


def _from_worker(error: BaseException) -> list[str]:
    """Return where in a worker an error was raised, when it was."""
    remote = getattr(error.__cause__, "tb", None)
    if not isinstance(remote, str):
        return []
    *_, (file, line, function) = [("", "", ""), *re.findall(r'File "([^"]+)", line (\d+), in (\S+)', remote)]
    return [f"Raised in a worker: line {line} of {Path(file).name}, in {function}."] if file else []
