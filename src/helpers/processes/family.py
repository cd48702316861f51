"""The processes below this one as a tree, looked at without touching them.

Asking multiprocessing about a child (`is_alive()`, `exitcode`, `active_children()`, the repr) reaps
it if it has ended, and the zombie you wanted to see is gone. Everything here is read from the operating
system; multiprocessing is asked only which name it gave to which PID.
"""

import multiprocessing.process
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from helpers.processes import multiprocessing_internals as internals
from helpers.processes.descendants import descendants
from helpers.processes.roles import DASK, MACHINERY, classify

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from helpers.views.picture import Picture
    from helpers.views.table import Table

_LETTERS = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_DEAD: "X",
    psutil.STATUS_IDLE: "I",
}
_MB = 2**20


@dataclass(frozen=True)
class Member:
    """One process at the moment somebody looked.

    `name` is multiprocessing's name for it, else the program's; `role` is one of main, worker, process,
    program, resource tracker, fork server; `label` is what the tree calls it. Memory is in MB of 2**20 bytes,
    time in seconds. What the system does not tell is None: a zombie has no memory, only Linux knows PSS.
    """

    name: str
    role: str
    label: str
    pid: int
    parent_pid: int
    state: str
    nice: int | None
    rss: float | None
    pss: float | None
    uss: float | None
    cpu_seconds: float | None

    @property
    def condition(self) -> str:
        """The state in words that stay true from one look to the next: alive, stopped or zombie."""
        if self.state == psutil.STATUS_ZOMBIE:
            return "zombie (ended, not yet joined)"
        return "stopped" if self.state in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP) else "alive"

    @property
    def state_and_letter(self) -> str:
        """The operating system's word for the state and, where `ps` has one, its letter: `sleeping (S)`."""
        letter = _LETTERS.get(self.state) if os.name == "posix" else None
        return f"{self.state} ({letter})" if letter else self.state


class Family:
    """A process and everything that lived, or waited to be joined, below it when `family()` was called.

    `members` holds every process in order of start. The repr is the tree without PIDs, without the resource
    tracker and without the fork server, so that it reads the same under every start method.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        """Keep the members, the process at the root first."""
        self.members = tuple(members)

    def __repr__(self) -> str:
        """Return the tree, one line a process."""
        (_, root), *others = self.tree()
        first = root.label if root.condition == "alive" else f"{root.label}: {root.condition}"
        return "\n".join([first, *(f"{branch}{one.label}: {one.condition}" for branch, one in others)])

    def tree(self, machinery: bool = False) -> list[tuple[str, Member]]:
        """Return every process of the tree in order, each behind the branch that leads to it.

        A child of the fork server stands below the process that asked for it, as multiprocessing sees it. The
        resource tracker and the fork server are there only with `machinery`.
        """
        shown = [one for one in self.members if machinery or one.role not in MACHINERY]
        by_pid = {one.pid: one for one in self.members}

        def parent(one: Member) -> int:
            above = by_pid.get(one.parent_pid)
            while above and above.role == "fork server":
                above = by_pid.get(above.parent_pid)
            return above.pid if above else self.members[0].pid

        def below(one: Member, indent: str) -> list[tuple[str, Member]]:
            lines = []
            children = [child for child in shown[1:] if parent(child) == one.pid]
            for child in children:
                last = child is children[-1]
                lines.append((indent + ("└── " if last else "├── "), child))
                lines += below(child, indent + ("    " if last else "│   "))
            return lines

        return [("", self.members[0]), *below(self.members[0], "")]

    @property
    def sentence(self) -> str:
        """A sentence without PIDs: `MainProcess with SubProcess (zombie) and 4 workers (alive)`."""
        root, *others = (one for _, one in self.tree())
        kinds = Counter(
            (one.role if one.role == "worker" else one.label, one.condition.split()[0]) for one in others
        )
        names = [f"{_count(what, number)} ({condition})" for (what, condition), number in kinds.items()]
        if not names:
            return f"{root.label} alone"
        return f"{root.label} with " + " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

    def table(self) -> "Table":
        """Return every process with what the operating system knows: memory in MB, CPU time in seconds."""
        from helpers.views.table import Table

        columns = ("name", "role", "PID", "parent PID", "state", "nice", "RSS", "PSS", "USS", "CPU")
        rows = [_row(one) for one in self.members]
        return Table(columns, rows, caption="RSS, PSS and USS: memory in MB. CPU: seconds of computing.")

    def draw(self, title: str = "") -> "Picture":
        """Return the tree as a picture: names, states, PIDs and memory; its text is `sentence`."""
        from helpers.views.picture import Picture

        return Picture(_figure(self, title), self.sentence)


def family(pid: int | None = None) -> Family:
    """Return the tree of this process, or of the process `pid`, as it is now; nothing is reaped by looking.

    Raises ValueError when no process has that PID.
    """
    try:
        root = psutil.Process(pid)
        processes = [root, *descendants([root])]
    except psutil.NoSuchProcess:
        processes = []
    facts = [fact for one in processes if (fact := _look(one)) is not None]
    if not facts or facts[0]["pid"] != root.pid:
        raise ValueError(f"no process has the PID {pid} now; give the PID of one that family() shows")
    known = _known() if root.pid == os.getpid() else {}
    # Children that multiprocessing knows come in order of start under every start method; then all others.
    facts[1:] = sorted(facts[1:], key=lambda fact: known[fact["pid"]].order if fact["pid"] in known else inf)
    lines = {fact["pid"]: fact["line"] for fact in facts}
    workers = count(1)
    members: list[Member] = []
    for fact in facts:
        line, above, program = fact.pop("line"), lines.get(fact["parent_pid"], ""), fact.pop("program")
        role = "main" if not members else classify(line, above).name
        name = "process" if role == "process" else _plain(program)  # only a parent knows its children's names
        if fact["pid"] in known:
            name, role, _ = known[fact["pid"]]
        label = (
            f"worker {next(workers)}" if role == "worker" else role if role in (*MACHINERY, *DASK) else name
        )
        members.append(Member(name=name, role=role, label=label, **fact))
    return Family(members)


class _Known(NamedTuple):
    name: str
    role: str
    order: int


def _known() -> dict[int, _Known]:
    """Return what multiprocessing calls this process and each of its children, by PID."""
    executors = internals.executors_pids()
    known = {os.getpid(): _Known(multiprocessing.process.current_process().name, "main", 0)}
    for child in internals.children():
        if child.pid is not None:
            works = child.pid in executors or "PoolWorker-" in child.name
            known[child.pid] = _Known(child.name, "worker" if works else "process", internals.number(child))
    return known


def _look(process: psutil.Process) -> dict[str, Any] | None:
    """Return what the operating system tells about a process, None when it has gone meanwhile."""
    with process.oneshot():
        try:
            state, parent_pid = process.status(), process.ppid()
        except psutil.ZombieProcess:  # a kind of NoSuchProcess, so it is asked for first
            state, parent_pid = psutil.STATUS_ZOMBIE, _ask(process.ppid) or 0
        except psutil.NoSuchProcess:
            return None
        alive = state != psutil.STATUS_ZOMBIE
        plain = _ask(process.memory_info) if alive else None
        # psutil 8 renames the question; an answer holds PSS on Linux, USS on Linux, macOS and Windows.
        full: Any = _ask(getattr(process, "memory_footprint", process.memory_full_info)) if alive else None
        times = _ask(process.cpu_times)
        nice = _ask(process.nice) if alive else None
        return {
            "pid": process.pid,
            "parent_pid": parent_pid,
            "state": state,
            "program": _ask(process.name) or "program",
            "line": " ".join(_ask(process.cmdline) or ()),
            "nice": None if nice is None else int(nice),
            "rss": plain.rss / _MB if plain else None,
            "pss": full.pss / _MB if hasattr(full, "pss") else None,
            "uss": full.uss / _MB if hasattr(full, "uss") else None,
            "cpu_seconds": times.user + times.system if times else None,
        }


def _ask(question: Callable[[], Any]) -> Any:
    """Return the answer, None where the system refuses it or the process has gone."""
    try:
        return question()
    except (psutil.Error, OSError):
        return None


def _plain(program: str) -> str:
    """Return a program's name as on every system: `python3.11`, `Python` and `python.exe` are `python`."""
    name = program.removesuffix(".exe")
    return "python" if name.lower().startswith("python") else name


def _count(what: str, number: int) -> str:
    """Return the noun with its number: `2 workers`, `1 worker`; a name alone, or as `2 named sleep`."""
    if what in ("worker", "process"):
        return f"{number} {what}" + {"worker": "s", "process": "es"}[what] * (number > 1)
    return what if number == 1 else f"{number} named {what}"


def _row(one: Member) -> tuple[object, ...]:
    role = one.label if one.role == "worker" else one.role
    memory = (size and round(size, 1) for size in (one.rss, one.pss, one.uss))
    seconds = one.cpu_seconds if one.cpu_seconds is None else round(one.cpu_seconds, 2)
    return (one.name, role, one.pid, one.parent_pid, one.state_and_letter, one.nice, *memory, seconds)


_COLOUR_OF = {"alive": 2, "stopped": 1, "zombie": 5}  # places in the palette: green, orange, vermilion
# Inches: the height of a line, the space above, the indent of a generation, the longest bar of memory.
_ROW, _MARGIN, _STEP, _MOST_MEMORY = 0.30, 0.34, 0.24, 0.8
_COLUMNS = {"state": 2.35, "PID": 4.05, "parent PID": 4.85, "memory, and its own part": 4.98}


def _figure(shown: Family, title: str) -> "Figure":
    """Return the tree as indented lines: a dot for the state, then state, PIDs and memory in columns."""
    from helpers.views.drawing import Boxes, Drawing, Line, Mark, Words
    from helpers.views.picture import COLOURS, FAINT, GREY, INK, SIZE, WIDTH

    lines = shown.tree(machinery=True)
    top = _MARGIN + (0.3 if title else 0)
    sheet = Drawing(WIDTH, top + _ROW * len(lines) + 0.1)
    if title:
        sheet.add(Words(0.1, 0.2, title, SIZE + 3, bold=True))
    for heading, x in _COLUMNS.items():
        sheet.add(Words(x, top - 0.16, heading, SIZE - 1, GREY, "end" if "PID" in heading else "start"))
    state, pid, parent, memory = _COLUMNS.values()
    scale = _MOST_MEMORY / max([one.rss or 0 for _, one in lines] + [1])
    rows: dict[int, float] = {}  # where the last line of each generation was drawn
    for number, (branch, one) in enumerate(lines):
        y = top + _ROW * (number + 0.5)
        depth = len(branch) // 4
        x = 0.2 + _STEP * depth
        machinery = one.role in MACHINERY
        colour = INK if machinery else COLOURS[_COLOUR_OF[one.condition.split()[0]]]
        if depth:
            sheet.add(Line([(x - _STEP, rows[depth - 1] + 0.08), (x - _STEP, y), (x - 0.08, y)], GREY))
        rows[depth] = y
        sheet.add(
            Mark(x, y, 8, colour, dot=True, hollow=one.condition.startswith("zombie")),
            Words(x + 0.14, y, one.label, bold=not machinery),
            Words(state, y, one.state_and_letter),
            Words(pid, y, str(one.pid), anchor="end"),
            Words(parent, y, str(one.parent_pid), anchor="end"),
            Boxes([(memory, y - 0.07, (one.rss or 0) * scale, 0.14)], [FAINT]),
            Boxes([(memory, y - 0.07, (one.uss or 0) * scale, 0.14)], [colour]),
            Words(memory + 0.06 + (one.rss or 0) * scale, y, _memory(one), SIZE - 1),
        )
    return sheet.figure()


def _memory(one: Member) -> str:
    if one.rss is None:
        return "none" if one.state == psutil.STATUS_ZOMBIE else "not told"
    return f"{one.rss:.0f} MB" + ("" if one.uss is None else f", {one.uss:.0f} its own")
