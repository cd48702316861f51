"""Our temporary folders: each goes with its process, at the latest when the next process makes one.

All that a process makes lies in one folder of its own, `helpers-MACHINE-PID-BIRTH-…`.  Its name tells whether
the owner still lives, so whoever makes such a folder can remove those of processes that were killed.
"""

import itertools
import os
import platform
import shutil
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "helpers-"
KEPT = ("workers-", "sockets-")  # folders that are needed as long as their process lives
SOCKET = 103  # bytes that the path of a socket may have: 107 on Linux, 103 on macOS
_OWN = len(f"/{PREFIX}123456-1234567-1234567890-12345678")
_BELOW = len("/program-123/pymp-12345678/listener-12345678")  # what a program puts below a folder of ours
_roots: dict[tuple[int, str], Path] = {}  # by PID: a forked child has its own
_late: set[Path] = set()
_numbers = itertools.count(1)
_lock = threading.Lock()


def new_folder(purpose: str, sockets: bool = False) -> Path:
    """Return a new, empty, private folder; it is removed by `remove_folder` or with this process.

    With `sockets` its path is so short that multiprocessing's sockets fit below it: in /tmp, where the usual
    place has a long one.
    """
    usual = tempfile.gettempdir()
    short = sockets and os.name == "posix" and len(os.fsencode(usual)) + _OWN + _BELOW > SOCKET
    place = "/tmp" if short and os.access("/tmp", os.W_OK | os.X_OK) else usual
    with _lock:
        folder = _root(place) / f"{purpose}-{next(_numbers)}"
        folder.mkdir(mode=0o700)
    return folder


def remove_folder(folder: Path, limit: float = 2.0) -> None:
    """Remove a folder of ours, and this process's own one when it is the last in there.

    On Windows a file stays locked while its process lives and for a moment after: what does not go within
    `limit` seconds is tried again with the next folder and at the end of this process.
    """
    deadline = time.monotonic() + limit
    _late.add(folder)
    while True:
        for one in list(_late):
            shutil.rmtree(one, ignore_errors=True)
            if not one.exists():
                _late.discard(one)
        if folder not in _late or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    with _lock:
        for key, root in list(_roots.items()):
            if key[0] == os.getpid() and _removed_if_empty(root):
                del _roots[key]


@contextmanager
def own_folder(purpose: str, sockets: bool = False) -> Iterator[Path]:
    """Yield a new folder that is removed afterwards."""
    folder = new_folder(purpose, sockets)
    try:
        yield folder
    finally:
        remove_folder(folder)


def is_own(path: str | Path, purpose: str) -> bool:
    """Return whether this process made the folder for this purpose."""
    path = Path(path)
    ours = [root for (pid, _), root in _roots.items() if pid == os.getpid()]
    return path.parent in ours and path.name.startswith(f"{purpose}-")


def left_in(place: Path, pid: int) -> list[Path]:
    """Return what lies in a temporary folder, beside what the process `pid` keeps there until its end."""
    found: list[Path] = []
    for path in place.iterdir():
        if path.name.startswith(f"{PREFIX}{_machine()}-{pid}-"):
            found += [one for one in path.iterdir() if not one.name.startswith(KEPT)]
        else:
            found.append(path)
    return found


def sweep(place: str) -> None:
    """Remove the folders of processes on this machine that were killed before they could do it."""
    for folder in Path(place).glob(f"{PREFIX}{_machine()}-*-*-*"):
        if _is_gone(*folder.name.split("-")[2:4]):
            shutil.rmtree(folder, ignore_errors=True)


def _root(place: str) -> Path:
    """Return this process's own folder in `place`, made with the first thing that goes into it."""
    key = os.getpid(), place
    if key not in _roots or not _roots[key].exists():
        from helpers.processes.descendants import birth
        from helpers.processes.multiprocessing_internals import at_the_end

        for one in {place, tempfile.gettempdir()}:
            sweep(one)
        name = f"{PREFIX}{_machine()}-{os.getpid()}-{birth(os.getpid())}-"
        _roots[key] = Path(tempfile.mkdtemp(prefix=name, dir=place)).resolve()
        at_the_end(_leave)
    return _roots[key]


def _machine() -> str:
    """Return a word for this machine: containers may share its /tmp, but not the meaning of a PID."""
    space = Path("/proc/self/ns/pid")
    name = platform.node() + (str(space.readlink()) if space.is_symlink() else "")
    return f"{zlib.crc32(name.encode()) & 0xFFFFFF:06x}"


def _is_gone(pid: str, born: str) -> bool:
    from helpers.processes.descendants import birth

    if not pid.isdigit():
        return False
    now = birth(int(pid))
    return now is None or now not in ("", born)


def _removed_if_empty(root: Path) -> bool:
    try:
        root.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # something is still in there
        return False
    return True


def _leave() -> None:
    for (owner, _), root in _roots.items():
        if owner == os.getpid():
            shutil.rmtree(root, ignore_errors=True)
