"""Run tests where readers' machines differ from this one, and print a table: surrounding, result.

    python -m tests.surroundings                               the quick tests in each surrounding
    python -m tests.surroundings sigint tmpdir-long -- tests/test_start.py
    python -m tests.surroundings --list                        what there is

What follows `--` goes to pytest, instead of `--quick`. The exit code is 1 when a surrounding fails.
`docs/support.md` says what was run last.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.gate.leaks import UNWATCHED

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 1800.0  # seconds for one surrounding
INSTALL_LIMIT = 600.0


class NotHere(Exception):  # noqa: N818 - it reads as what it says
    """This surrounding cannot be made on this machine; the message says why."""


@dataclass
class Place:
    """Where and how pytest runs: the checkout, its Python, what is said before it, and added variables."""

    checkout: Path = ROOT
    python: str = sys.executable
    before: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)


Surrounding = Callable[[Path], AbstractContextManager[Place]]
SURROUNDINGS: dict[str, tuple[str, Surrounding]] = {}


def surrounding(name: str, what: str) -> Callable[[Callable[[Path], Iterator[Place]]], None]:
    """Register a generator that yields a Place, given a new folder."""

    def register(make: Callable[[Path], Iterator[Place]]) -> None:
        SURROUNDINGS[name] = (what, contextlib.contextmanager(make))

    return register


def copied(target: Path, git: bool = True) -> Path:
    """Copy the checkout without what is made in it, such as .venv, and return where it is."""
    without = shutil.ignore_patterns(*(UNWATCHED - ({".git"} if git else set())), "*.egg-info")
    shutil.copytree(ROOT, target, symlinks=True, ignore=without)
    return target


def shell(command: str) -> tuple[str, ...]:
    """Return the words that run a line of shell before the program that follows them."""
    return ("sh", "-c", f'{command}; exec "$@"', "sh")


@surrounding("plain", "as it is")
def _(folder: Path) -> Iterator[Place]:
    yield Place()


@surrounding("sigint", "SIGINT ignored, as a shell's `&` has it")
def _(folder: Path) -> Iterator[Place]:
    yield Place(before=shell("trap '' INT"))


@surrounding("tmpdir-long", "TMPDIR of 93 characters")
def _(folder: Path) -> Iterator[Place]:
    long = Path(f"{folder / 'long'}".ljust(93, "g"))
    long.mkdir()
    yield Place(variables={"TMPDIR": str(long)})


@surrounding("tmpdir-korean", "TMPDIR with spaces and Korean letters")
def _(folder: Path) -> Iterator[Place]:
    korean = folder / "임시 폴더 temp"
    korean.mkdir()
    yield Place(variables={"TMPDIR": str(korean)})


@surrounding("few-files", "ulimit -n 256")
def _(folder: Path) -> Iterator[Place]:
    yield Place(before=shell("ulimit -n 256"))


@surrounding("optimize", "PYTHONOPTIMIZE=1")
def _(folder: Path) -> Iterator[Place]:
    yield Place(variables={"PYTHONOPTIMIZE": "1"})


@surrounding("warnings", "PYTHONWARNINGS=error")
def _(folder: Path) -> Iterator[Place]:
    yield Place(variables={"PYTHONWARNINGS": "error"})


@surrounding("symlink", "a checkout behind a symbolic link")
def _(folder: Path) -> Iterator[Place]:
    link = folder / "link"
    link.symlink_to(ROOT, target_is_directory=True)
    yield Place(link)


@surrounding("odd-path", "a checkout in `it's [100%] #1`")
def _(folder: Path) -> Iterator[Place]:
    checkout = copied(folder / "it's [100%] #1")
    yield Place(checkout, variables={"PYTHONPATH": str(checkout / "src")})


@surrounding("no-git", "a checkout without .git")
def _(folder: Path) -> Iterator[Place]:
    checkout = copied(folder / "download", git=False)
    yield Place(checkout, variables={"PYTHONPATH": str(checkout / "src")})


def install(python: str, project: Sequence[str], venv: Path) -> str:
    """Return the Python of a new virtual environment with the project in it."""
    made = str(venv / "bin" / "python")
    pip = [made, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for step in ([python, "-m", "venv", str(venv)], [*pip, *project]):
        done = subprocess.run(step, capture_output=True, text=True, timeout=INSTALL_LIMIT)
        if done.returncode:
            raise NotHere(f"the project cannot be installed: {(done.stdout + done.stderr).strip()[-300:]}")
    return made


@surrounding("installed", "the package installed, not editable")
def _(folder: Path) -> Iterator[Place]:
    checkout = copied(folder / "checkout")
    python = install(sys.executable, [f"{checkout}[test]"], folder / "venv")
    shutil.rmtree(checkout / "build", ignore_errors=True)
    yield Place(checkout, python)


@surrounding("other-user", "another user, who owns a copy of the checkout")
def _(folder: Path) -> Iterator[Place]:
    if os.geteuid() != 0:
        raise NotHere("only root can become another user")
    user = pwd.getpwnam("nobody")
    become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    folder.chmod(0o755)
    checkout, home = copied(folder / "checkout", git=False), folder / "home"
    home.mkdir()
    python = sys.executable
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    if subprocess.run([*become, python, "-c", again], capture_output=True).returncode:  # root's own Python
        python = install("/usr/bin/python3", ["--editable", f"{checkout}[test]"], folder / "venv")
    for path in (checkout, home, *checkout.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    variables = {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(checkout / "src")}
    yield Place(checkout, python, become, variables)


def run(name: str, arguments: Sequence[str]) -> tuple[bool | None, str]:
    """Return whether the tests pass there (None: they cannot be run there), and pytest's last words."""
    # Not in TMPDIR's own place: that has a length of its own, which some surroundings are about.
    with tempfile.TemporaryDirectory(prefix="at-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            with SURROUNDINGS[name][1](Path(folder)) as place:
                words = ["-m", "pytest", "-p", "no:cacheprovider", "-q", "--color=no", "-rfE", *arguments]
                done = subprocess.run(
                    [*place.before, place.python, *words],
                    cwd=place.checkout, env=os.environ | {"PWD": str(place.checkout)} | place.variables,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                    encoding="utf-8", errors="replace", timeout=LIMIT,
                )  # fmt: skip
        except NotHere as reason:
            return None, str(reason)
    said = done.stdout.strip().splitlines() or [f"exit code {done.returncode}, without a word"]
    if done.returncode:
        failed = [line for line in said if line.startswith(("FAILED", "ERROR"))] or said[-15:-1]
        return False, "\n".join([said[-1], *failed])
    return True, said[-1]


def main(arguments: Sequence[str]) -> int:
    """Run the tests in each surrounding, print the table, and return 1 when one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *SURROUNDINGS], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print what there is")
    split = arguments.index("--") if "--" in arguments else len(arguments)
    chosen = parser.parse_args(arguments[:split])
    if chosen.list:
        print(*(f"{name:14} {what}" for name, (what, _) in SURROUNDINGS.items()), sep="\n")
        return 0
    results = []
    for name in chosen.names or SURROUNDINGS:
        began = time.monotonic()
        passed, said = run(name, arguments[split + 1 :] or ["--quick"])
        results.append(passed)
        word = {True: "passes", False: "FAILS", None: "not run"}[passed]
        first, _, rest = said.partition("\n")
        print(f"{name:14} {word:8} {time.monotonic() - began:5.0f} s  {SURROUNDINGS[name][0]}: {first}")
        print(*(f"    {line}" for line in rest.splitlines()), sep="\n", end="\n" * bool(rest), flush=True)
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
