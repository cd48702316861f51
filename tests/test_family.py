"""The family is seen as it is, reads the same under every start method, and is never touched by looking."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from helpers.processes.family import Family, Member, family
from helpers.processes.ps import listing
from helpers.waiting import wait_until

METHODS = multiprocessing.get_all_start_methods()

PROGRAM = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from helpers.processes.family import family
from helpers.workers.naps import nap, nap_until

def told(name):
    return [repr(family()), *sorted(one.role for one in family().members if one.name == name)]

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    print(family())
    end = multiprocessing.Event()
    child = multiprocessing.Process(target=nap_until, args=(end,), name="SubProcess")
    child.start()
    with multiprocessing.Pool(2) as pool, ProcessPoolExecutor(1) as executor:
        executor.submit(nap, 0).result()
        print(family())
        print(family().sentence)
        pool.close()
        pool.join()
    end.set()
    child.join()
    print(family())
    print(sorted(one.role for one in family().members))
"""

SEEN = """\
MainProcess
MainProcess
├── SubProcess: alive
├── worker 1: alive
├── worker 2: alive
└── worker 3: alive
MainProcess with SubProcess (alive) and 3 workers (alive)
MainProcess
"""

MACHINERY = {"fork": [], "spawn": ["resource tracker"], "forkserver": ["fork server", "resource tracker"]}


def run(program: str, folder: Path, *args: str) -> str:
    """Return what a script printed."""
    script = folder / "program.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(script), *args],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("method", METHODS)
def test_reads_the_same_under_every_start_method(method: str, tmp_path: Path) -> None:
    folder = tmp_path / "빈 칸 here"
    folder.mkdir()
    roles = MACHINERY[method] if os.name == "posix" else []
    assert run(PROGRAM, folder, method) == f"{SEEN}{sorted(['main', *roles])}\n"


ZOMBIE = """
import multiprocessing, sys
from helpers.processes.family import family
from helpers.waiting import wait_until
from helpers.workers.naps import nap

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    child = multiprocessing.Process(target=nap, args=(0,), name="Ended")
    child.start()
    wait_until(lambda: "zombie" in repr(family()), limit=60)
    print(family())
    print(family().sentence, family().members[1].rss)
    print(family().table().rows[1][4])
    family().draw().png
    print(family())
    child.join()
    print(family())
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps no zombies")
@pytest.mark.parametrize("method", [m for m in METHODS if m != "forkserver"])
def test_a_zombie_is_still_there_after_every_look(method: str, tmp_path: Path) -> None:
    seen = "MainProcess\n└── Ended: zombie (ended, not yet joined)\n"
    sentence = "MainProcess with Ended (zombie) None\nzombie (Z)\n"
    assert run(ZOMBIE, tmp_path, method) == f"{seen}{sentence}{seen}MainProcess\n"


def member(name: str, pid: int, parent_pid: int, **changes: object) -> Member:
    """Return an invented member of a family."""
    facts: dict[str, object] = {
        "name": name, "role": "process", "label": name, "pid": pid, "parent_pid": parent_pid,
        "state": "sleeping", "nice": 0, "rss": 20.04, "pss": None, "uss": 3.0, "cpu_seconds": 0.123,
    }  # fmt: skip
    return Member(**(facts | changes))  # type: ignore[arg-type]


MAIN = member("MainProcess", 10, 1, role="main")
SERVER = member("python", 12, 10, role="fork server", label="fork server")


def test_a_fork_servers_children_stand_below_the_process_that_asked_for_them() -> None:
    seen = Family(
        [MAIN, SERVER, member("a", 13, 12), member("b", 14, 13, state="stopped"), member("c", 15, 12)]
    )
    assert repr(seen) == "MainProcess\n├── a: alive\n│   └── b: stopped\n└── c: alive"
    assert [one.label for _, one in seen.tree(machinery=True)] == [
        "MainProcess",
        "fork server",
        "a",
        "b",
        "c",
    ]
    assert seen.sentence == "MainProcess with a (alive), b (stopped) and c (alive)"
    assert [row[3] for row in seen.table().rows] == [1, 10, 12, 13, 12]


def test_sentences_count() -> None:
    workers = [member(f"ForkPoolWorker-{n}", n, 10, role="worker", label=f"worker {n}") for n in (20, 21)]
    assert Family([MAIN]).sentence == "MainProcess alone"
    assert Family([MAIN, workers[0]]).sentence == "MainProcess with 1 worker (alive)"
    assert Family([MAIN, *workers]).sentence == "MainProcess with 2 workers (alive)"


def test_what_the_system_does_not_tell_is_a_dash() -> None:
    blind = member("a", 13, 10, nice=None, rss=None, uss=None, cpu_seconds=None)
    assert Family([MAIN, blind]).table().rows[1][5:] == (None,) * 5
    assert " -" in repr(Family([MAIN, blind]).table())


def test_a_picture_speaks() -> None:
    picture = Family([MAIN, SERVER, member("a", 13, 12), member("z", 14, 13, state="zombie", rss=None)]).draw(
        "Ours"
    )
    assert repr(picture) == "MainProcess with a (alive) and z (zombie)"
    assert picture.png.startswith(b"\x89PNG")


def test_programs_and_other_processes() -> None:
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as child:
        try:
            found = {one.pid: one for one in family().members}
            assert found[child.pid].role == "program"
            assert found[child.pid].label == "python"
            assert found[child.pid].parent_pid == os.getpid()
            assert family(child.pid).members[0].pid == child.pid
            assert found[os.getpid()].rss
            assert found[os.getpid()].cpu_seconds is not None
        finally:
            child.kill()


def test_a_pid_that_nobody_has() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait(60)
    wait_until(lambda: not psutil.pid_exists(child.pid))
    with pytest.raises(ValueError, match=f"no process has the PID {child.pid} now"):
        family(child.pid)


@pytest.mark.skipif(os.name != "posix", reason="Windows has tasklist, whose heading depends on the language")
def test_the_systems_own_listing_is_cut_down_to_us() -> None:
    seen = listing("ps -ef")
    if not seen.found:
        pytest.skip("this system has no ps")
    heading, *rows = repr(seen).splitlines()
    assert heading.split()[1:3] == ["PID", "PPID"]
    pids = {row.split()[1] for row in rows}
    assert str(os.getpid()) in pids
    assert "1" not in pids
    assert str(os.getpid()) in repr(listing("ps -p PIDS"))
    assert max(map(len, repr(seen).splitlines())) <= 100


def test_a_command_that_is_not_there_says_what_is() -> None:
    seen = listing("no-such-command -ef")
    assert not seen.found
    assert "family().table()" in repr(seen)
    with pytest.raises(ValueError, match="such as 'ps -ef'"):
        listing("")
