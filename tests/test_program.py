"""A program ends within its limit, tells how, and leaves nothing: no process, no file, no semaphore."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from helpers.processes.folders import SOCKET
from helpers.programs.program import Outcome, run_program
from helpers.waiting import wait_until

METHODS = multiprocessing.get_all_start_methods()
posix = pytest.mark.skipif(os.name != "posix", reason="signals, sessions and /dev/shm belong to POSIX")


def marked(word: str) -> list[int]:
    """Return the PIDs of living processes whose command line has `word` in it."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and word in " ".join(process.info["cmdline"] or []):
            found.append(process.pid)
    return found


def test_output_and_exit_code_are_shown_in_order() -> None:
    """The repr reads like a terminal: what was printed, what went wrong, how it ended."""
    outcome = run_program("import sys\nprint('안녕 ✓')\nprint('oh', file=sys.stderr)\nsys.exit(3)\n")
    assert (outcome.stdout, outcome.stderr, outcome.exit_code) == ("안녕 ✓\n", "oh\n", 3)
    assert repr(outcome) == "안녕 ✓\noh\nexit code 3"
    assert outcome.ended == "by itself"


def test_a_traceback_names_the_script_without_its_folder() -> None:
    """Outputs can be compared on every machine."""
    outcome = run_program("import json\njson.loads('')\n", name="identity.py")
    assert 'File "identity.py", line 2' in outcome.stderr
    assert 'File "decoder.py"' in outcome.stderr
    assert str(Path(tempfile.gettempdir())) not in outcome.stderr


def test_a_script_file_runs_with_its_arguments(tmp_path: Path) -> None:
    """A path is run where it is; its folder is not written to."""
    script = tmp_path / "한글 script.py"
    script.write_text("import sys, os\nprint(sys.argv[1:], os.listdir())\n", encoding="utf-8")
    assert run_program(script, "a", 2).stdout == "['a', '2'] []\n"
    assert run_program(str(script)).stdout == "[] []\n"
    assert [file.name for file in tmp_path.iterdir()] == [script.name]


@pytest.mark.parametrize("method", METHODS)
def test_the_start_method_is_chosen_from_outside(method: str, tmp_path: Path) -> None:
    """Children find the script's functions, and the script its neighbours, as if nobody had chosen."""
    (tmp_path / "neighbour.py").write_text("word = 'done'\n", encoding="utf-8")
    script = tmp_path / "script.py"
    script.write_text(CHOSEN, encoding="utf-8")
    said = f"{method} __main__ script.py ['a']\ndone\n"
    assert run_program(script, "a", method=method).stdout == said
    lines = [line for line in CHOSEN.splitlines() if "neighbour" not in line]
    assert run_program("\n".join(lines) + "\n", "a", name="script.py", method=method).stdout == said


CHOSEN = """\
import os, sys
from multiprocessing import Process, get_start_method
word = "done"
from neighbour import word

def work():
    print(word)

if __name__ == "__main__":
    print(get_start_method(), __name__, os.path.basename(sys.argv[0]), sys.argv[1:], flush=True)
    Process(target=work).start()
"""


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match="more than 0"):
        run_program("pass\n", limit=0)
    with pytest.raises(FileNotFoundError, match="there is no script"):
        run_program(tmp_path / "missing.py")


def test_input_meets_the_end_of_a_file() -> None:
    """A program that asks does not wait."""
    assert "EOFError" in run_program("input()\n").stderr


@posix
def test_a_signal_is_named() -> None:
    """-9 alone says little."""
    assert repr(run_program("import os\nos.kill(os.getpid(), 9)\n")) == "exit code -9 (SIGKILL)"


def test_endless_output_ends_the_program() -> None:
    """The disk does not fill, and the notebook does not either."""
    outcome = run_program("while True:\n    print('x' * 1000)\n", limit=60)
    assert outcome.ended == "at the output limit"
    assert "cut after" in outcome.stdout
    assert len(outcome.stdout) < 200_000


HANGING = """\
import multiprocessing, signal, subprocess, sys, time

if __name__ == "__main__":
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    context = multiprocessing.get_context(sys.argv[1])
    lock = context.Lock()
    pool = context.Pool(2)
    print(pool.map(abs, [-1]), lock._semlock.name, pool._inqueue._rlock._semlock.name, flush=True)
    command = [sys.executable, "-c", "import time; time.sleep(600)", sys.argv[2]]
    subprocess.Popen(command, start_new_session=True)
    while True:
        time.sleep(1)
"""


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_of_a_program_at_its_limit(method: str, tmp_path: Path) -> None:
    """Pool workers, a detached child and the trackers go; semaphores and files go with them."""
    word = f"left-{tmp_path.name}-{method}"
    outcome = run_program(HANGING, method, word, limit=5)
    answer, *semaphores = outcome.stdout.split()
    assert answer == "[1]", outcome
    assert outcome.ended == "at the limit"
    assert repr(outcome).endswith("ended at the limit of 5 s, with every process it had started")
    assert not marked(word)
    for name in semaphores:
        assert not Path(f"/dev/shm/sem.{name.lstrip('/')}").exists()


@posix
def test_what_a_program_leaves_running_is_told_and_ended(tmp_path: Path) -> None:
    """The lesson of what stays behind can be seen without anything staying behind."""
    word = f"left-{tmp_path.name}"
    source = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]])\n"
    )
    outcome = run_program(source, word)
    assert len(outcome.left_running) == 1
    assert word in outcome.left_running[0]
    assert repr(outcome) == "exit code 0\nleft running: 1 process (ended now)"
    assert not marked(word)


@posix
@pytest.mark.parametrize(("folder", "stays"), [(".", 0), ("/", 1)], ids=["in our folder", "seen by a look"])
def test_who_has_an_empty_environment_and_a_session_of_its_own_is_ended(
    folder: str, stays: int, tmp_path: Path
) -> None:
    """Such a process bears no mark, is in no group of ours and has lost its parent."""
    word = f"left-{tmp_path.name}"
    source = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]]\n"
        "subprocess.Popen(command, env={}, cwd=sys.argv[2], start_new_session=True)\n"
        "time.sleep(float(sys.argv[3]))\n"
    )
    outcome = run_program(source, word, folder, stays)
    assert len(outcome.left_running) == 1, outcome
    assert not marked(word)


@pytest.mark.parametrize("method", METHODS)
def test_a_tidy_program_leaves_nothing_to_tell(method: str) -> None:
    """Trackers and fork servers that are leaving do not count."""
    source = (
        "import multiprocessing, sys\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:\n"
        "        print(pool.map(abs, [-1, -2]))\n"
    )
    assert repr(run_program(source, method, limit=60)) == "[1, 2]\nexit code 0"


def test_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a program goes, with whatever it wrote there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    source = "import os\nopen('made.txt', 'w').close()\nprint(os.environ['TMPDIR'])\n"
    where = Path(run_program(source).stdout.strip())
    run_program("while True: pass\n", limit=0.3)
    assert where.name.startswith("program-")
    assert not where.parent.exists()
    assert list(tmp_path.iterdir()) == []


USES_TMPDIR = """\
import multiprocessing, os, sys, tempfile

if __name__ == "__main__":
    print(os.path.samefile(tempfile.gettempdir(), os.path.dirname(os.getcwd())))
    context = multiprocessing.get_context(sys.argv[1])
    tempfile.mkstemp()
    with context.Manager() as manager, context.Pool(1) as pool:
        print(manager.list(pool.map(abs, [-1])), flush=True)
    os._exit(0)  # nothing is put away
"""


@posix
@pytest.mark.parametrize("method", METHODS)
def test_the_temporary_folder_is_private_however_long_the_usual_one_is(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sockets fit below it, and what a program leaves in it goes with it."""
    usual = tmp_path / "긴 이름 with spaces" / ("x" * SOCKET)
    usual.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(usual))
    before = set(Path("/tmp").iterdir())
    outcome = run_program(USES_TMPDIR, method, limit=60)
    assert outcome.stdout == "True\n[1]\n", outcome
    assert list(usual.iterdir()) == []
    assert not [path for path in set(Path("/tmp").iterdir()) - before if f"-{os.getpid()}-" in path.name]


@posix
def test_a_program_ends_when_its_notebook_is_killed(tmp_path: Path) -> None:
    """The watchdog ends the program and its children within moments of the death of whoever ran it."""
    word = f"orphan-{tmp_path.name}"
    endless = f"import sys, time\nopen({str(tmp_path / 'up')!r}, 'w').close()\ntime.sleep(600)  # {word}\n"
    caller = f"from helpers import run_program\nrun_program({endless!r}, {word!r}, limit=300)\n"
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # the killed caller cannot remove its folder
    notebook = subprocess.Popen([sys.executable, "-c", caller], env=environment)
    try:
        wait_until((tmp_path / "up").exists, limit=30, what="the program to start")
        assert len(marked(word)) >= 2
    finally:
        notebook.kill()
        notebook.wait(10)
    wait_until(lambda: not marked(word), limit=30, what="the program to end")


def test_an_outcome_keeps_its_source() -> None:
    """Checks of exercises look at it."""
    outcome = run_program("print(1)\n")
    assert isinstance(outcome, Outcome)
    assert outcome.source == "print(1)\n"
