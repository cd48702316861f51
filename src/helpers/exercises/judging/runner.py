"""Judge an answer that needs processes: in a child interpreter, with a limit, leaving nothing behind.

`judge_in_child` is the notebook's side; `judge_here` is the child's.  They talk through two files: what the
judge said, and the exit codes of pool workers that died in the middle of their work.
"""

import faulthandler
import functools
import importlib
import json
import multiprocessing
import multiprocessing.pool
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers.exercises.judging.registry import Exercise, Judge, NotYet, ToDo
from helpers.programs.importable import NotImportable, refuse_unimportable
from helpers.programs.program import Outcome, run_program

SPARE = 2.0  # seconds by which the child's own limit is shorter, so that it can say where it hangs
GRACE = 3.0  # seconds that an answer gets to come back after one of its workers has died

_STARTS = "{file} starts processes when it is imported, and every child imports it: move that into a function"
_SCRIPT = """\
if __name__ == "__main__":
    import sys

    sys.path[:] = {path!r}
    from helpers.exercises.judging.runner import judge_here

    judge_here(**{arguments!r})
"""


def judge_in_child(found: Exercise, answer: Any) -> str:
    """Return the judge's praise for a learner's function, class or module; NotYet says what is wrong."""
    if isinstance(answer, ModuleType):
        module, name = answer.__name__, ""
    else:
        try:
            refuse_unimportable(answer)
        except NotImportable as refusal:
            raise NotYet(str(refusal)) from None
        module, name = answer.__module__, answer.__qualname__
    with tempfile.TemporaryDirectory(prefix="helpers-check-", ignore_cleanup_errors=True) as folder:
        arguments = {
            "judge": (found.judge.__module__, found.judge.__qualname__),
            "answer": (module, name),
            "folder": folder,
            "limit": found.limit - SPARE / 2,
            "method": multiprocessing.get_start_method(allow_none=True),
        }
        path = [str(Path(entry or ".").resolve()) for entry in sys.path]
        script = _SCRIPT.format(path=path, arguments=arguments)
        outcome = run_program(script, limit=found.limit + SPARE / 2, name="check.py")
        said, deaths = Path(folder) / "said.json", Path(folder) / "deaths"
        if not said.exists():
            codes = deaths.read_text().split() if deaths.exists() else []
            raise NotYet(_why_silent(outcome, module, name, codes, found.limit))
        kind, sentence = json.loads(said.read_text(encoding="utf-8"))
    if kind == "correct":
        return str(sentence)
    raise (ToDo if kind == "to do" else NotYet)(sentence)


def _why_silent(outcome: Outcome, module: str, name: str, codes: list[str], limit: float) -> str:
    """Return why a child ended without a word from the judge."""
    if outcome.ended == "at the output limit":
        return "your code prints without end (more than 5 MB): return values instead of printing them"
    if codes:
        return (
            f"a worker ended with {_exit_code(int(codes[0]))} in the middle of its work, and its pool "
            "waits for ever for the answer: look for `os._exit`, `sys.exit` or a crash"
        )
    hang = re.search(
        rf'File "{re.escape(module.rpartition(".")[2])}\.py", line (\d+) in (\w+)', outcome.stderr
    )
    if outcome.ended == "at the limit" or "Timeout (" in outcome.stderr:
        where = (
            f"it was still in line {hang[1]} of {module}.py (`{hang[2]}`)" if hang else "its workers go on"
        )
        return (
            f"no answer after {limit:g} s: {where}; look for an endless loop or a wait for what never comes"
        )
    return f"your code ended the whole program with {_exit_code(outcome.exit_code)}: return a value instead"


def _exit_code(code: int) -> str:
    try:
        return f"exit code {code} ({signal.Signals(-code).name})" if code < 0 else f"exit code {code}"
    except ValueError:
        return f"exit code {code}"


def judge_here(
    judge: tuple[str, str], answer: tuple[str, str], folder: str, limit: float, method: str | None
) -> None:
    """Judge in this process, write down what the judge says, and end, whatever else still runs.

    `judge` and `answer` are each a module's name and the name of something in it.
    """
    faulthandler.dump_traceback_later(limit, exit=True)  # says where the answer hangs
    _note_dead_workers(Path(folder) / "deaths", time.monotonic() + limit)
    unclosed = _note_unclosed_pools()
    if method:
        multiprocessing.set_start_method(method)
    said = _said(_found(*judge), answer, unclosed)
    written = Path(folder) / "said.part"
    written.write_text(json.dumps(said), encoding="utf-8")
    written.replace(Path(folder) / "said.json")  # whole or not at all
    _remove_temporary_folder()
    os._exit(0)  # an ordinary exit would wait for children that an answer left behind


def _remove_temporary_folder() -> None:
    """Remove the folder of multiprocessing's sockets, which only an ordinary exit would."""
    folder = multiprocessing.current_process()._config.get("tempdir")  # type: ignore[attr-defined]
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def _found(module: str, name: str) -> Any:
    return functools.reduce(getattr, filter(None, name.split(".")), importlib.import_module(module))


def _said(judge: Judge, answer: tuple[str, str], unclosed: list[str]) -> tuple[str, str]:
    """Return the state and the sentence of the verdict."""
    file = f"{answer[0].replace('.', '/')}.py"
    try:
        importlib.import_module(answer[0])
        if _left():
            raise NotYet(_STARTS.format(file=file))
        praise = judge(_found(*answer))
        _refuse_leftovers(unclosed)
    except ToDo as reason:
        return "to do", str(reason)
    except (NotYet, NotImportable, AssertionError) as reason:
        return "not yet", str(reason)
    except BaseException as error:
        return "not yet", _in_a_sentence(error, file)
    return "correct", praise


def _note_dead_workers(file: Path, deadline: float) -> None:
    """Write down the exit codes of pool workers that die, and wait less for an answer that will not come."""
    join_exited = multiprocessing.pool.Pool._join_exited_workers  # type: ignore[attr-defined]

    def noting(pool: list[Any]) -> Any:
        codes = [worker.exitcode for worker in pool if worker.exitcode]
        if codes and not file.exists():  # once: workers that die again and again must not put off the end
            file.write_text("\n".join(map(str, codes)))
            faulthandler.dump_traceback_later(max(0.1, min(GRACE, deadline - time.monotonic())), exit=True)
        return join_exited(pool)

    multiprocessing.pool.Pool._join_exited_workers = staticmethod(noting)  # type: ignore[attr-defined]


def _note_unclosed_pools() -> list[str]:
    """Return a list that gets an entry for each pool that is forgotten while it still runs."""
    unclosed: list[str] = []

    def note(message: Warning | str, category: type[Warning], *_: object) -> None:
        if "unclosed running multiprocessing pool" in str(message):
            unclosed.append(str(message))

    warnings.simplefilter("always", ResourceWarning)
    warnings.showwarning = note  # type: ignore[assignment]
    return unclosed


def _left() -> list[str]:
    """Return the states of the children there are, without multiprocessing's helpers; asking reaps none."""
    import psutil

    from helpers.processes import ending

    states = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() == psutil.STATUS_ZOMBIE or not ending.is_helper(child):
                states.append(str(child.status()))
        except psutil.ZombieProcess:
            states.append("zombie")
        except psutil.Error:
            continue
    return states


def _refuse_leftovers(unclosed: list[str], patience: float = 1.0) -> None:
    """Raise NotYet when children stay, or a pool was forgotten, after a right answer."""
    deadline = time.monotonic() + patience
    while (left := _left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = [state for state in left if state != "zombie"]
    if alive or unclosed:
        running = f"{len(alive)} process{'es are' if len(alive) > 1 else ' is'} still running"
        what = running if alive else "its pool was never closed"
        raise NotYet(
            f"the result is right, but {what}: use `with Pool(...) as pool:`, or join what you start"
        )
    if left:
        raise NotYet(
            "the result is right, but a child that ended was never joined and is a zombie: call `join()`"
        )


def _in_a_sentence(error: BaseException, file: str) -> str:
    """Return what a learner can do about an exception that came out of their code."""
    trail = "".join(traceback.format_exception(error))  # with the traceback of a worker, if it came from one
    lines = re.findall(rf'File "[^"]*{re.escape(file)}", line (\d+)', trail)
    where = f" (line {lines[-1]} of {file})" if lines else ""
    if isinstance(error, BrokenProcessPool):
        return f"a worker ended in the middle of its work{where}: look for `os._exit`, `sys.exit` or a crash"
    if "bootstrapping phase" in str(error):
        return _STARTS.format(file=file)
    if isinstance(error, EOFError) and "input(" in trail:
        return (
            f"your code asks for `input()`{where}, which no worker can answer: take the value as an argument"
        )
    if isinstance(error, multiprocessing.TimeoutError):
        return f"an answer did not come in time{where}: look for an endless loop, or for a worker that died"
    if isinstance(error, SystemExit):
        return f"your code ends the whole program{where}: return a value instead"
    if isinstance(error, SyntaxError):
        return f"{file} is not Python yet: {error.msg} (line {error.lineno})"
    last = str(error).strip().splitlines() or [""]
    return f"your code raised {type(error).__name__}: {last[0]}{where}"
