"""Run a program in an interpreter of its own, with a limit, and look at what came of it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from helpers.processes.folders import is_own, own_folder
from helpers.programs import watchdog
from helpers.programs.environment import PLAIN_TEXT, inherited

if TYPE_CHECKING:
    from helpers.programs.members import Members

Ended = Literal["by itself", "at the limit", "at the output limit"]

OUTPUT_LIMIT = 5_000_000  # bytes on disk, both streams together, before a program is ended
SHOWN = 100_000  # characters kept of each stream
LOOK = 0.25  # seconds between two looks at what a program prints
PATIENCE = 1.0  # seconds that processes get to leave after their program has ended
# Runs a script as `python SCRIPT` would, with another default: it cannot be chosen on the command line.
UNDER = """\
import multiprocessing, os, runpy, sys
multiprocessing.set_start_method(sys.argv[1])
del sys.argv[:2]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Outcome:
    """What a program printed, how it ended, and what it left running (already ended when you read this)."""

    stdout: str
    stderr: str
    exit_code: int
    ended: Ended
    limit: float
    left_running: tuple[str, ...] = ()
    source: str = field(default="", repr=False)

    def __repr__(self) -> str:
        """Return what the program printed, then how it ended."""
        printed = [text.rstrip("\n") for text in (self.stdout, self.stderr) if text.strip()]
        return "\n".join([*printed, *self._endings()])

    def _endings(self) -> list[str]:
        if self.ended == "at the limit":
            return [f"ended at the limit of {self.limit:g} s, with every process it had started"]
        if self.ended == "at the output limit":
            return [f"ended because it printed more than {OUTPUT_LIMIT // 1_000_000} MB"]
        left = len(self.left_running)
        lines = [f"exit code {self.exit_code}{_signal_name(self.exit_code)}"]
        return lines + [f"left running: {left} process{'es' * (left > 1)} (ended now)"] * bool(left)


def run_program(
    source_or_path: str | Path,
    *args: object,
    limit: float = 10.0,
    name: str = "program.py",
    method: str | None = None,
) -> Outcome:
    """Return the Outcome of a script that ran in a child interpreter; nothing that it started is left.

    `source_or_path` is Python source, or the path of a script (a Path, or one line that ends in `.py`);
    source is saved as `name`.  The script runs in an empty folder of its own that is removed afterwards, with
    nothing on standard input.  With `method`, that is its default start method.  After `limit` seconds it is
    ended with every process it started.  Raises
    ValueError for a limit that is not positive, FileNotFoundError for a script that is not there.
    """
    if not limit > 0:
        raise ValueError(f"limit is {limit!r}: give the seconds that the program may take, more than 0")
    given = _script_path(source_or_path)
    source = given.read_text(encoding="utf-8") if given else str(source_or_path)
    with own_folder("program", sockets=True) as base:
        here = base / "here"
        here.mkdir()
        script = given or here / name
        if not given:
            script.write_text(source, encoding="utf-8")
        start = ["-c", UNDER, method] if method else []
        return _run([sys.executable, *start, str(script), *map(str, args)], base, limit, source)


def _script_path(source_or_path: str | Path) -> Path | None:
    """Return the script's absolute path, or None when source was given."""
    text = str(source_or_path)
    if isinstance(source_or_path, str) and ("\n" in text or not text.strip().endswith(".py")):
        return None
    path = Path(text).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no script {path}: give the path of a .py file, or Python source")
    return path


def _run(command: list[str], base: Path, limit: float, source: str) -> Outcome:
    from helpers.processes.descendants import MARK, birth, new_mark
    from helpers.processes.ending import end
    from helpers.programs.members import Members

    out, err, mark = base / "stdout", base / "stderr", new_mark()
    with out.open("wb") as stdout, err.open("wb") as stderr, watched(limit) as watch:
        child = subprocess.Popen(
            command,
            cwd=base / "here",
            env=surroundings(base) | {MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            **own_group(),
        )
        left: tuple[str, ...] = ()
        members = Members(child.pid, birth(child.pid), mark, str(base))
        try:
            watch(members)
            ended = _wait(child, limit, (out, err), members)
            if ended == "by itself":
                left = _left_running(members)
        finally:
            end(members)
            exit_code = child.wait(PATIENCE + limit)
    printed, errors = _text(out, base), _text(err, base)
    if ended != "by itself":  # the tracker's complaint is about our ending the program, not about the program
        errors = re.sub(r".*resource_tracker: There appear to be .*\n(  warnings\.warn\(.*\n)?", "", errors)
    return Outcome(printed, errors, exit_code, ended, limit, left, source)


def own_group() -> dict[str, Any]:
    """Return the Popen arguments that give a program a group of its own, so that it can be ended as one."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def surroundings(base: Path) -> dict[str, str]:
    """Return the environment of a program: its temporary folder is `base`, its modules those of the cells."""
    folders = [folder for folder in sys.path if is_own(folder, "workers")]
    path = os.pathsep.join([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(base))
    return inherited() | PLAIN_TEXT | temporary | {"PYTHONPATH": path}


@contextmanager
def watched(limit: float) -> "Iterator[Callable[[Members], None]]":
    """Yield a function that hands a program to a process which ends it should this one die."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", watchdog.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **own_group(),
    ) as dog:

        def watch(members: "Members") -> None:
            program = {name: getattr(members, name) for name in ("pid", "birth", "mark", "folder")}
            told = {"seconds": limit + 10, "path": sys.path, "program": program}
            assert dog.stdin is not None
            dog.stdin.write(json.dumps(told).encode() + b"\n")
            dog.stdin.flush()

        try:
            yield watch
        finally:
            dog.kill()


def _wait(
    child: "subprocess.Popen[bytes]", limit: float, files: tuple[Path, ...], members: "Members"
) -> Ended:
    """Return how the program ended; a program at a limit is still running when this returns."""
    began, next_look = time.monotonic(), 0.0
    while (passed := time.monotonic() - began) < limit:
        if passed >= next_look:  # each costs some milliseconds, so there are fewer and fewer
            members.follow()
            next_look = 2 * passed + LOOK
        if _has_ended(child, min(LOOK, limit - passed)):
            return "by itself"
        if sum(file.stat().st_size for file in files) > OUTPUT_LIMIT:
            return "at the output limit"
    return "at the limit"


def _has_ended(child: "subprocess.Popen[bytes]", limit: float) -> bool:
    """Return whether the child ends within the limit; it is not joined, so its PID remains its own."""
    if sys.platform == "win32":  # there a PID remains as long as somebody holds a handle, as Popen does
        try:
            child.wait(limit)
        except subprocess.TimeoutExpired:
            return False
        return True
    deadline, pause = time.monotonic() + limit, 0.001
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if (left := deadline - time.monotonic()) <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 2, 0.02)
    return True


def _left_running(members: "Members") -> tuple[str, ...]:
    """Return what still runs of a program that has ended, once everything that was leaving has left."""
    import psutil

    from helpers.processes.roles import MACHINERY, command, role

    deadline = time.monotonic() + PATIENCE
    while True:
        left = []
        for process in members():
            try:
                if role(process).name not in MACHINERY:
                    left.append(f"PID {process.pid} ({process.status()}): {command(process)}")
            except psutil.Error:
                continue
        if not left or time.monotonic() > deadline:
            return tuple(left)
        time.sleep(0.05)


def _text(file: Path, base: Path) -> str:
    """Return what was printed, with files named without their folder: it reads the same everywhere."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        text = lines.read(SHOWN + 1)
    text = re.sub(r'(File ")[^"\n]*[/\\]([^"/\\\n]+")', r"\1\2", text)
    text = text.replace(f"{base / 'here'}{os.sep}", "").replace(str(base / "here"), "this folder")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… cut after {SHOWN:,} characters\n"


def _signal_name(exit_code: int) -> str:
    try:
        return f" ({signal.Signals(-exit_code).name})" if exit_code < 0 else ""
    except ValueError:
        return ""
