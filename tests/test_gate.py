"""The gate bites: what is meant to fail does, each for its own reason, and nothing of it is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.gate.leaks import METHOD, PROJECT, RECORDS, STARTUP, LeftBehindError, nothing_left
from tests.gate.notebooks import is_compared
from tests.gate.outputs import final_outputs, node, shape, without_tracker_fault

NEGATIVES = PROJECT / "tests" / "negative"
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="named memory can be listed on Linux only")
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="needs signals and sessions")


def command(folder: Path, *options: str) -> list[str]:
    """Return the command of a pytest that knows the gate and takes `folder` for the whole project."""
    pytest_ = [sys.executable, "-m", "pytest", "-p", "tests.gate.plugin", "-p", "no:cacheprovider", "-n0"]
    config = ["-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(folder), "--color=no"]
    return [*pytest_, *config, "--start-method", "spawn", *options, str(folder)]


def outcomes(folder: Path, *options: str) -> Mapping[str, str]:
    """Run pytest in `folder`; return {name of the test: "" when it passed, else "outcome: its message"}."""
    result = folder.parent / f"{folder.name}.xml"
    run = subprocess.run(
        command(folder, f"--junitxml={result}", *options),
        cwd=PROJECT, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=100,
    )  # fmt: skip
    assert result.is_file(), run.stdout + run.stderr
    found: dict[str, str] = {}
    for case in ElementTree.parse(result).iter("testcase"):
        words = [f"{child.tag}: {child.get('message')}\n{child.text}" for child in case]
        name = f"{Path(case.get('classname', '').replace('.ipynb', '')).name}::{case.get('name')}"
        found[name] = found.get(name, "") + "\n".join(words)  # a failed test may have a failed teardown, too
    return found


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Run all negative notebooks once, as projects of their own: what they write is nobody else's."""
    folder = tmp_path_factory.mktemp("negative") / "notebooks"
    shutil.copytree(NEGATIVES, folder, ignore=shutil.ignore_patterns(".*"))
    endless = folder.parent / "endless"
    endless.mkdir()
    shutil.move(folder / "hanging.ipynb", endless)  # the one that shall reach its limit, which is short
    return {**outcomes(folder, "--leak-grace=2"), **outcomes(endless, "--nbval-cell-timeout=5")}


def of(found: Mapping[str, str], cell: str) -> str:
    """Return the outcome of the one test whose name ends with `cell`."""
    (outcome,) = [outcome for name, outcome in found.items() if name.endswith(cell)]
    return outcome


# ------------------------------------------------------------------------------ notebooks
def test_good_notebook_passes(notebooks: Mapping[str, str]) -> None:
    """Live displays, widgets, silenced results, history, pools and tagged exceptions pass."""
    control = {name: outcome for name, outcome in notebooks.items() if name.startswith("control@")}
    assert len(control) == 14
    assert not any(control.values())


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("wrong-text", "'41' == '42'"),
        ("never-run", "was never run"),
        ("wrong-order", "order or kind of the outputs"),
        (
            "picture-gone",
            "stored ['display_data (image/png, text/plain)'], now ['display_data (text/plain)']",
        ),
        ("blank-now", "the new picture is blank"),
        ("blank-stored", "the stored picture is blank"),
        ("garbage-stored", "the stored picture is not a PNG picture"),
        ("raises-nothing", "raised nothing"),
        ("unexpected-stream", "on stderr, where nothing is stored:\nsaid by nobody before"),
        ("bad-magic", "UsageError: Line magic function `%no_such_magic` not found."),
    ],
)
def test_difference_fails_and_the_next_cell_runs(
    notebooks: Mapping[str, str], cell: str, reason: str
) -> None:
    """Each cell fails for its own reason."""
    outcome = of(notebooks, f" {cell}")
    assert outcome.startswith("failure")
    assert reason in outcome


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("hanging@spawn::Cell 1 endless", "Timeout of 5 seconds exceeded"),
        ("dying@spawn::Cell 1 die", "the kernel died: exit status 3"),
    ],
)
def test_end_of_the_kernel_fails(notebooks: Mapping[str, str], cell: str, reason: str) -> None:
    """A hang ends at the limit; a dead kernel is called dead."""
    outcome = of(notebooks, cell)
    assert outcome.startswith("failure")
    assert reason in outcome


@pytest.mark.parametrize("name", ["differences", "hanging", "dying"])
def test_rest_of_a_broken_notebook_is_not_run(notebooks: Mapping[str, str], name: str) -> None:
    """One break is one failure; the later cells and the look at leaks are skipped with the reason."""
    last_cell = "Cell 11 not-reached" if name == "differences" else "Cell 2 after"
    assert of(notebooks, f"{name}@spawn::{last_cell}").startswith("skipped: not run: ")
    assert of(notebooks, f"{name}@spawn::leaks").startswith("skipped: not asked: ")


def test_leaky_notebook_fails_and_each_leftover_is_named(notebooks: Mapping[str, str]) -> None:
    """Pool worker, detached program, pool threads and files are named with their origin."""
    outcome = of(notebooks, "leaky@spawn::leaks")
    assert outcome.startswith("failure")
    for leftover in (
        "named SpawnPoolWorker-1",
        "a Process or Pool worker under spawn",
        "a program, child of",
        "import time; time.sleep(60)",
        "(_handle_workers): of a pool or queue that was not closed",
        "forgotten.txt is new",
        "file forgotten-",
        "file helpers-program-x in the kernel's temporary folder",
    ):
        assert leftover in outcome


def test_a_cluster_that_stays_fails_and_each_of_its_processes_is_named(notebooks: Mapping[str, str]) -> None:
    """Scheduler, the command with the nannies, and their worker, though in sessions of their own."""
    outcome = of(notebooks, "cluster@spawn::leaks")
    assert outcome.startswith("failure")
    for leftover in (", a dask scheduler, ", ", a dask worker command, ", ", a dask worker, child of "):
        assert leftover in outcome


@POSIX_ONLY
def test_leaky_notebook_leaves_a_zombie_and_named_memory(notebooks: Mapping[str, str]) -> None:
    """A zombie has its name, named memory its maker, even one that is long gone."""
    outcome = of(notebooks, "leaky@spawn::leaks")
    assert ", named forgotten, child of" in outcome
    assert "ended, never joined" in outcome
    assert "shared memory /" in outcome
    assert "semaphore /" in outcome
    assert "made by MainProcess (pid " in outcome


@POSIX_ONLY
def test_sigterm_takes_the_kernels_children_along(tmp_path: Path) -> None:
    """Stopped in the middle of an endless cell, pytest ends; the gate around this test finds nothing."""
    shutil.copy(NEGATIVES / "hanging.ipynb", tmp_path)
    run = subprocess.Popen(
        command(tmp_path, "-n1"),
        cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for_spawned_child(run.pid)
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=60) == pytest.ExitCode.INTERRUPTED
    finally:
        run.kill()
        run.wait()


def wait_for_spawned_child(pid: int, limit: float = 60.0) -> None:
    """Return when a multiprocessing child runs somewhere below the process."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        for process in psutil.Process(pid).children(recursive=True):
            try:
                if "--multiprocessing-fork" in process.cmdline():
                    return
            except psutil.Error:
                continue
        time.sleep(0.1)
    raise TimeoutError(f"no child of the notebook within {limit} s")


# ------------------------------------------------------------------------------ ordinary tests
TESTS = """
    import subprocess, sys, time
    from multiprocessing import get_context
    from multiprocessing.shared_memory import SharedMemory
    from pathlib import Path
    import pytest

    def start():
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    @pytest.fixture(scope="module")
    def server():
        process = start()
        yield process
        process.kill()
        process.wait()

    def test_uses(server): pass
    def test_uses_again(server): assert server.poll() is None
    def test_process(): test_process.kept = start()
    def test_after(): pass
    def test_zombie():
        child = start()
        child.kill()
        test_zombie.kept = child
        while ") Z" not in Path(f"/proc/{child.pid}/stat").read_text():
            time.sleep(0.01)
    def test_memory():
        block = SharedMemory(create=True, size=10)
        block.close()
    def test_pool():
        with get_context("spawn").Pool(1) as pool:
            assert pool.map(abs, [-1]) == [1]
    def test_file(): Path(__file__).with_name("forgotten.txt").touch()
    @pytest.mark.limit(0.5)
    def test_endless(): start().wait()
"""


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Run tests that leave things behind, as a project of their own."""
    folder = tmp_path_factory.mktemp("ordinary") / "tests"
    folder.mkdir()
    (folder / "test_leaky.py").write_text(textwrap.dedent(TESTS), encoding="utf-8")
    return outcomes(folder, "--leak-grace=1")


@pytest.mark.parametrize("name", ["test_uses", "test_uses_again", "test_after", "test_pool"])
def test_clean_test_passes(ordinary: Mapping[str, str], name: str) -> None:
    """What a module's fixture holds is not left, nor what a closed pool needs; a leak fails one test."""
    assert ordinary[f"test_leaky::{name}"] == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_process", "a program, child of"),
        ("test_file", "forgotten.txt is new"),
        ("test_endless", "a program, child of"),
        pytest.param("test_zombie", "ended, never joined", marks=LINUX_ONLY),
        pytest.param("test_memory", "made by MainProcess", marks=LINUX_ONLY),
    ],
)
def test_leaky_test_fails(ordinary: Mapping[str, str], name: str, reason: str) -> None:
    """The failure names what is left."""
    assert f"{name} left behind:" in ordinary[f"test_leaky::{name}"]
    assert reason in ordinary[f"test_leaky::{name}"]


def test_endless_test_fails_at_its_limit(ordinary: Mapping[str, str]) -> None:
    """The limit's message says what to do."""
    assert (
        "within its limit of 0.5 s (mark it limit(seconds) to change that)"
        in ordinary["test_leaky::test_endless"]
    )


# ------------------------------------------------------------------------------ parts
FORKS = """
import os, signal, time
from tests.gate.plugin import _end_well_on_sigterm

def at_once():
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):
        pass  # time for a handler to run

os.register_at_fork(after_in_child=at_once)  # runs before the gate's own
_end_well_on_sigterm()
pid = os.fork()
if not pid:
    time.sleep(60)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
except KeyboardInterrupt as error:
    print(error)
"""


@POSIX_ONLY
def test_forked_child_dies_of_sigterm_from_its_first_moment() -> None:
    """And the parent still hears of it as an interrupt."""
    run = subprocess.run(
        [sys.executable, "-c", FORKS], cwd=PROJECT, capture_output=True, text=True, timeout=50
    )
    assert (run.stdout, run.stderr) == ("-15\nSIGTERM\n", "")


def test_nothing_left_raises_and_puts_away() -> None:
    """The gate as a context manager, as benchmarks use it."""
    with pytest.raises(LeftBehindError, match="a program"), nothing_left("the block", grace=0.5):
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert process.poll() is not None


MINE = """
import subprocess, sys
from multiprocessing import get_context
from tests.gate.leaks import own_family
with own_family() as family:
    lock = get_context("spawn").Lock()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    family.end()
    print(child.wait())
"""


@POSIX_ONLY
def test_a_root_that_ends_its_family_keeps_its_own_locks() -> None:
    """They are unlinked by their objects, and the resource tracker has nothing to complain of."""
    run = subprocess.run(
        [sys.executable, "-c", MINE], cwd=PROJECT, capture_output=True, text=True, timeout=50
    )
    assert (run.stdout, run.stderr) == ("-9\n", "")


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_start_method_is_chosen_but_not_set(tmp_path: Path, method: str) -> None:
    """A program under the gate's variable runs under that start method, and may set its own."""
    program = (
        "import multiprocessing as m\n"
        "if __name__ == '__main__':\n"
        f"    if {method!r} in m.get_all_start_methods():\n"
        f"        assert m.context._default_context._actual_context is None\n"
        f"        assert m.get_start_method() == {method!r}, m.get_start_method()\n"
        f"        assert type(m.Process()).__name__.lower() == 'process'\n"
        f"        assert m.get_context().get_start_method() == {method!r}\n"
    )
    environment = os.environ | {METHOD: method, RECORDS: str(tmp_path), "PYTHONPATH": str(STARTUP)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


def test_display_counts_as_its_last_state() -> None:
    """An update replaces what its display showed, and nothing else."""

    def message(kind: str, text: str, name: str, **more: str) -> dict[str, object]:
        content = {"data": {"text/plain": text, **more}, "metadata": {}, "transient": {"display_id": name}}
        return {"msg_type": kind, "content": content}

    outputs = final_outputs(
        [
            message("display_data", "a", "first"),
            message("display_data", "b", "second"),
            message("update_display_data", "a", "first", **{"image/svg+xml": "<svg/>"}),
            message("update_display_data", "a", "first", **{"image/png": "..."}),
        ]
    )
    assert shape(outputs) == ["display_data (image/png, text/plain)", "display_data (text/plain)"]


def test_a_chance_warning_of_the_tracker_counts_only_where_python_is_mended() -> None:
    """On the Pythons that give it, all but that warning is compared: cpython issue 131788."""
    warning = (
        "lib/python3.13/multiprocessing/resource_tracker.py:201: UserWarning: ResourceTracker called "
        "reentrantly for resource cleanup, which is unsupported. The semaphore object '/mp-x' might leak.\n"
        "  warnings.warn(\n"
    )

    def seen(python: tuple[int, ...], *pieces: str) -> list[str]:
        outputs = [node(output_type="stream", name="stderr", text=piece) for piece in pieces]
        return [output.text for output in without_tracker_fault(outputs, python)]

    assert seen((3, 13, 6), warning[:50], warning[50:]) == []
    assert seen((3, 12, 12), "before\n" + warning, warning + "after\n") == ["before\nafter\n"]
    assert seen((3, 13, 7), warning) == [warning]
    other = warning.replace("reentrantly", "otherwise")
    assert seen((3, 11, 7), other) == [other]


def test_only_windows_does_not_compare_what_it_does_not_know() -> None:
    assert is_compared(["posix-output"], "posix")
    assert is_compared([], "nt")
    assert not is_compared(["posix-output"], "nt")
