"""Run a program in an interpreter of its own, with a limit, and look at what came of it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from helpers.processes import ending

Ended = Literal["by itself", "at the limit", "at the output limit"]

OUTPUT_LIMIT = 5_000_000  # bytes on disk, both streams together, before a program is ended
SHOWN = 100_000  # characters kept of each stream
NOTEBOOK_ONLY = {"FORCE_COLOR", "CLICOLOR_FORCE", "MPLBACKEND", "PYTHONUNBUFFERED", "PYTHONINSPECT"}
PATIENCE = 1.0  # seconds that processes get to leave after their program has ended


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
    source_or_path: str | Path, *args: object, limit: float = 10.0, name: str = "program.py"
) -> Outcome:
    """Return the Outcome of a script that ran in a child interpreter; nothing that it started is left.

    `source_or_path` is Python source, or the path of a script (a Path, or one line that ends in `.py`);
    source is saved as `name`.  The script runs in an empty folder of its own that is removed afterwards, with
    nothing on standard input.  After `limit` seconds it is ended with every process it started.  Raises
    ValueError for a limit that is not positive, FileNotFoundError for a script that is not there.
    """
    if not limit > 0:
        raise ValueError(f"limit is {limit!r}: give the seconds that the program may take, more than 0")
    given = _script_path(source_or_path)
    source = given.read_text(encoding="utf-8") if given else str(source_or_path)
    base = Path(tempfile.mkdtemp(prefix="helpers-program-")).resolve()
    try:
        here = base / "here"
        here.mkdir()
        script = given or here / name
        if not given:
            script.write_text(source, encoding="utf-8")
        return _run([sys.executable, str(script), *map(str, args)], base, limit, source)
    finally:
        _remove(base)


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
    out, err, mark = base / "stdout", base / "stderr", uuid.uuid4().hex
    with out.open("wb") as stdout, err.open("wb") as stderr, _lifeline(limit, mark) as guard:
        child = subprocess.Popen(
            command,
            cwd=base / "here",
            env=_environment(base, mark),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            **_own_group(),
        )
        left: tuple[str, ...] = ()
        try:
            guard(child.pid)
            ended = _wait(child, limit, (out, err))
            if ended == "by itself":
                left = _left_running(child.pid, mark)
        finally:
            ending.end(child.pid, mark)
            exit_code = child.wait(PATIENCE + limit)
    printed, errors = _text(out, base), _text(err, base)
    if ended != "by itself":  # the tracker's complaint is about our ending the program, not about the program
        errors = re.sub(r".*resource_tracker: There appear to be .*\n(  warnings\.warn\(.*\n)?", "", errors)
    return Outcome(printed, errors, exit_code, ended, limit, left, source)


def _own_group() -> dict[str, Any]:
    """Return the Popen arguments that give a program a group of its own, so that it can be ended as one."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _environment(base: Path, mark: str) -> dict[str, str]:
    """Return the environment of a program: this one's, without the notebook's own settings."""
    env = {key: value for key, value in os.environ.items() if key not in NOTEBOOK_ONLY}
    env |= {"PYTHONIOENCODING": "utf-8", "PYTHON_COLORS": "0", "NO_COLOR": "1"}
    env[ending.MARK] = f"{os.environ.get(ending.MARK, '')}/{mark}"
    folders = [folder for folder in sys.path if Path(folder).name.startswith("helpers-workers-")]
    env["PYTHONPATH"] = os.pathsep.join([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])
    if len(str(base)) < 50:  # the name of a socket in there must stay below 104 characters
        env |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(base))
    return env


@contextmanager
def _lifeline(limit: float, mark: str) -> "Iterator[_Guard]":
    """Yield a function that hands a PID to a process which ends that program should this one die."""
    keeper = subprocess.Popen(
        [sys.executable, "-I", ending.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **_own_group(),
    )
    try:
        yield _Guard(keeper, limit, mark)
    finally:
        keeper.kill()
        keeper.wait(limit)
        keeper.__exit__(None, None, None)


@dataclass(frozen=True)
class _Guard:
    keeper: "subprocess.Popen[bytes]"
    limit: float
    mark: str

    def __call__(self, pid: int) -> None:
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(f"{pid} {self.limit + 10} {self.mark}".encode())
        self.keeper.stdin.flush()


def _wait(child: "subprocess.Popen[bytes]", limit: float, files: tuple[Path, ...]) -> Ended:
    """Return how the program ended; a program at a limit is still running when this returns."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            child.wait(max(0.0, min(0.25, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            if sum(file.stat().st_size for file in files) > OUTPUT_LIMIT:
                return "at the output limit"
        else:
            return "by itself"
    return "at the limit"


def _left_running(pid: int, mark: str) -> tuple[str, ...]:
    """Return what still runs of a program that has ended, once everything that was leaving has left."""
    import psutil

    deadline = time.monotonic() + PATIENCE
    while True:
        left = []
        for process in ending.members(pid, mark):
            try:
                if not ending.is_helper(process):
                    left.append(f"PID {process.pid} ({process.status()}): {' '.join(process.cmdline())}")
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


def _remove(folder: Path, limit: float = 2.0) -> None:
    """Remove a folder; on Windows a file stays locked for a moment after its process has ended."""
    deadline = time.monotonic() + limit
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)
        if folder.exists():
            time.sleep(0.05)
