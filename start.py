"""The door: makes .venv here, installs what the notebooks need, opens JupyterLab.

    python3 start.py                                    JupyterLab on notebooks/00_start_here.ipynb
    python3 start.py notebooks/03_spawning.ipynb        ... on another notebook
    python3 start.py --no-browser --port 9999           ... with any option of JupyterLab
    python3 start.py test                               all tests
    python3 start.py test -k family -x                  ... with any option of pytest

The first start takes a minute or two and needs the network, the next ones do not.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - first of all, for Pythons that can read this far
    sys.exit(
        f"These notebooks need Python 3.11 or newer, and this is Python {sys.version.split()[0]} "
        f"({sys.executable}): run start.py with a newer one, for example: python3.13 start.py"
    )

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
from contextlib import suppress
from pathlib import Path
from types import FrameType
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "start.txt"  # what was installed; says `unfinished` while that is going on
UNFINISHED = "unfinished"
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable  # .venv's own cannot remake .venv

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
NO_NETWORK = list(CURES.values())[-1]


class TroubleError(Exception):
    """One sentence that says what is wrong and what to do."""


def main(arguments: list[str]) -> int:
    """Return the exit code of JupyterLab or pytest, or, after one sentence on stderr, 1 (130 for Ctrl-C)."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    testing = arguments[:1] == ["test"]
    try:
        command = tests(arguments[1:]) if testing else lab(arguments)
        prepare(["test"] if testing else [])
        return run(command, signal.SIGINT if testing and os.name != "nt" else signal.SIGTERM)
    except TroubleError as trouble:
        say(str(trouble))
    except OSError as error:
        say(cure(str(error)))
    except KeyboardInterrupt:
        say("Interrupted: start again, and the installation begins anew.")
        return 130
    return 1


def tests(arguments: list[str]) -> list[str]:
    """Return the command that runs pytest with these arguments."""
    return [str(PYTHON), "-m", "pytest", *arguments]


def lab(arguments: list[str]) -> list[str]:
    """Return the command that opens JupyterLab; address, token and rights stay as it sets them."""
    named = [argument for argument in arguments if re.fullmatch(r"[^-].*\.ipynb", argument)]
    notebook = find_notebook(named[-1]) if named else FIRST_NOTEBOOK
    command = [str(PYTHON), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    command.append(f"--LabApp.default_url=/lab/tree/{quote(notebook)}")
    port = re.search(r"(?:^|\n)--(?:port|ServerApp\.port)[=\n](\d+)(?:\n|$)", "\n".join(arguments))
    if port:
        check_port(int(port[1]))
        command.append("--ServerApp.port_retries=0")  # this port or none: its user waits for it there
    return command + [argument for argument in arguments if argument not in named]


def find_notebook(name: str) -> str:
    """Return the notebook's path from the project's folder, with forward slashes."""
    for folder in (Path.cwd(), ROOT):
        path = (folder / name).resolve()
        if path.is_file() and ROOT in path.parents:
            return path.relative_to(ROOT).as_posix()
    raise TroubleError(f"There is no notebook {name} in {ROOT}: name one, such as {FIRST_NOTEBOOK}.")


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
    """Have the project with these extras in .venv; do nothing when its stamp says that it is there."""
    stamp = STAMP.read_text(encoding="utf-8") if STAMP.is_file() else ""
    made = stamp.splitlines()
    home = [f"Python {sys.version_info[0]}.{sys.version_info[1]}", str(ROOT)]
    needs = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    writable = os.access(ROOT, os.W_OK)  # in somebody else's checkout, their Python will do
    installed = made[2:3] == [needs] and set(extras) <= set(made[3:])
    if installed and PYTHON.exists() and (made[:2] == home or not writable):
        return
    if not writable:
        raise TroubleError(cure("read-only file system"))
    if made[:2] == home and PYTHON.exists():
        extras = sorted({*extras, *made[3:]})
    elif stamp or not same_python():
        remove_venv()
        stamp = ""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the clearing up below takes place
    try:
        install(extras)
        STAMP.write_text("\n".join([*home, needs, *extras]), encoding="utf-8")
    except BaseException as error:
        if stamp and str(error) == NO_NETWORK:  # nothing was changed: what was there is still good
            STAMP.write_text(stamp, encoding="utf-8")
        else:
            remove_venv()
        raise


def same_python() -> bool:
    """Tell whether there is a working .venv, made by another tool, of the version that runs now."""
    probe = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", probe], capture_output=True).returncode == 0


def install(extras: list[str]) -> None:
    """Install the project, editable, into .venv, which is made first when there is none."""
    project = f".[{','.join(extras)}]" if extras else "."
    uv = find_uv()
    if not uv and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        raise TroubleError(
            "This Python cannot make a virtual environment: install what is missing "
            f"(Debian, Ubuntu: sudo apt install python3.{sys.version_info[1]}-venv), then start again."
        )
    say(f"Installing into {VENV} with {'uv' if uv else 'pip'}: once, a minute or two ...")
    if not PYTHON.exists():
        venv = [uv, "venv", "--python", BASE_PYTHON] if uv else [BASE_PYTHON, "-m", "venv"]
        tool(*venv, str(VENV))
    STAMP.write_text(UNFINISHED, encoding="utf-8")
    if uv:
        tool(uv, "pip", "install", "--python", str(PYTHON), "--editable", project)
    else:
        tool(str(PYTHON), "-m", "ensurepip")  # a .venv made by uv has no pip
        tool(str(PYTHON), "-m", "pip", "install", "--no-input", "--editable", project)
    make_import_path_relative()


def find_uv() -> str:
    """Return the path of a uv that works (a version manager's shim may not), or nothing."""
    uv = shutil.which("uv") or ""
    return uv if uv and subprocess.run([uv, "--version"], capture_output=True).returncode == 0 else ""


def tool(*command: str) -> None:
    """Run one step of the installation in silence; a TroubleError with the cure when it fails."""
    settings = {"UV_PYTHON_DOWNLOADS": "never", "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    settings["PIP_RETRIES"] = os.environ.get("PIP_RETRIES", "2")  # without a network, say so soon
    step = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if step.returncode:
        raise TroubleError(cure(step.stdout.strip(), "the command that failed: " + " ".join(command)))


def cure(said: str, more: str = "") -> str:
    """Return the sentence for what was said: its last line, when nothing better is known."""
    for pattern, sentence in CURES.items():
        if re.search(pattern, said, re.IGNORECASE):
            return sentence
    last = (said.splitlines() or ["no reason was given"])[-1].strip()
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


def remove_venv() -> None:
    """Remove .venv, whatever it is."""
    if VENV.is_dir() and not VENV.is_symlink():
        shutil.rmtree(VENV)
    else:
        VENV.unlink(missing_ok=True)


def run(command: list[str], ending: signal.Signals) -> int:
    """Return the exit code of the command, run in .venv; a SIGTERM to us ends it with that signal."""
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    # JupyterLab must find .venv's kernel before one in the user's home.
    settings = {"PATH": path, "VIRTUAL_ENV": str(VENV), "JUPYTER_PREFER_ENV_PATH": "1"}
    child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})

    def pass_on(number: int, frame: FrameType | None) -> None:
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
