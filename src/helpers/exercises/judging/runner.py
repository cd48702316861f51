"""Judge an answer that needs processes: in a child interpreter, with a limit, leaving nothing behind.

`judge_in_child` is the notebook's side; `judge_here` is the child's.  Between them stands a supervisor.  They
talk through files: what the judge said, how it ended, and the exit codes of pool workers that died in the
middle of their work.
"""

import faulthandler
import functools
import importlib
import json
import multiprocessing
import multiprocessing.pool
import os
import re
import secrets
import signal
import sys
import time
import traceback
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from helpers.exercises.judging import supervisor, waiting
from helpers.exercises.judging.registry import Exercise, Judge, NotYet, ToDo
from helpers.processes.folders import own_folder
from helpers.processes.multiprocessing_internals import never_joined, on_dead_workers
from helpers.processes.roles import below
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
# Taken before an answer is imported, so that one that replaces these functions does not change its verdict.
_dumps, _open, _replace, _leave = json.dumps, open, os.replace, os._exit


def judge_in_child(found: Exercise, answer: Any, method: str | None = None) -> str:
    """Return the judge's praise for a learner's function, class or module; NotYet says what is wrong.

    The answer runs under the start method `method`, or else under the one that this process has.
    """
    if isinstance(answer, ModuleType):
        module, name = answer.__name__, ""
    else:
        try:
            refuse_unimportable(answer)
        except NotImportable as refusal:
            raise NotYet(str(refusal)) from None
        module, name = answer.__module__, answer.__qualname__
    with own_folder("check") as folder:
        token = secrets.token_hex()
        arguments = {
            "judge": (found.judge.__module__, found.judge.__qualname__),
            "answer": (module, name),
            "folder": str(folder),
            "token": token,
            "limit": found.limit - SPARE / 2,
            "method": method or multiprocessing.get_start_method(allow_none=True),
        }
        path = [str(Path(entry or ".").resolve()) for entry in sys.path]
        script, note = folder / "check.py", folder / "ended"
        script.write_text(_SCRIPT.format(path=path, arguments=arguments), encoding="utf-8")
        outcome = run_program(Path(supervisor.__file__), script, note, limit=found.limit + SPARE / 2)
        written, ended = _read(folder / "said.json"), _read(note)
        said = written.removeprefix(token)
        if said == written or ended != "0":  # nobody wrote, not we, or the supervisor is gone
            codes = _read(folder / "deaths").split()
            raise NotYet(_why_silent(outcome, ended, module, name, codes, found.limit))
        kind, sentence = json.loads(said)
    if kind == "correct":
        return str(sentence)
    raise (ToDo if kind == "to do" else NotYet)(sentence)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _why_silent(outcome: Outcome, ended: str, module: str, name: str, codes: list[str], limit: float) -> str:
    """Return why a child ended without a word from the judge; `ended` is what its supervisor noted."""
    if outcome.ended == "at the output limit":
        return "your code prints without end (more than 5 MB): return values instead of printing them"
    if codes:
        raised = re.search(r"^[\w.]*(?:Error|Exception)\b.*", outcome.stderr, re.MULTILINE)
        why = f"it raised {raised[0]}" if raised else "look for `os._exit`, `sys.exit` or a crash"
        return (
            f"a worker ended with {_exit_code(int(codes[0]))} in the middle of its work, and its pool "
            f"waits for ever for the answer: {why}"
        )
    if ended == supervisor.STOPPED:
        return "your code stopped its own process, as SIGSTOP does, and nobody lets it go on; see `os.kill`"
    if outcome.ended == "at the limit" or "Timeout (" in outcome.stderr:
        return _why_late(outcome.stderr, module, limit)
    if not ended:
        return (
            f"your code ended the process that had started it{_by_signal(outcome.exit_code)}: end only what "
            "you started yourself, never `os.getppid()`"
        )
    return f"your code ended the whole program with {_exit_code(int(ended))}: return a value instead"


def _why_late(stack: str, module: str, limit: float) -> str:
    """Return where an answer was when its time was over; `stack` is what faulthandler wrote."""
    file = f"{module.rpartition('.')[2]}.py"
    main = stack.rpartition("most recent call first")[2]  # of several threads the main one comes last
    frames = [
        (name, int(line), function)
        for name, line, function in re.findall(r'File "([^"]+)", line (\d+) in (\w+)', main)
    ]
    wait = waiting.find_wait(frames, file)
    if wait is not None:
        return waiting.why_endless(wait, alone=False)
    for name, line, function in frames:
        if name == file:
            where = f"it was still in line {line} of {file} (`{function}`); "
            break
    else:
        where = ""
    return f"no answer after {limit:g} s: {where}look for an endless loop or a wait for what never comes"


def _by_signal(code: int) -> str:
    return f" ({signal.Signals(-code).name})" if -code in set(signal.Signals) else ""


def _exit_code(code: int) -> str:
    return f"exit code {code}{_by_signal(code)}"


def judge_here(
    judge: tuple[str, str],
    answer: tuple[str, str],
    folder: str,
    token: str,
    limit: float,
    method: str | None,
) -> None:
    """Judge in this process, write down what the judge says, and end, whatever else still runs.

    `judge` and `answer` are each a module's name and the name of something in it; `token` shows that it was
    this function which wrote.
    """
    faulthandler.dump_traceback_later(limit, exit=True)  # says where the answer hangs
    _note_dead_workers(Path(folder) / "deaths", time.monotonic() + limit)
    unclosed = _note_unclosed_pools()
    if method:
        multiprocessing.set_start_method(method)

    def say(kind: str, sentence: str) -> NoReturn:
        waiting.stop_looking()
        with _open(f"{folder}/said.part", "w", encoding="utf-8") as file:
            file.write(token + _dumps((kind, sentence)))
        _replace(f"{folder}/said.part", f"{folder}/said.json")  # whole or not at all
        _leave(0)  # an ordinary exit would wait for children that an answer left behind

    waiting.notice_endless_waits(_file(answer), lambda sentence: say("not yet", sentence))
    say(*_said(_found(*judge), answer, unclosed))


def _file(answer: tuple[str, str]) -> str:
    return f"{answer[0].replace('.', '/')}.py"


def _found(module: str, name: str) -> Any:
    return functools.reduce(getattr, filter(None, name.split(".")), importlib.import_module(module))


def _said(judge: Judge, answer: tuple[str, str], unclosed: list[str]) -> tuple[str, str]:
    """Return the state and the sentence of the verdict."""
    file = _file(answer)
    try:
        importlib.import_module(answer[0])
        if below():
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

    def note(codes: list[int]) -> None:
        if not file.exists():  # once: workers that die again and again must not put off the end
            file.write_text("\n".join(map(str, codes)))
            faulthandler.dump_traceback_later(max(0.1, min(GRACE, deadline - time.monotonic())), exit=True)

    on_dead_workers(note)


def _note_unclosed_pools() -> list[str]:
    """Return a list that gets an entry for each pool that is forgotten while it still runs."""
    unclosed: list[str] = []

    def note(message: Warning | str, category: type[Warning], *_: object) -> None:
        if "unclosed running multiprocessing pool" in str(message):
            unclosed.append(str(message))

    warnings.simplefilter("always", ResourceWarning)
    warnings.showwarning = note  # type: ignore[assignment]
    return unclosed


def _refuse_leftovers(unclosed: list[str], patience: float = 1.0) -> None:
    """Raise NotYet when children stay, or a pool was forgotten, after a right answer."""
    deadline = time.monotonic() + patience
    while (left := below()) and time.monotonic() < deadline:
        time.sleep(0.05)
    alive = left["alive"]
    if alive or unclosed:
        running = f"{alive} process{'es are' if alive > 1 else ' is'} still running"
        what = running if alive else "its pool was never closed"
        raise NotYet(
            f"the result is right, but {what}: use `with Pool(...) as pool:`, or join what you start"
        )
    if left or never_joined():  # a fork server reaps its children, joined or not
        zombie = " and is a zombie" if left else ""
        raise NotYet(f"the result is right, but a child that ended was never joined{zombie}: call `join()`")


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
        return _why_ended(error, file, where)
    if isinstance(error, MemoryError):
        most = f"{supervisor.GIGABYTES} GB"
        return f"your code asks for more memory than the {most} it may have{where}: keep less of it at a time"
    if isinstance(error, SyntaxError):
        return f"{file} is not Python yet: {error.msg} (line {error.lineno})"
    last = str(error).strip().splitlines() or [""]
    return f"your code raised {type(error).__name__}: {last[0]}{where}{_advice(error)}"


def _advice(error: BaseException) -> str:
    """Return what to do about an exception that a file of workers often raises, or nothing."""
    if type(error) is NameError:
        return f"; a `%%workers` cell is a file of its own: does it import or define `{error.name}`?"
    if "<lambda>" in str(error) or "<locals>" in str(error):
        return "; a worker finds a function by its name in a file: use no `lambda`, and no `def` in a `def`"
    return ""


def _why_ended(error: SystemExit, file: str, where: str) -> str:
    """Return what a learner did when `sys.exit` was called in the main process."""
    frames = traceback.extract_tb(error.__traceback__)
    if any(one.name == "run" and re.search(r"multiprocessing.process\.py$", one.filename) for one in frames):
        return (
            f"`run()` calls the function here, in your own process, which ends with it{where}: `start()` "
            "makes a child that calls it"
        )
    last = frames[-1]
    theirs = [one for one in frames if one.filename.replace("\\", "/").endswith(file)]
    if theirs and last is not theirs[0]:  # called by their code, whether it is theirs, too, or not
        return (
            f"`{last.name}` was called here, in your own process, which ends with it{where}: hand it over "
            f"without calling it, as in `target={last.name}, args=(...)`"
        )
    return f"your code ends the whole program{where}: return a value instead"
