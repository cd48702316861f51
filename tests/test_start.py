"""The door, run for real in a copy of a tiny project; only what needs the network is a stand-in."""

import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

START = Path(__file__).parent.parent / "start.py"
LIMIT = 60.0
posix_signals = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGTERM or a lone Ctrl-C")

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "multiprocessing-notebooks"
version = "1"
[project.optional-dependencies]
test = []
"""

# What JupyterLab and pytest are here: says how it was called, may wait for a signal, ends as it is told.
STUB = """
import json, os, signal, sys, time
from pathlib import Path

def end(number, frame):
    os.write(1, b"told " + signal.Signals(number).name.encode())  # not print: it may be at work
    time.sleep(0.2)  # takes its time, and must be waited for
    sys.exit(7)

print(json.dumps([Path(__file__).stem, sys.argv[1:], os.getcwd(), os.environ["PATH"]]), flush=True)
if "STUB_WAITS" in os.environ:
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print("waiting", flush=True)
    time.sleep(60)
sys.exit(int(os.environ.get("STUB_EXIT", "0")))
"""

# A build backend without requirements: lets the real pip install the tiny project without a network.
BACKEND = """
import os, zipfile
NAME = "multiprocessing_notebooks-1"
def get_requires_for_build_editable(config_settings=None):
    return []
def build_editable(folder, config_settings=None, metadata_directory=None):
    files = {
        "_editable_multiprocessing_notebooks.pth": os.path.join(os.getcwd(), "src"),
        "jupyterlab.py": open("stub.txt").read(),
        "pytest.py": open("stub.txt").read(),
        NAME + ".dist-info/METADATA": "Metadata-Version: 2.1\\nName: multiprocessing-notebooks\\n"
                                      "Version: 1\\nProvides-Extra: test\\n",
        NAME + ".dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        NAME + ".dist-info/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(folder, NAME + "-py3-none-any.whl"), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return NAME + "-py3-none-any.whl"
"""

# What uv is here: makes a .venv, puts the stubs into it, or fails as it is told; notes how it was called.
FAKE_UV = """
import os, subprocess, sys, sysconfig, time
from pathlib import Path

here = Path(__file__).parent
call, mood = sys.argv[1:], os.environ.get("UV_MOOD", "")
if call[0] == "--version":
    sys.exit(mood == "shim of nothing")
with (here / "calls.txt").open("a", encoding="utf-8") as calls:
    calls.write(" ".join(call[:2] if call[0] == "pip" else call[:1]) + " " + call[-1] + "\\n")
if call[0] == "venv":
    sys.exit(subprocess.call([sys.executable, "-m", "venv", "--without-pip", call[-1]]))
site = Path(sysconfig.get_path("purelib", "venv", {"base": str(Path(".venv").absolute())}))
(site / "half.py").touch()
if mood == "waits":
    (here / "waiting").touch()
    time.sleep(60)
if mood:
    sys.exit(mood)
for name in ("jupyterlab", "pytest"):
    (site / f"{name}.py").write_text(Path("stub.txt").read_text(), encoding="utf-8")
"""


class Project:
    """A tiny copy of the collection, its door, and the surroundings that the door is opened in."""

    def __init__(self, tmp_path: Path) -> None:
        """Make them below tmp_path; `tools` is all that is on PATH."""
        self.root = tmp_path / "my notebooks 한글"
        self.tools = tmp_path / "tools"
        self.patches = tmp_path / "patches"
        for folder in (self.root / "notebooks", self.root / "src" / "helpers", self.tools, self.patches):
            folder.mkdir(parents=True)
        shutil.copy(START, self.root)
        (self.root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        (self.root / "backend.py").write_text(BACKEND, encoding="utf-8")
        (self.root / "stub.txt").write_text(STUB, encoding="utf-8")
        (self.root / "src" / "helpers" / "__init__.py").touch()
        for name in ("00_start_here", "03 spawning"):
            (self.root / "notebooks" / f"{name}.ipynb").touch()
        self.venv = self.root / ".venv"
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        self.environment |= {"PATH": str(self.tools), "PYTHONPATH": str(self.patches)}

    def with_uv(self) -> "Project":
        """Put a stand-in for uv on PATH."""
        script = self.tools / "fake_uv.py"
        script.write_text(FAKE_UV, encoding="utf-8")
        python = getattr(sys, "_base_executable", sys.executable)
        if os.name == "nt":
            (self.tools / "uv.bat").write_text(f'@"{python}" "{script}" %*\n', encoding="utf-8")
        else:
            (self.tools / "uv").write_text(f'#!/bin/sh\nexec "{python}" "{script}" "$@"\n', encoding="utf-8")
            (self.tools / "uv").chmod(0o755)
        return self

    def patch(self, code: str) -> None:
        """Have the door's Python run this code first."""
        (self.patches / "sitecustomize.py").write_text(code, encoding="utf-8")

    def popen(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """Open the door and return at once; it leads its own process group."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "start.py"), *arguments],
            cwd=self.root.parent,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def start(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Open the door and return exit code, stdout and stderr."""
        with self.popen(*arguments, **variables) as door:
            try:
                out, err = door.communicate(timeout=LIMIT)
            finally:
                door.kill()
        return door.returncode, out, err

    def calls(self) -> list[str]:
        """Return the calls of uv since this was last asked."""
        log = self.tools / "calls.txt"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.replace(f"{self.root}{os.sep}", "") for line in lines]

    def refused(self, *arguments: str, **variables: str) -> str:
        """Return the one sentence of a door that stays shut and leaves nothing half made."""
        code, out, err = self.start(*arguments, **variables)
        *progress, sentence = err.splitlines()
        assert (code, out) == (1, "")
        assert all(line.startswith("Installing into ") for line in progress)
        assert not self.venv.exists()
        return sentence


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).with_uv()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def heard(out: str) -> tuple[str, list[str]]:
    """Return which stub was run, and its arguments."""
    stub, arguments, *_ = json.loads(out.splitlines()[0])
    return stub, arguments


def wait_until(condition: Callable[[], object], door: "subprocess.Popen[str]") -> None:
    """Return when the condition holds; fail when the door has ended or the limit is over."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert door.poll() is None, door.communicate()
        assert time.monotonic() < deadline, "the door did not get that far"
        time.sleep(0.01)


def test_first_start_installs_and_second_is_immediate(project: Project) -> None:
    code, out, err = project.start("--no-browser")
    stub, arguments = heard(out)
    assert (code, stub) == (0, "jupyterlab")
    assert project.calls() == ["venv .venv", "pip install ."]
    assert err.startswith("Installing into ")
    code, out, err = project.start("--no-browser")
    assert (code, err, heard(out)[1], project.calls()) == (0, "", arguments, [])


def test_lab_opens_the_first_notebook_and_keeps_its_own_safety(project: Project) -> None:
    _, out, _ = project.start("--no-browser", "--log-level", "DEBUG")
    assert heard(out)[1] == [
        f"--ServerApp.root_dir={project.root}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb",
        "--no-browser",
        "--log-level",
        "DEBUG",
    ]
    _, _, folder, path = json.loads(out.splitlines()[0])
    assert Path(folder) == project.root
    assert Path(path.split(os.pathsep)[0]).parent == project.venv  # `!python` in a notebook is .venv's


def test_lab_opens_the_named_notebook(project: Project) -> None:
    for name in ("notebooks/03 spawning.ipynb", str(project.root / "notebooks" / "03 spawning.ipynb")):
        _, out, _ = project.start(name)
        assert heard(out)[1][1:] == ["--LabApp.default_url=/lab/tree/notebooks/03%20spawning.ipynb"]


def test_unknown_notebook_is_refused(project: Project) -> None:
    sentence = project.refused("notebooks/99.ipynb")
    assert sentence.startswith("There is no notebook notebooks/99.ipynb in ")


def test_tests_get_the_options_and_give_the_exit_code(project: Project) -> None:
    code, out, _ = project.start("test", "-k", "family", "-x", STUB_EXIT="5")
    assert (code, heard(out)) == (5, ("pytest", ["-k", "family", "-x"]))
    assert project.calls() == ["venv .venv", "pip install .[test]"]
    project.start()
    assert project.calls() == []  # what the tests need includes what JupyterLab needs


def test_tests_add_to_a_plain_start(project: Project) -> None:
    project.start()
    project.calls()
    project.start("test")
    assert project.calls() == ["pip install .[test]"]


def test_changed_dependencies_are_noticed(project: Project) -> None:
    project.start("test")
    project.calls()
    (project.root / "pyproject.toml").write_text(PYPROJECT + "\n# more\n", encoding="utf-8")
    project.start()
    assert project.calls() == ["pip install .[test]"]


def test_moved_folder_gets_a_new_environment(project: Project) -> None:
    project.start()
    project.calls()
    project.root = project.root.rename(project.root.with_name("moved 한글"))
    assert project.start()[0] == 0
    assert project.calls() == ["venv .venv", "pip install ."]


def test_help_installs_nothing(project: Project) -> None:
    code, out, _ = project.start("--help")
    assert (code, project.calls()) == (0, [])
    assert "python3 start.py test" in out


def test_no_network_then_network(project: Project) -> None:
    sentence = project.refused(UV_MOOD="error: Failed to fetch: ... dns error")
    assert sentence.startswith("The packages cannot be fetched: connect to the network")
    assert project.start()[0] == 0


def test_no_network_keeps_what_works(project: Project) -> None:
    project.start()
    code, _, err = project.start("test", UV_MOOD="error sending request for url")
    assert (code, "connect to the network" in err) == (1, True)
    project.calls()
    assert project.start()[0] == 0
    assert project.calls() == []


def test_full_disk(project: Project) -> None:
    assert project.refused(UV_MOOD="No space left on device (os error 28)").startswith(
        "The disk is full: free "
    )


def test_unknown_failure_shows_what_the_installer_said_last(project: Project) -> None:
    sentence = project.refused(UV_MOOD="Resolving\nerror: the moon is full")
    assert sentence.startswith("The installation failed (error: the moon is full); the command that failed: ")


def test_read_only_folder(project: Project) -> None:
    project.patch(
        "import os\nreal = os.access\nos.access = lambda path, mode: mode != os.W_OK and real(path, mode)"
    )
    assert "cannot be written: copy the folder to a place of your own" in project.refused()


def test_installed_read_only_folder_starts_with_any_python(project: Project) -> None:
    project.start()
    stamp = project.venv / "start.txt"
    stamp.write_text(stamp.read_text(encoding="utf-8").replace("Python 3.", "Python 4."), encoding="utf-8")
    project.patch(
        "import os\nreal = os.access\nos.access = lambda path, mode: mode != os.W_OK and real(path, mode)"
    )
    assert project.start()[0] == 0


def test_old_python(project: Project) -> None:
    project.patch("import sys\nsys.version_info = (3, 9, 2)\nsys.version = '3.9.2 (default)'")
    sentence = project.refused()
    assert sentence.startswith("These notebooks need Python 3.11 or newer, and this is Python 3.9.2 ")


def test_old_pythons_can_read_the_door() -> None:
    source = START.read_text(encoding="utf-8")
    assert ast.parse(source, feature_version=(3, 7))
    assert source.index("sys.version_info <") < source.index("\nfrom ")


def test_no_ensurepip_and_no_uv(project: Project) -> None:
    project.patch(
        "import importlib.util as util\nreal = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'ensurepip' else real(name, *more)"
    )
    sentence = project.refused(UV_MOOD="shim of nothing")
    assert f"sudo apt install python3.{sys.version_info[1]}-venv" in sentence


def test_taken_port(project: Project, taken_port: int) -> None:
    for option in (["--port", str(taken_port)], [f"--port={taken_port}"], [f"--ServerApp.port={taken_port}"]):
        assert project.refused(*option).startswith(f"Port {taken_port} cannot be used (")


def test_free_port_is_used_or_none(project: Project, taken_port: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _, out, _ = project.start("--port", str(port))
    assert heard(out)[1][2:] == ["--ServerApp.port_retries=0", "--port", str(port)]


def test_killed_installation_is_mended(project: Project) -> None:
    project.start()
    project.calls()
    (project.venv / "start.txt").write_text("unfinished", encoding="utf-8")
    (project.venv / "half.txt").touch()
    assert project.start()[0] == 0
    assert project.calls() == ["venv .venv", "pip install ."]
    assert not (project.venv / "half.txt").exists()


def test_environment_of_another_tool_is_used(project: Project) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(project.venv)], check=True, timeout=LIMIT
    )
    assert project.start()[0] == 0
    assert project.calls() == ["pip install ."]


def test_environment_that_does_not_run_is_replaced(project: Project) -> None:
    project.venv.mkdir()
    assert project.start()[0] == 0
    assert project.calls() == ["venv .venv", "pip install ."]


@posix_signals
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_interrupted_installation_leaves_nothing_and_is_mended(
    project: Project, name: str, code: int
) -> None:
    with project.popen(UV_MOOD="waits") as door:
        wait_until((project.tools / "waiting").exists, door)
        os.killpg(door.pid, signal.Signals[name])
        _, err = door.communicate(timeout=LIMIT)
    assert (door.returncode, project.venv.exists()) == (code, False)
    assert "Traceback" not in err
    assert project.start()[0] == 0


@posix_signals
@pytest.mark.parametrize(
    ("arguments", "to_group", "told"),
    [([], False, "SIGTERM"), (["test"], False, "SIGINT"), ([], True, "SIGINT"), (["test"], True, "SIGINT")],
    ids=["lab, SIGTERM", "tests, SIGTERM", "lab, Ctrl-C", "tests, Ctrl-C"],
)
def test_signals_end_the_child_first(
    project: Project, arguments: list[str], to_group: bool, told: str
) -> None:
    project.start("test")
    with project.popen(*arguments, STUB_WAITS="") as door:
        assert door.stdout
        assert door.stdout.readline()
        assert door.stdout.readline() == "waiting\n"
        if to_group:
            os.killpg(door.pid, signal.SIGINT)  # as a terminal does
        else:
            door.terminate()
        out, err = door.communicate(timeout=LIMIT)
    assert (door.returncode, out, err) == (7, f"told {told}", "")


def test_without_uv_the_real_pip_installs(tmp_path: Path) -> None:
    project = Project(tmp_path)
    ascii_only = {"LC_ALL": "C", "PIP_NO_INDEX": "1"}
    code, out, err = project.start("test", "-q", **ascii_only)
    assert (code, err.count("\n")) == (0, 1), err
    assert heard(out) == ("pytest", ["-q"])
    python = project.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    probe = [str(python), "-c", "import helpers; print(ascii(helpers.__file__))"]
    said = subprocess.run(probe, env=project.environment | ascii_only, capture_output=True, timeout=LIMIT)
    assert ast.literal_eval(said.stdout.decode()) == str(project.root / "src" / "helpers" / "__init__.py"), (
        said
    )
