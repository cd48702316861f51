"""Check the machine, the kernel and the packages, and say what to do about each thing that is not right."""

import math
import multiprocessing
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.workers.numbers import square
from helpers.workers.talk import send_answer

_DISTRIBUTION = "multiprocessing-notebooks"
_MODULES = {"ipython": "IPython", "pillow": "PIL"}  # what is imported, where it is called otherwise
_AGAIN = "run `python3 start.py` again (on Windows `py start.py`), then restart the kernel"


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
        yield Finding(False, f"the course is not installed in this Python ({error})", _AGAIN)
        return
    fine = []
    for need in needs:
        if need.marker and not need.marker.evaluate({"extra": "notebooks"}):
            continue
        try:
            import_module(_MODULES.get(need.name, need.name.replace("-", "_")))
            version = metadata.version(need.name)
        except Exception as error:  # whatever a broken package raises, the learner needs the sentence
            yield Finding(False, f"{need.name} cannot be imported ({type(error).__name__}: {error})", _AGAIN)
            continue
        if need.specifier.contains(version, prereleases=True):
            fine.append(f"{need.name} {version}")
        else:
            yield Finding(False, f"{need.name} is {version}, the course needs {need.specifier}", _AGAIN)
    yield Finding(bool(fine), "packages: " + (", ".join(fine) or "none"), _AGAIN)


def _kernel() -> Iterator[Finding]:
    mine = Path(__file__).resolve().parents[2] / ".venv"
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
    try:
        with multiprocessing.Lock():
            pass
        yield Finding(True, "locks between processes work")
    except (ImportError, OSError) as error:
        cure = "on Linux /dev/shm has to be there and writable (Docker: start it with --shm-size 256m)"
        yield Finding(False, f"no lock between processes can be made ({error})", cure)


def _start_methods(limit: float) -> Iterator[Finding]:
    default = multiprocessing.get_context().get_start_method()
    for method in multiprocessing.get_all_start_methods():
        named = method + (", the default here" if method == default else "")
        trouble = _trouble(method, limit)
        cure = "security software may hold new processes up; restart the kernel and ask again"
        yield Finding(
            not trouble, f"start method {named}" + (f": {trouble}" if trouble else ": a child answered"), cure
        )


def _trouble(method: str, limit: float) -> str:
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
    try:
        answered = here.poll(limit) and here.recv() == square(7)
    except (EOFError, OSError):
        answered = False
    here.close()
    if not answered:
        child.kill()
    child.join(limit)
    exit_code = child.exitcode
    if answered and exit_code == 0:
        return ""
    return f"the child did not answer within {limit:g} s (exit code {exit_code})"
