"""The door: makes .venv here, installs what the notebooks need, opens JupyterLab on the learner's copies."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - first of all, for Pythons that can read this far
    sys.exit(
        f"These notebooks need Python 3.11 or newer, and this is Python {sys.version.split()[0]} "
        f"({sys.executable}): run start.py with a newer one, for example: python3.13 start.py"
    )

import errno
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from urllib.parse import quote

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # not there by itself under PYTHONSAFEPATH

from tools import learner_copy  # noqa: E402 - standard library only, too

USAGE = """The door: makes .venv here, installs what the notebooks need, opens JupyterLab.

    python3 start.py                                    JupyterLab on your copy of the first lesson
    python3 start.py notebooks/03_spawning.ipynb        ... of another lesson
    python3 start.py --no-browser --port 9999           ... with any option of JupyterLab
    python3 start.py test                               all tests
    python3 start.py test -k family -x                  ... with any option of pytest
    python3 start.py copies FOLDER                      copies for students: no outputs, solutions folded

The first start takes a minute or two and needs the network, the next ones do not. Your copies are in
my_notebooks/: what you write there is never overwritten; copies without a change of yours follow the lessons.
"""
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
BEFORE = ROOT / ".venv.before"  # the last .venv that worked, while another one is made
LOCK = ROOT / ".venv.lock"
DEFAULTS = ROOT / "tools" / "jupyter"  # JupyterLab asks nobody about news; the user's own settings come first
STAMP = "start.txt"  # in a .venv: that start.py made it, for what, and `unfinished` while that is going on
MADE, UNFINISHED = "made by start.py", "unfinished"
NOTEBOOKS, COPIES = ROOT / "notebooks", ROOT / "my_notebooks"
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable  # .venv's own cannot remake .venv
STEP_LIMIT = 1200  # seconds for one step of the installation; the variable START_LIMIT sets another
WAIT_LIMIT = 3600  # seconds to wait for another start that installs
NEWS_EVERY = 5  # seconds between two lines about an installation

CURES = {  # what an installer or the system says, and what to do about it
    r"no space left|not enough space|disk quota|(os error|errno|winerror) (28|112)\b": (
        f"The disk is full: free about 1 GB where {ROOT} lies (and in your cache folder), then start again."
    ),
    r"read-only file system|permission denied|access is denied|not permitted"
    r"|(os error|errno|winerror) (1|5|13|30)\b": (
        f"Files in {ROOT} cannot be written: copy the folder to a place of your own "
        "(on Windows, first close what uses its .venv), then start again."
    ),
    r"name resolution|failed to establish|connection (refused|reset|aborted|timed out|broken)|timed out"
    r"|error sending request|dns error|failed to fetch|unreachable|proxyerror|max retries|getaddrinfo": (
        "The packages cannot be fetched: connect to the network (or set HTTPS_PROXY), then start again."
    ),
}
FULL, READ_ONLY, NO_NETWORK = CURES.values()

PROBE = """
import sys
if sys.version_info < (3, 11):
    sys.exit("is of Python " + sys.version.split()[0])
from importlib.metadata import PackageNotFoundError, version
lacks = []
for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        lacks.append(name)
sys.exit("lacks " + ", ".join(lacks) if lacks else 0)
"""


class TroubleError(Exception):
    """One sentence that says what is wrong and what to do; `harmless` when nothing was changed before it."""

    def __init__(self, sentence: str, *, harmless: bool = False) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.harmless = harmless


def main(arguments: list[str]) -> int:
    """Return the exit code of JupyterLab or pytest, or, after one sentence on stderr, 1 (130 for Ctrl-C)."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    try:
        if arguments[:1] == ["copies"]:
            return copies(arguments[1:])
        if arguments[:1] == ["test"]:
            return test(arguments[1:])
        return lab(arguments)
    except TroubleError as trouble:
        say(str(trouble))
    except OSError as error:
        say(cure(str(error)))
    except KeyboardInterrupt:
        say("Interrupted: start again, and the installation begins anew.")
        return 130
    return 1


def test(arguments: list[str]) -> int:
    """Run pytest with these arguments."""
    prepare(["cluster", "notebooks", "test"])
    return run(
        [str(PYTHON), "-m", "pytest", *arguments], signal.SIGTERM if os.name == "nt" else signal.SIGINT
    )


def copies(arguments: list[str]) -> int:
    """Bring the copies in the named folder (default: the learner's) up to date; nothing is installed."""
    folder = Path(*arguments).absolute() if arguments else COPIES
    if len(arguments) > 1 or "".join(arguments).startswith("-") or folder.resolve() == NOTEBOOKS:
        raise TroubleError("Name one folder for the copies, other than notebooks: start.py copies FOLDER")
    try:
        say(str(refresh(folder)) or f"The copies in {folder} are up to date.")
    except OSError as error:
        raise TroubleError(
            f"Copies cannot be written into {folder} ({error.strerror or error}): name another folder."
        ) from None
    return 0


def lab(arguments: list[str]) -> int:
    """Open JupyterLab on a learner's copy; address, token and rights stay as it sets them."""
    named = [argument for argument in arguments if re.fullmatch(r"[^-].*\.ipynb", argument)]
    notebook = find_notebook(named[-1] if named else FIRST_NOTEBOOK)
    options = [argument for argument in arguments if argument not in named]
    port = re.search(r"(?:^|\n)--(?:port|ServerApp\.port)[=\n](\d+)(?:\n|$)", "\n".join(arguments))
    if port:
        check_port(int(port[1]))
        options.insert(0, "--ServerApp.port_retries=0")  # this port or none: its user waits for it there
    prepare(["cluster", "notebooks"])
    command = [str(PYTHON), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command.append(f"--LabApp.default_url=/lab/tree/{quote(copy_of(notebook))}")
    return run([*command, *options], signal.SIGTERM)


def find_notebook(name: str) -> Path:
    """Return the notebook's path; a lesson is found under the name of its copy, too."""
    for path in (Path.cwd() / name, ROOT / name, NOTEBOOKS / Path(name).name):
        if path.is_file() and ROOT in path.resolve().parents:
            return path.resolve()
    raise TroubleError(f"There is no notebook {name} in {ROOT}: name one, such as {FIRST_NOTEBOOK}.")


def copy_of(notebook: Path) -> str:
    """Return the path, from the project's folder, of the learner's copy of a lesson; of others, their own."""
    try:
        report = refresh(COPIES)
    except OSError as error:
        say(
            f"Copies of the lessons cannot be written into {COPIES} ({error.strerror or error}): "
            "where there is none, the lesson itself is opened, with its answers."
        )
    else:
        if str(report):
            say(str(report))
    copy = COPIES / notebook.name
    if notebook.parent == NOTEBOOKS and copy.is_file():
        return f"{COPIES.name}/{copy.name}"
    return notebook.relative_to(ROOT).as_posix()


def refresh(folder: Path) -> learner_copy.Report:
    """Bring the copies in this folder up to date, one start at a time."""
    try:
        with locked():
            return learner_copy.refresh(NOTEBOOKS, folder)
    except ValueError as error:
        raise TroubleError(f"{error}.") from None


def check_port(port: int) -> None:
    """Raise TroubleError when no server could listen on that port of this machine."""
    with socket.socket() as probe:
        if os.name != "nt":  # there it would allow a second server on the same port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise TroubleError(
                f"Port {port} cannot be used ({getattr(error, 'strerror', None) or error}): "
                "name another with --port, or name none and JupyterLab looks for one."
            ) from None


def prepare(extras: list[str]) -> None:
    """Have the project with these extras in .venv; one that start.py did not make is used, never changed."""
    with locked():
        recover()
        stamp = read_stamp(VENV)
        empty = VENV.is_dir() and not VENV.is_symlink() and not any(VENV.iterdir())
        if stamp or empty or not os.path.lexists(VENV):
            update(stamp, extras)
        else:
            check_foreign(extras)


def check_foreign(extras: list[str]) -> None:
    """Raise TroubleError unless the lessons run in the .venv that is there."""
    lacking = trouble(extras)
    if lacking:
        raise TroubleError(
            f"{VENV} was not made by start.py and {lacking}, so it stays as it is: rename it and start "
            f'again, or install into it yourself: "{PYTHON}" -m pip install --editable "{project(extras)}"'
        )
    say(f"Using {VENV} as it is: start.py did not make it, and installs nothing into it.")


def update(stamp: list[str], extras: list[str]) -> None:
    """Make .venv, or bring it up to date, unless its stamp says that it is; else keep what works."""
    home = [f"Python {sys.version_info[0]}.{sys.version_info[1]}", str(ROOT)]
    needs = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    works = set(extras) <= set(stamp[4:]) and not trouble(extras)
    if works and stamp[1:4] == [*home, needs]:
        return
    if not os.access(ROOT, os.W_OK):
        if works and stamp[3] == needs:  # in somebody else's checkout, their Python will do
            return
        raise TroubleError(READ_ONLY)
    in_place = stamp[1:3] == home and PYTHON.exists()
    if in_place:
        extras = sorted({*extras, *stamp[4:]})
    elif works:
        VENV.rename(BEFORE)
    elif stamp:
        remove(VENV)
    for name in ("SIGTERM", "SIGHUP"):  # so that the clearing up below takes place
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:
            signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    try:
        install(extras)
        write_stamp(*home, needs, *extras)
    except BaseException as error:
        if in_place and isinstance(error, TroubleError) and error.harmless:
            write_stamp(*stamp[1:])
        else:
            remove(VENV)
            recover()
        if not works or not isinstance(error, TroubleError) or not read_stamp(VENV):
            raise
        say(f"{error} Until then, this is what was installed before.")
    else:
        remove(BEFORE)


def read_stamp(venv: Path) -> list[str]:
    """Return the stamp's lines, which prove that start.py made this folder; nothing if it did not."""
    try:
        lines = [] if venv.is_symlink() else (venv / STAMP).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    return lines if lines[:1] == [MADE] else []


def write_stamp(*lines: str) -> None:
    """Say what is in .venv, in one step."""
    new = VENV / f"{STAMP}.new"
    new.write_text("\n".join([MADE, *lines]), encoding="utf-8")
    new.replace(VENV / STAMP)


def recover() -> None:
    """Bring back the .venv that worked before an installation that did not come to its end."""
    if read_stamp(BEFORE) and os.access(ROOT, os.W_OK):
        if read_stamp(VENV)[1:] == [UNFINISHED]:
            remove(VENV)
        if os.path.lexists(VENV):
            remove(BEFORE)
        else:
            BEFORE.rename(VENV)


def remove(venv: Path) -> None:
    """Remove a folder whose stamp says that start.py made it; the stamp goes last."""
    if not read_stamp(venv):
        return
    if venv == VENV:
        write_stamp(UNFINISHED)
    for entry in venv.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != STAMP:
            entry.unlink()
    (venv / STAMP).unlink()
    venv.rmdir()


def trouble(extras: list[str]) -> str:
    """Return what keeps the lessons from running in .venv, or nothing."""
    if not VENV.is_dir():
        return "is not a folder"
    try:
        said = subprocess.run(
            [PYTHON, "-c", PROBE, *distributions(extras)],
            cwd=ROOT,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "has no Python that starts"
    last = (said.stderr.splitlines() or [""])[-1]
    if said.returncode and not last.startswith(("is of ", "lacks ")):
        return "has no Python that starts"
    return last if said.returncode else ""


def distributions(extras: list[str]) -> list[str]:
    """Return the names of the project and of what it needs everywhere, as pyproject.toml says."""
    try:
        described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        lines = [*described.get("dependencies", [])]
        for extra in extras:
            lines += described["optional-dependencies"][extra]
        return [described["name"], *(re.split(r"[^\w.-]", line)[0] for line in lines if ";" not in line)]
    except (ValueError, LookupError) as error:
        raise TroubleError(f"pyproject.toml cannot be read ({error}): restore it from git.") from None


def project(extras: list[str]) -> str:
    """Return how an installer is asked for the project."""
    return f".[{','.join(extras)}]" if extras else "."


def install(extras: list[str]) -> None:
    """Install the project, editable, into .venv, which is made first when there is none."""
    uv = find_uv()
    if not uv and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        raise TroubleError(
            "This Python cannot make a virtual environment: install what is missing "
            f"(Debian, Ubuntu: sudo apt install python3.{sys.version_info[1]}-venv), then start again."
        )
    say(f"Installing into {VENV} with {'uv' if uv else 'pip'}: once, a minute or two ...")
    VENV.mkdir(exist_ok=True)
    write_stamp(UNFINISHED)
    if not PYTHON.exists():
        venv = (
            [uv, "venv", "--allow-existing", "--python", BASE_PYTHON] if uv else [BASE_PYTHON, "-m", "venv"]
        )
        tool(*venv, str(VENV))
    if uv:
        tool(uv, "pip", "install", "--python", str(PYTHON), "--editable", project(extras))
    else:
        tool(str(PYTHON), "-m", "ensurepip")  # a .venv made by uv has no pip
        tool(str(PYTHON), "-m", "pip", "install", "--no-input", "--editable", project(extras))
    make_import_path_relative()


def find_uv() -> str:
    """Return the path of a uv that works (a version manager's shim may not), or nothing."""
    uv = shutil.which("uv") or ""
    with suppress(OSError, subprocess.TimeoutExpired):
        return (
            uv
            if uv and not subprocess.run([uv, "--version"], capture_output=True, timeout=60).returncode
            else ""
        )
    return ""


def tool(*command: str) -> None:
    """Run one step of the installation, saying how it goes on; TroubleError with the cure when it fails."""
    settings = {"UV_PYTHON_DOWNLOADS": "never", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    settings["PIP_RETRIES"] = os.environ.get("PIP_RETRIES", "2")  # without a network, say so soon
    with tempfile.TemporaryDirectory(prefix="start-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "log.txt")  # a file, not a pipe: whoever else holds it cannot keep us waiting
        with log.open("wb") as out:
            step = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its own children can be ended with it
                pass_fds=[] if os.name == "nt" else HELD,  # if we are killed, the lock is kept until it ends
            )
        try:
            follow(step, log)
        finally:
            end(step)
        said = log.read_text(encoding="utf-8", errors="replace").strip()
    if step.returncode:
        sentence = cure(said, "the command that failed: " + " ".join(command))
        raise TroubleError(sentence, harmless=sentence not in (FULL, READ_ONLY))


def follow(step: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for the step, printing now and then what it said last; TroubleError at the limit."""
    given = os.environ.get("START_LIMIT", "")
    limit = int(given) if given.isdigit() else STEP_LIMIT
    began = news = time.monotonic()
    while True:
        with suppress(subprocess.TimeoutExpired):
            step.wait(0.1)
            return
        now = time.monotonic()
        last = (log.read_text(encoding="utf-8", errors="replace").strip() or "...").splitlines()[-1][:100]
        if now > began + limit:
            raise TroubleError(
                f"The installation was stopped after {limit} s (at: {last}): start again where the network "
                f"is faster, or allow it more time with the variable START_LIMIT={3 * limit}."
            )
        if now > news + NEWS_EVERY:
            news = now
            say(f"  {now - began:3.0f} s  {last}")


def end(step: "subprocess.Popen[bytes]") -> None:
    """End the step with its children, if it is still running: first as Ctrl-C does, so that it tidies up."""
    if step.poll() is not None:
        return
    if sys.platform == "win32":
        step.kill()
        return
    deadline = time.monotonic() + 5
    try:
        signal_group(step, signal.SIGINT)
        while time.monotonic() < deadline and not has_ended(step.pid):
            time.sleep(0.05)
    finally:  # after a second, impatient Ctrl-C as well
        signal_group(step, signal.SIGKILL)  # who did not hear, or takes no notice
        step.wait()


def signal_group(step: "subprocess.Popen[bytes]", number: int) -> None:
    """Send the signal to the step and its children; it was not waited for, so the number is this group's."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: all that are left have ended
        os.killpg(step.pid, number)


def has_ended(pid: int) -> bool:
    """Tell whether that child of ours has ended, without waiting for it; False where that cannot be asked."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return False
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


HELD: list[int] = []  # the lock, while it is held


@contextmanager
def locked() -> Iterator[None]:
    """Let one start at a time install and copy; the system gives the lock back when its owner is gone."""
    if not os.access(ROOT, os.W_OK):
        yield  # nothing can be written here
        return
    with LOCK.open("ab") as file:
        deadline = 0.0
        while not try_lock(file.fileno()):
            if not deadline:
                say("Another start is installing here: waiting for it ...")
                deadline = time.monotonic() + WAIT_LIMIT
            elif time.monotonic() > deadline:
                raise TroubleError(f"Another start has been at work for {WAIT_LIMIT} s: end it, start again.")
            time.sleep(0.2)
        HELD.append(file.fileno())
        try:
            yield
        finally:
            HELD.clear()


def try_lock(number: int) -> bool:
    """Return False when somebody else has the lock; a file system without locks gives it to everybody."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def cure(said: str, more: str = "") -> str:
    """Return the sentence for what was said: its last error, when nothing better is known."""
    for pattern, sentence in CURES.items():
        if re.search(pattern, said, re.IGNORECASE):
            return sentence
    lines = said.splitlines() or ["no reason was given"]
    errors = [line for line in lines if re.match(r"\s*error: (?!subprocess)", line, re.IGNORECASE)]
    last = (errors or lines)[-1].strip()  # pip ends with notes about itself
    return f"The installation failed ({last}){'; ' + more if more else ''}."


def make_import_path_relative() -> None:
    """Make the path to src in .venv relative, and so ASCII.

    Up to 3.12, Python does not start where a .pth file has Korean letters and the locale is not UTF-8.
    """
    source = ROOT / "src"
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    for file in site.glob("*multiprocessing_notebooks*.pth"):
        lines = file.read_text(encoding="utf-8")
        file.write_text(lines.replace(str(source), os.path.relpath(source, site)), encoding="utf-8")


def surroundings() -> "dict[str, str]":
    """Return the variables for what runs in .venv: its own kernel first, nothing that breaks lessons."""
    variables = {**os.environ}
    for name, first in (
        ("PATH", BIN),
        ("JUPYTER_PATH", VENV / "share" / "jupyter"),
        ("JUPYTER_CONFIG_PATH", DEFAULTS),
    ):
        after = variables.get(name, os.defpath if name == "PATH" else "")
        variables[name] = f"{first}{os.pathsep}{after}" if after else str(first)
    variables |= {"VIRTUAL_ENV": str(VENV), "JUPYTER_PREFER_ENV_PATH": "1"}
    for name in harmful():
        del variables[name]
    if "PYTHONPATH" in variables:
        folders = variables["PYTHONPATH"].split(os.pathsep)
        variables["PYTHONPATH"] = os.pathsep.join(folder for folder in folders if not foreign_helpers(folder))
    return variables


def harmful() -> "dict[str, str]":
    """Return the variables that are set and break or slow the lessons, and why each is left out."""
    level = os.environ.get("PYTHONOPTIMIZE", "")
    found = {}
    if level.isdigit() and int(level) > 1:
        found["PYTHONOPTIMIZE"] = "JupyterLab cannot start without docstrings"
    if os.environ.get("PYTHONINSPECT"):
        found["PYTHONINSPECT"] = "children would not end"
    if os.environ.get("PYTHONHOME"):
        found["PYTHONHOME"] = "it names another Python than .venv's"
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        found["PYTHONDONTWRITEBYTECODE"] = "every child would compile what it imports"
    return found


def foreign_helpers(folder: str) -> bool:
    """Tell whether this folder of PYTHONPATH has a `helpers` that would come before the lessons' own."""
    place = Path(folder or ".").resolve()
    return place != ROOT / "src" and any((place / name).exists() for name in ("helpers", "helpers.py"))


def run(command: list[str], ending: signal.Signals) -> int:
    """Return the exit code of the command, run in .venv; a SIGTERM to us ends it with that signal."""
    for name, reason in harmful().items():
        say(f"{name}={os.environ[name]} is left out: {reason}.")
    for folder in filter(foreign_helpers, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        say(f"{folder} in PYTHONPATH is left out: it has other helpers than the lessons'.")
    child = subprocess.Popen(command, cwd=ROOT, env=surroundings())

    def pass_on(number: int, frame: "FrameType | None") -> None:
        child.send_signal(ending)

    signal.signal(signal.SIGTERM, pass_on)
    while True:
        with suppress(KeyboardInterrupt):  # the terminal told the child, too: it decides when to end
            code = child.wait()
            return code if code >= 0 else 128 - code


def say(sentence: str) -> None:
    """Print the sentence on stderr, which takes any letter under any locale."""
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
