"""Check the machine, the kernel and the packages, and say what to do about each thing that is not right."""

import errno
import importlib.util
import math
import multiprocessing
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.workers.numbers import square
from helpers.workers.talk import send_answer

_DISTRIBUTION = "multiprocessing-notebooks"
_MODULES = {"ipython": "IPython", "pillow": "PIL"}  # what is imported, where it is called otherwise
_AGAIN = "run `python3 start.py` again (on Windows `py start.py`), then restart the kernel"
_HOME = Path(__file__).resolve().parents[2]
_LOCKS = 8  # a pool makes six, each with a page of shared memory of its own
_HELD_UP = "security software may hold new processes up; restart the kernel and ask again"
# What keeps a process from starting, by the words of the error, and what to do about it.
_CURES = {
    "AF_UNIX path too long": "the temporary folder's path is too long for the name of a socket: set TMPDIR "
    "to a short one, such as /tmp, before you start Jupyter",
    f"[Errno {errno.EAGAIN}]": "you may have no more processes: end some, or raise the limit (ulimit -u)",
    f"[Errno {errno.EMFILE}]": "too many files are open: restart the kernel, or raise the limit (ulimit -n)",
    f"[Errno {errno.ENOMEM}]": "memory is used up: end other programs or kernels, then ask again",
    f"[Errno {errno.ENOSPC}]": "no space is left for temporary files or in /dev/shm: free some",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: whether it is right, what was found, and what to do when it is not."""

    ok: bool
    fact: str
    cure: str = ""

    def __str__(self) -> str:
        """Return one line, `✓ fact` or `✗ fact: what to do`."""
        return f"✓ {self.fact}" if self.ok else f"✗ {self.fact}: {self.cure}"


@dataclass(frozen=True)
class Report:
    """What `doctor()` found, one line a finding; `ok` is True when nothing stands in the way."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every finding is right."""
        return all(one.ok for one in self.findings)

    def __repr__(self) -> str:
        """Return the findings and a last line that sums them up."""
        wrong = sum(not one.ok for one in self.findings)
        last = "Everything is ready." if self.ok else f"{wrong} of {len(self.findings)} need your attention."
        return "\n".join([*map(str, self.findings), last])


def doctor(limit: float = 20.0) -> Report:
    """Return whether this machine can run the course, having started a child under each start method.

    Each child gets at most `limit` seconds to answer; none is left behind.
    """
    if sys.platform == "emscripten":
        cure = "download the notebooks and run `python3 start.py` on your own machine, or open them on Binder"
        return Report((Finding(False, "this Python runs inside a browser and cannot start processes", cure),))
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _cores,
        _packages,
        _kernel,
        _writing,
        _semaphores,
    )
    findings = [finding for check in checks for finding in check()]
    return Report((*findings, *_start_methods(limit)))


def usable_cpus() -> tuple[int, str]:
    """Return how many cores this process gets, at least 1, and in words what sets that number."""
    machine = os.cpu_count() or 1
    found = {"the machine": float(machine)}
    if hasattr(os, "sched_getaffinity"):
        found["the cores this process may use"] = float(len(os.sched_getaffinity(0)))
    elif hasattr(os, "process_cpu_count"):
        found["the cores this process may use"] = float(os.process_cpu_count() or machine)
    quota = _quota()
    if quota:
        found["the container's share of CPU time"] = quota
    why = min(found, key=lambda name: found[name])
    return max(1, math.floor(found[why])), why


def _quota() -> float | None:
    """Return how many cores' worth of time the control group allows, None where nothing limits it."""
    second = Path("/sys/fs/cgroup/cpu.max")
    first = Path("/sys/fs/cgroup/cpu")
    try:
        if second.exists():
            share, period = second.read_text().split()
        else:
            share, period = ((first / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(share) / float(period) if float(share) > 0 else None
    except (OSError, ValueError):  # not Linux, not in a group, or "max"
        return None


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    free = not getattr(sys, "_is_gil_enabled", lambda: True)()
    fact = f"Python {version}" + (", free-threaded: threads may compute at once, too" if free else "")
    if sys.flags.optimize:  # multiprocessing refuses children of daemonic processes by an assertion
        fact += ", which leaves assertions out (PYTHONOPTIMIZE), and some of multiprocessing's refusals too"
    yield Finding(
        sys.version_info >= (3, 11), fact, "the course needs Python 3.11 or newer; install it and " + _AGAIN
    )


def _cores() -> Iterator[Finding]:
    cores, why = usable_cpus()
    plural = "s" * (cores > 1)
    alone = "; with one, processes take turns, and everything still works" if cores == 1 else ""
    yield Finding(True, f"{cores} usable core{plural} of {os.cpu_count()} (set by {why}){alone}")


def _packages() -> Iterator[Finding]:
    from importlib import import_module, metadata

    try:
        from packaging.requirements import Requirement

        needs = list(map(Requirement, metadata.requires(_DISTRIBUTION) or ()))
    except ImportError as error:  # metadata.PackageNotFoundError is one
        fact = f"the course is not installed in this Python ({error})"
        yield Finding(False, fact, _install(str(_HOME), "-e "))
        return
    fine = []
    for need in needs:
        if need.marker and not need.marker.evaluate({"extra": "notebooks"}):
            continue
        try:
            import_module(_MODULES.get(need.name, need.name.replace("-", "_")))
            version = metadata.version(need.name)
        except Exception as error:  # whatever a broken package raises, the learner needs the sentence
            fact = f"{need.name} cannot be imported ({type(error).__name__}: {error})"
            yield Finding(False, fact, _install(f"{need.name}{need.specifier}"))
            continue
        if need.specifier.contains(version, prereleases=True):
            fine.append(f"{need.name} {version}")
        else:
            fact = f"{need.name} is {version}, the course needs {need.specifier}"
            yield Finding(False, fact, _install(f"{need.name}{need.specifier}"))
    yield Finding(bool(fine), "packages: " + (", ".join(fine) or "none"), _install(str(_HOME), "-e "))


def _install(what: str, option: str = "") -> str:
    """Return the command that installs a requirement into this very Python, whoever made it."""
    with_pip = f'"{sys.executable}" -m pip install {option}"{what}"'
    commands = [with_pip]
    if importlib.util.find_spec("pip") is None:
        uv = shutil.which("uv")
        by_uv = f'"{uv}" pip install --python "{sys.executable}" {option}"{what}"'
        commands = [by_uv] if uv else [f'"{sys.executable}" -m ensurepip', with_pip]
    typed = ", then ".join(f"`{command}`" for command in commands)
    return f"type {typed} in a terminal, then restart the kernel"


def _kernel() -> Iterator[Finding]:
    mine = _HOME / ".venv"
    other = (mine / "pyvenv.cfg").exists() and Path(sys.prefix).resolve() != mine.resolve()
    note = f" (not the course's own in {mine}, which is fine while the packages are)" if other else ""
    there = bool(sys.executable) and Path(sys.executable).exists()
    fact = f"this kernel's Python: {sys.executable or 'unknown'}{note}"
    yield Finding(there, fact, "it is not there any more, so children cannot start; " + _AGAIN)


def _writing() -> Iterator[Finding]:
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"ok")
            file.flush()
        yield Finding(True, f"temporary files can be written in {tempfile.gettempdir()}")
    except OSError as error:
        cure = "free some space there, or set TMPDIR (on Windows TEMP) to a folder that you may write to"
        yield Finding(False, f"no temporary file can be written ({error})", cure)
    here = Path.cwd()
    note = (
        "" if os.access(here, os.W_OK) else ", read-only: you can run everything, and save a copy elsewhere"
    )
    yield Finding(True, f"this folder: {here}{note}")


def _semaphores() -> Iterator[Finding]:
    made = []
    try:
        for _ in range(_LOCKS):
            made.append(multiprocessing.Lock())
        yield Finding(True, "the locks of a pool can be made")
    except (ImportError, OSError) as error:
        cure = (
            "on Linux /dev/shm has to be there, writable and not full (`df /dev/shm`; Docker: start it with "
            "--shm-size 256m)"
        )
        fact = f"no pool can be made: of its {_LOCKS} locks between processes {len(made)} worked ({error})"
        yield Finding(False, fact, cure)


def _start_methods(limit: float) -> Iterator[Finding]:
    default = multiprocessing.get_context().get_start_method()
    for method in multiprocessing.get_all_start_methods():
        named = method + (", the default here" if method == default else "")
        with _last_words() as words:
            trouble = _trouble(method, limit, words)
        cure = next((cure for sign, cure in _CURES.items() if sign in trouble), _HELD_UP)
        if "without an answer" in trouble:
            cure = "mend what it complains of (Jupyter's own terminal may say more), restart the kernel"
        yield Finding(not trouble, f"start method {named}: {trouble or 'a child answered'}", cure)


@contextmanager
def _last_words() -> Iterator[Callable[[], str]]:
    """Yield a function that returns what children have written to standard error meanwhile."""
    try:
        file, usual = tempfile.TemporaryFile(), os.dup(2)  # noqa: SIM115 - closed below
    except OSError:  # no place to write, or no standard error
        yield lambda: ""
        return

    def words() -> str:
        file.seek(0)
        return file.read().decode("utf-8", "replace")

    os.dup2(file.fileno(), 2)
    try:
        yield words
    finally:
        os.dup2(usual, 2)
        os.close(usual)
        file.close()


def _trouble(method: str, limit: float, words: Callable[[], str]) -> str:
    """Return what went wrong with a child under this start method, nothing if it answered."""
    context = multiprocessing.get_context(method)
    try:
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=send_answer, args=(there, square, 7), name=f"doctor's {method} child")  # type: ignore[attr-defined]
        with warnings.catch_warnings():
            # From 3.12 Python warns about fork beside threads; a kernel has threads, this child a limit.
            warnings.simplefilter("ignore", DeprecationWarning)
            child.start()
    except Exception as error:  # whatever keeps a process from starting belongs in the report
        return f"no child could be started ({type(error).__name__}: {error})"
    there.close()
    answered = ended = False
    try:
        answered = here.poll(limit) and here.recv() == square(7)
    except (EOFError, OSError):
        ended = True
        child.join(limit)  # it closed its end of the pipe because it ends
    here.close()
    if not answered:
        child.kill()
    child.join(limit)
    if answered and child.exitcode == 0:
        return ""
    if ended:
        said = [line for line in words().splitlines() if line.strip()]
        last = f"; its last words: {said[-1].strip()[:200]}" if said else ", and without a word"
        return f"the child ended without an answer (exit code {child.exitcode}){last}"
    return f"the child did not answer within {limit:g} s"
