"""Who belongs to a program: all that it started, wherever those have gone."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from helpers.processes.descendants import birth, descendants, marked
from helpers.processes.roles import is_alive


@dataclass
class Members:
    """The processes of the program `pid` that was born at `birth`; call it for those that are alive.

    Members are those below it, those in its group, those that bear its mark or work in its folder, and who
    was a member whenever somebody looked.
    """

    pid: int
    birth: str | None
    mark: str
    folder: str
    seen: set[psutil.Process] = field(default_factory=set)

    def __call__(self) -> list[psutil.Process]:
        """Return all that are alive now."""
        self.seen.update(marked(self.mark))
        is_there = birth(self.pid) == self.birth  # else its number, and its group's, may be somebody else's
        for process in psutil.process_iter():
            try:
                if (is_there and _group(process.pid) == self.pid) or self._works_here(process):
                    self.seen.add(process)
            except (psutil.Error, OSError):
                continue
        self.follow()
        return list(self.seen)

    def follow(self) -> None:
        """Remember who is below a member now: the way to a child of one that ends is lost."""
        if birth(self.pid) == self.birth:
            self.seen.add(psutil.Process(self.pid))
        self.seen.update(descendants(self.seen))
        self.seen = {process for process in self.seen if process.pid != os.getpid() and is_alive(process)}

    def _works_here(self, process: psutil.Process) -> bool:
        return Path(process.cwd()).is_relative_to(self.folder)


def _group(pid: int) -> int | None:
    return os.getpgid(pid) if hasattr(os, "getpgid") else None
