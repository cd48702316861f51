"""The system's own list of processes, cut down to the family of this one."""

import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

from helpers.processes.family import family

_COLUMNS = 100  # wider lines wrap in a notebook


@dataclass(frozen=True)
class Listing:
    """What a command such as `ps -ef` printed, cut down to its heading and the rows of our family.

    `found` is False where the system has no such command; the repr then says what to do.
    """

    command: str
    text: str
    found: bool = True

    def __repr__(self) -> str:
        """Return the lines as they would stand in a terminal."""
        return self.text


def listing(command: str, limit: float = 10.0) -> Listing:
    """Return what a command of your system says about this process and its family; nothing else is kept.

    The word PIDS in the command stands for the family's PIDs, as in `ps gv -p PIDS`: a notebook has no
    terminal, and without one `ps gv` alone finds nothing. Raises ValueError for an empty command and
    TimeoutError when it takes longer than `limit` seconds.
    """
    pids = [str(one.pid) for one in family().members]
    words = shlex.split(command.replace("PIDS", ",".join(pids)))
    if not words:
        raise ValueError("the command is empty; give one that lists processes, such as 'ps -ef'")
    if shutil.which(words[0]) is None:
        other = "tasklist" if sys.platform == "win32" else "ps (in the package procps)"
        advice = f"{other} lists processes here, and family().table() does everywhere."
        return Listing(command, f"There is no {words[0]} on this system: {advice}", found=False)
    try:
        done = subprocess.run(
            words, capture_output=True, stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=limit
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command} did not end within {limit:g} s; try it in a terminal") from None
    heading, *rows = [line for line in done.stdout.splitlines() if line.strip()] or [done.stderr.strip()]
    names = heading.split()
    # The PID and the word after it, in `ps -ef` the parent's PID: so the command's own row is kept, too.
    last = names.index("PID") + 2 if "PID" in names else 0
    own = [row for row in rows if not set(pids).isdisjoint(row.split()[:last])]
    return Listing(command, "\n".join(_cut(line) for line in [heading, *own]))


def _cut(line: str) -> str:
    line = line.rstrip()
    return line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…"
