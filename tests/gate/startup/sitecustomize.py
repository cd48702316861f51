"""Imported by every Python of a watched family as it starts, because the gate puts this folder on PYTHONPATH.

It chooses multiprocessing's default start method without "setting" it: a notebook may still set one. It
writes down which shared memory and which named semaphores each process makes: a leak has an owner. It makes
an error of parmap's warning that it works without processes: only code that asks for the warning gets it.
It keeps jsonschema from a library that builds 35 grammars as it is imported, 0.8 s of every pytest and every
JupyterLab that a test starts: it checks internationalised addresses, which no schema of Jupyter's asks for.
Nothing is imported before the program itself imports it: a child starts as fast as without the gate.
"""

from __future__ import annotations

import os
import sys

LEFT_OUT = "rfc3987_syntax"  # https://github.com/python-jsonschema/jsonschema/issues/1428
TYPE_CHECKING = False  # not from typing: every child would pay for its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_method = os.environ.get("GATE_START_METHOD")
_records = os.environ.get("GATE_RECORDS")


def _record(sign: str, kind: str, name: str) -> None:
    """Append one line to this process's own file; one that outlives the gate's folder writes nothing."""
    process = sys.modules.get("multiprocessing.process")
    who = process.current_process().name if process else "MainProcess"
    try:
        file = os.open(f"{_records}/{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return
    try:
        os.write(file, f"{sign}\t{kind}\t{name}\t{who}\n".encode())
    finally:
        os.close(file)


def _choose_start_method(context: Any) -> None:
    context._default_context._default_context = context._concrete_contexts[_method]


def _record_semaphores(tracker: Any) -> None:
    """Listen where the tracker hears of every named semaphore that is not unlinked at once."""
    send = tracker.ResourceTracker._send

    def send_and_record(self: Any, command: str, name: str, kind: str) -> None:
        send(self, command, name, kind)
        if kind == "semaphore":
            _record("+" if command == "REGISTER" else "-", kind, name)

    tracker.ResourceTracker._send = send_and_record


def _record_shared_memory(module: Any) -> None:
    """Watch the opening, not the tracker, which never hears of `SharedMemory(track=False)`."""
    posix: Any = getattr(module, "_posixshmem", None)
    if posix is None:  # Windows frees a block with its last handle: nothing can stay behind
        return

    class Recording:
        @staticmethod
        def shm_open(path: str, flags: int, mode: int = 0o777) -> int:
            file: int = posix.shm_open(path, flags, mode=mode)
            if flags & os.O_CREAT:
                _record("+", "shared memory", path)
            return file

        @staticmethod
        def shm_unlink(path: str) -> None:
            posix.shm_unlink(path)
            _record("-", "shared memory", path)

    module._posixshmem = Recording


def _refuse_serial_fallback(_: Any) -> None:
    """Fail where parmap cannot make its pool: it warns, and does the work without processes."""
    import warnings

    warnings.filterwarnings("error", category=UserWarning, module=r"parmap\.")


class _Changing:
    """A finder that finds nothing itself, but leaves one module out, and changes others on import."""

    def __init__(self, changes: dict[str, Callable[[Any], None]]) -> None:
        self.changes = changes

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name == LEFT_OUT:
            raise ModuleNotFoundError(f"the gate leaves {name} out, which is slow to import", name=name)
        change = self.changes.pop(name, None)
        if change is None:
            return None
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None:
            run: Any = spec.loader.exec_module  # type: ignore[union-attr]

            def run_and_change(module: Any) -> None:
                run(module)
                change(module)

            spec.loader.exec_module = run_and_change  # type: ignore[union-attr,method-assign]
        return spec


def _install() -> None:
    changes: dict[str, Callable[[Any], None]] = {"parmap.parmap": _refuse_serial_fallback}
    if _method:
        changes["multiprocessing.context"] = _choose_start_method
    if _records:
        changes["multiprocessing.resource_tracker"] = _record_semaphores
        changes["multiprocessing.shared_memory"] = _record_shared_memory
    for name in [name for name in changes if name in sys.modules]:
        changes.pop(name)(sys.modules[name])
    sys.meta_path.insert(0, _Changing(changes))


def look() -> dict[str, Any]:
    """Return what only the process itself knows: start method, its children's names, threads of pools.

    Nothing is reaped: the children are read off multiprocessing's own set.
    """
    import threading

    process = sys.modules.get("multiprocessing.process")
    context = sys.modules.get("multiprocessing.context")
    ours = ("_handle_", "QueueFeeder", "ExecutorManager", "ThreadPoolExecutor-")
    children = list(process._children) if process else []
    return {
        "start method": context._default_context._default_context._name if context else _method,
        "children": {child._popen.pid: child.name for child in children if child._popen is not None},
        "threads": [t.name for t in threading.enumerate() if any(word in t.name for word in ours)],
    }


_install()
