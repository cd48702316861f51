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
from typing import Any

import psutil
import pytest

from helpers.waiting import wait_until as wait_for

ROOT = Path(__file__).parent.parent
START = ROOT / "start.py"
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
dependencies = []
[project.optional-dependencies]
cluster = []
notebooks = []
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

print(json.dumps([Path(__file__).stem, sys.argv[1:], os.getcwd(), dict(os.environ)]), flush=True)
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
import os, signal, subprocess, sys, sysconfig, time
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
    print("Resolved 1 package", flush=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the helper inherits that: it takes no notice of Ctrl-C
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "UV_DEAF" in os.environ:
        signal.signal(signal.SIGINT, lambda *_: (here / "heard").touch())
    (here / "waiting").write_text(f"{os.getpid()} {helper.pid}")
    while not (here / "go").exists():
        time.sleep(0.02)
    helper.kill()
elif mood:
    sys.exit(mood)
for name in ("jupyterlab", "pytest"):
    (site / f"{name}.py").write_text(Path("stub.txt").read_text(), encoding="utf-8")
info = site / "multiprocessing_notebooks-1.dist-info"
info.mkdir(exist_ok=True)
(info / "METADATA").write_text("Metadata-Version: 2.1\\nName: multiprocessing-notebooks\\nVersion: 1\\n")
"""

LESSON = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
NO_NETWORK = "error: Failed to fetch: ... dns error"
READ_ONLY = """
import os
real = os.access
os.access = lambda path, mode: mode != os.W_OK and real(path, mode)
"""
FAST_CLOCK = "import time\nreal = time.monotonic\ntime.monotonic = lambda: real() * 20"


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
        shutil.copytree(ROOT / "tools", self.root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        (self.root / "backend.py").write_text(BACKEND, encoding="utf-8")
        (self.root / "stub.txt").write_text(STUB, encoding="utf-8")
        (self.root / "src" / "helpers" / "__init__.py").touch()
        for name in ("00_start_here", "03 spawning"):
            (self.root / "notebooks" / f"{name}.ipynb").write_text(json.dumps(LESSON), encoding="utf-8")
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
        assert all(line.startswith(("Installing into ", "  ")) for line in progress), progress
        assert not self.venv.exists()
        return sentence

    def stamp(self, *lines: str) -> list[str]:
        """Return the lines of the stamp; first, change it to these when there are some."""
        file = self.venv / "start.txt"
        if lines:
            file.write_text("\n".join(lines), encoding="utf-8")
        return file.read_text(encoding="utf-8").splitlines()

    def tree(self) -> dict[str, Any]:
        """Return all that is in .venv, with times: equal as long as nobody changes anything there."""
        paths = [self.venv, *self.venv.rglob("*")]
        return {
            str(path): (path.lstat().st_mtime_ns, path.lstat().st_size)
            for path in paths
            if "__pycache__" not in path.parts
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).with_uv()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def opened(out: str) -> str:
    """Return the path that JupyterLab was told to open."""
    (url,) = [argument for argument in heard(out)[1] if argument.startswith("--LabApp.default_url=")]
    return url.removeprefix("--LabApp.default_url=/lab/tree/")


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
    assert project.calls() == ["venv .venv", "pip install .[cluster,notebooks]"]
    assert err.startswith("Installing into ")
    code, out, err = project.start("--no-browser")
    assert (code, err, heard(out)[1], project.calls()) == (0, "", arguments, [])


def test_lab_opens_the_first_notebook_and_keeps_its_own_safety(project: Project) -> None:
    _, out, _ = project.start("--no-browser", "--log-level", "DEBUG")
    assert heard(out)[1] == [
        f"--ServerApp.root_dir={project.root}",
        "--LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb",
        "--no-browser",
        "--log-level",
        "DEBUG",
    ]
    _, _, folder, variables = json.loads(out.splitlines()[0])
    assert Path(folder) == project.root
    # `!python` in a notebook is .venv's, and so is its kernel, whatever the user has installed
    assert Path(variables["PATH"].split(os.pathsep)[0]).parent == project.venv
    assert variables["JUPYTER_PATH"].split(os.pathsep)[0] == str(project.venv / "share" / "jupyter")
    assert variables["JUPYTER_PREFER_ENV_PATH"] == "1"
    ours = variables["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0]
    defaults = Path(ours, "labconfig", "default_setting_overrides.json")
    (settings,) = json.loads(defaults.read_text(encoding="utf-8")).values()
    assert settings == {"checkForUpdates": False, "fetchNews": "false"}


def test_jupyter_paths_of_the_user_come_second(project: Project) -> None:
    _, out, _ = project.start(JUPYTER_PATH="elsewhere", JUPYTER_CONFIG_PATH="here")
    variables = json.loads(out.splitlines()[0])[3]
    assert variables["JUPYTER_PATH"] == f"{project.venv / 'share' / 'jupyter'}{os.pathsep}elsewhere"
    assert variables["JUPYTER_CONFIG_PATH"] == f"{project.root / 'tools' / 'jupyter'}{os.pathsep}here"


@pytest.mark.parametrize("folder", ["notebooks", "my_notebooks", "."])
def test_lab_opens_the_copy_of_the_named_notebook(project: Project, folder: str) -> None:
    for name in (f"{folder}/03 spawning.ipynb", str(project.root / folder / "03 spawning.ipynb")):
        _, out, _ = project.start(name)
        assert opened(out) == "my_notebooks/03%20spawning.ipynb"


def test_lab_opens_a_notebook_of_the_learner(project: Project) -> None:
    project.start()
    for name in ("my_notebooks/mine.ipynb", "mine.ipynb"):
        (project.root / name).write_text(json.dumps(LESSON), encoding="utf-8")
        assert opened(project.start(name)[1]) == name


def test_start_says_in_a_line_what_it_did_with_the_copies(project: Project) -> None:
    copies = project.root / "my_notebooks"
    _, _, err = project.start()
    assert err.splitlines()[1:] == [f"Copies of the lessons in {copies}: 2 made."]
    (copies / "00_start_here.ipynb").unlink()
    assert project.start()[2].splitlines() == [f"Copies of the lessons in {copies}: 1 made."]
    assert project.start()[2] == ""


def test_tests_make_no_copies(project: Project) -> None:
    project.start("test")
    assert not (project.root / "my_notebooks").exists()


def test_where_no_copy_can_be_made_the_lesson_is_opened(project: Project) -> None:
    (project.root / "my_notebooks").touch()
    code, out, err = project.start()
    assert (code, opened(out)) == (0, "notebooks/00_start_here.ipynb")
    assert "Copies of the lessons cannot be written into " in err
    assert (project.root / "my_notebooks").is_file()


def test_a_broken_lesson_is_named(project: Project) -> None:
    (project.root / "notebooks" / "03 spawning.ipynb").write_text("<<<<<<<", encoding="utf-8")
    code, _, err = project.start()
    assert code == 1
    assert "03 spawning.ipynb is not a notebook: restore it" in err
    assert "Traceback" not in err


def test_copies_for_students_need_no_installation(project: Project) -> None:
    folder = project.root.parent / "for students"
    code, out, err = project.start("copies", str(folder))
    assert (code, out, err) == (0, "", f"Copies of the lessons in {folder}: 2 made.\n")
    assert sorted(path.name for path in folder.glob("*.ipynb")) == [
        "00_start_here.ipynb",
        "03 spawning.ipynb",
    ]
    assert project.start("copies", str(folder))[2] == f"The copies in {folder} are up to date.\n"
    assert project.start("copies")[2].endswith("my_notebooks: 2 made.\n")
    assert (project.calls(), project.venv.exists()) == ([], False)


def test_copies_are_refused_among_the_lessons(project: Project) -> None:
    for arguments in ([str(project.root / "notebooks")], ["a", "b"], ["--help"]):
        assert project.refused("copies", *arguments).startswith("Name one folder for the copies")
    assert "name another folder" in project.refused("copies", str(project.root / "pyproject.toml"))


def test_unknown_notebook_is_refused(project: Project) -> None:
    sentence = project.refused("notebooks/99.ipynb")
    assert sentence.startswith("There is no notebook notebooks/99.ipynb in ")


def test_tests_get_the_options_and_give_the_exit_code(project: Project) -> None:
    code, out, _ = project.start("test", "-k", "family", "-x", STUB_EXIT="5")
    assert (code, heard(out)) == (5, ("pytest", ["-k", "family", "-x"]))
    assert project.calls() == ["venv .venv", "pip install .[cluster,notebooks,test]"]
    project.start()
    assert project.calls() == []  # what the tests need includes what JupyterLab needs


def test_tests_add_to_a_plain_start(project: Project) -> None:
    project.start()
    project.calls()
    project.start("test")
    assert project.calls() == ["pip install .[cluster,notebooks,test]"]


def test_changed_dependencies_are_noticed(project: Project) -> None:
    project.start("test")
    project.calls()
    (project.root / "pyproject.toml").write_text(PYPROJECT + "\n# more\n", encoding="utf-8")
    project.start()
    assert project.calls() == ["pip install .[cluster,notebooks,test]"]


def test_moved_folder_gets_a_new_environment(project: Project) -> None:
    project.start()
    project.calls()
    project.root = project.root.rename(project.root.with_name("moved 한글"))
    assert project.start()[0] == 0
    assert project.calls() == ["venv .venv", "pip install .[cluster,notebooks]"]


def test_help_installs_nothing(project: Project) -> None:
    code, out, _ = project.start("--help")
    assert (code, project.calls()) == (0, [])
    assert "python3 start.py test" in out


def test_no_network_then_network(project: Project) -> None:
    sentence = project.refused(UV_MOOD=NO_NETWORK)
    assert sentence.startswith("The packages cannot be fetched: connect to the network")
    assert project.start()[0] == 0


def test_no_network_keeps_what_works(project: Project) -> None:
    project.start()
    code, _, err = project.start("test", UV_MOOD="error sending request for url")
    assert (code, "connect to the network" in err) == (1, True)
    project.calls()
    assert project.start()[0] == 0
    assert project.calls() == []


def test_no_network_and_changed_dependencies_starts_with_what_is_there(project: Project) -> None:
    project.start()
    stamp = project.stamp()
    (project.root / "pyproject.toml").write_text(PYPROJECT + "\n# more\n", encoding="utf-8")
    code, out, err = project.start(UV_MOOD=NO_NETWORK)
    assert (code, heard(out)[0], project.stamp()) == (0, "jupyterlab", stamp)
    assert "connect to the network" in err
    assert err.endswith("Until then, this is what was installed before.\n")
    project.calls()
    assert (project.start()[0], project.calls()) == (0, ["pip install .[cluster,notebooks]"])


def test_no_network_and_a_new_dependency_says_so(project: Project) -> None:
    project.start()
    stamp = project.stamp()
    more = PYPROJECT.replace("dependencies = []", 'dependencies = ["new-thing>=2"]')
    (project.root / "pyproject.toml").write_text(more, encoding="utf-8")
    code, out, err = project.start(UV_MOOD=NO_NETWORK)
    assert (code, out, project.stamp()) == (1, "", stamp)
    assert "connect to the network" in err


@pytest.mark.parametrize("line", [1, 2], ids=["another Python", "a moved folder"])
def test_a_working_environment_stays_until_the_next_one_stands(project: Project, line: int) -> None:
    project.start()
    stamp = project.stamp()
    stamp[line] += "9"
    project.stamp(*stamp)
    (project.venv / "old.txt").touch()
    code, _, err = project.start(UV_MOOD=NO_NETWORK)
    assert (code, "Until then, this is what was installed before." in err) == (0, True)
    assert (project.stamp(), (project.venv / "old.txt").exists()) == (stamp, True)
    assert project.start()[0] == 0
    assert not (project.venv / "old.txt").exists()
    assert sorted(path.name for path in project.root.glob(".venv*")) == [".venv", ".venv.lock"]


def test_a_remake_that_was_killed_gives_the_old_environment_back(project: Project) -> None:
    project.start()
    stamp = project.stamp()
    project.venv.rename(project.root / ".venv.before")
    project.venv.mkdir()
    project.stamp("made by start.py", "unfinished")
    assert project.start(UV_MOOD=NO_NETWORK)[0] == 0
    assert project.stamp() == stamp


def test_a_package_that_somebody_removed_comes_back(project: Project) -> None:
    project.start()
    project.calls()
    (info,) = project.venv.rglob("*.dist-info")
    shutil.rmtree(info)
    assert (project.start()[0], project.calls()) == (0, ["pip install .[cluster,notebooks]"])


def test_full_disk(project: Project) -> None:
    assert project.refused(UV_MOOD="No space left on device (os error 28)").startswith(
        "The disk is full: free "
    )


def test_unknown_failure_shows_what_the_installer_said_last(project: Project) -> None:
    sentence = project.refused(
        UV_MOOD="Resolving\nERROR: the moon is full\nerror: subprocess-exited\nnote: a note"
    )
    assert sentence.startswith("The installation failed (ERROR: the moon is full); the command that failed: ")


def test_read_only_folder(project: Project) -> None:
    project.patch(READ_ONLY)
    assert "cannot be written: copy the folder to a place of your own" in project.refused()


def test_installed_read_only_folder_starts_with_any_python(project: Project) -> None:
    project.start()
    project.stamp(*[line.replace("Python 3.", "Python 4.") for line in project.stamp()])
    project.patch(READ_ONLY)
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
    assert heard(out)[1][-3:] == ["--ServerApp.port_retries=0", "--port", str(port)]


def test_killed_installation_is_mended(project: Project) -> None:
    project.start()
    project.calls()
    project.stamp("made by start.py", "unfinished")
    (project.venv / "half.txt").touch()
    assert project.start()[0] == 0
    assert project.calls() == ["venv .venv", "pip install .[cluster,notebooks]"]
    assert not (project.venv / "half.txt").exists()


def test_working_environment_of_another_tool_is_used_and_not_changed(project: Project) -> None:
    project.start("test")
    (project.venv / "start.txt").unlink()
    project.calls()
    before = project.tree()
    for arguments in ([], ["test"]):
        code, out, err = project.start(*arguments)
        assert (code, heard(out)[0]) == (0, "pytest" if arguments else "jupyterlab")
        assert f"Using {project.venv} as it is: start.py did not make it" in err
    assert (project.calls(), project.tree()) == ([], before)


def make_file(venv: Path) -> None:
    venv.write_text("mine", encoding="utf-8")


def make_link(venv: Path) -> None:
    venv.symlink_to("nowhere")


def make_folder(venv: Path) -> None:
    venv.mkdir()
    (venv / "mine.txt").touch()


def make_bare(venv: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=LIMIT)


def make_ancient(venv: Path) -> None:
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("#!/bin/sh\necho is of Python 3.9.2 >&2\nexit 1\n", encoding="utf-8")
    (venv / "bin" / "python").chmod(0o755)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (make_file, "is not a folder"),
        pytest.param(make_link, "is not a folder", marks=posix_signals),
        (make_folder, "has no Python that starts"),
        (make_bare, "lacks multiprocessing-notebooks"),
        pytest.param(make_ancient, "is of Python 3.9.2", marks=posix_signals),
    ],
    ids=["a file", "a link", "a folder", "a bare environment", "an old Python"],
)
@pytest.mark.parametrize("mood", ["", NO_NETWORK], ids=["online", "offline"])
def test_what_start_did_not_make_stays_as_it_is(
    project: Project, make: Callable[[Path], None], found: str, mood: str
) -> None:
    make(project.venv)
    before = project.tree()
    code, out, err = project.start(UV_MOOD=mood)
    assert (code, out, project.tree(), project.calls()) == (1, "", before, [])
    assert err.startswith(
        f"{project.venv} was not made by start.py and {found}, so it stays as it is: rename it"
    )
    assert err.count("\n") == 1


def test_a_link_to_an_environment_of_start_is_not_changed(project: Project) -> None:
    """The stamp in there speaks of the folder that the link leads to."""
    project.start()
    real = project.venv.rename(project.root / "real")
    project.venv.symlink_to(real, target_is_directory=True)
    (project.root / "pyproject.toml").write_text(PYPROJECT + "\n# more\n", encoding="utf-8")
    project.calls()
    assert (project.start()[0], project.calls(), project.venv.is_symlink()) == (0, [], True)


def test_empty_folder_is_taken(project: Project) -> None:
    project.venv.mkdir()
    assert project.start()[0] == 0
    assert project.calls() == ["venv .venv", "pip install .[cluster,notebooks]"]


@posix_signals
def test_two_first_starts_at_once_make_one_environment(project: Project) -> None:
    with project.popen(UV_MOOD="waits") as first:
        wait_until((project.tools / "waiting").exists, first)
        with project.popen() as second:
            assert second.stderr
            assert second.stderr.readline() == "Another start is installing here: waiting for it ...\n"
            (project.tools / "go").touch()
            ends = [door.communicate(timeout=LIMIT) for door in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], ends
    assert project.calls() == ["venv .venv", "pip install .[cluster,notebooks]"]
    assert sum("2 made." in err for _, err in ends) == 1


@posix_signals
def test_the_lock_ends_with_those_who_install(project: Project) -> None:
    """The installer of a start that was killed is at work: the next one waits for it, for nobody else."""
    with project.popen(UV_MOOD="waits") as first:
        wait_until((project.tools / "waiting").exists, first)
        first.kill()
        first.communicate(timeout=LIMIT)
    with project.popen() as second:
        assert second.stderr
        assert second.stderr.readline() == "Another start is installing here: waiting for it ...\n"
        for number in (project.tools / "waiting").read_text(encoding="utf-8").split():
            os.kill(int(number), signal.SIGKILL)
        _, err = second.communicate(timeout=LIMIT)
    assert second.returncode == 0, err
    assert project.calls() == 2 * ["venv .venv", "pip install .[cluster,notebooks]"]


@posix_signals
def test_a_long_installation_shows_that_it_goes_on_and_has_a_limit(project: Project) -> None:
    project.patch(FAST_CLOCK)
    code, out, err = project.start(UV_MOOD="waits", START_LIMIT="12")
    _, *progress, sentence = err.splitlines()
    assert (code, out) == (1, "")
    said = [line.split("s", 1)[1].strip() for line in progress]
    assert set(said) <= {"...", "Resolved 1 package"}  # a busy machine may not have said a word at first
    assert said[-1:] == ["Resolved 1 package"]
    assert sentence.startswith(
        "The installation was stopped after 12 s (at: Resolved 1 package): start again"
    )
    assert sentence.endswith("START_LIMIT=36.")
    assert not project.venv.exists()
    numbers = (project.tools / "waiting").read_text(encoding="utf-8").split()
    assert numbers
    wait_for(lambda: not any(map(alive, numbers)), 30, "their end")


def alive(number: str) -> bool:
    """Tell whether that process is there and no zombie (an orphan's is its new parent's to collect)."""
    try:
        return psutil.Process(int(number)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("PYTHONOPTIMIZE", "2", False),
        ("PYTHONOPTIMIZE", "1", True),
        ("PYTHONINSPECT", "1", False),
        ("PYTHONDONTWRITEBYTECODE", "1", False),
        ("PYTHONWARNINGS", "ignore", True),
    ],
)
def test_what_breaks_the_lessons_is_left_out_and_it_is_said(
    project: Project, name: str, value: str, kept: bool
) -> None:
    project.start("test")
    for arguments in ([], ["test"]):
        _, out, err = project.start(*arguments, **{name: value})
        assert (json.loads(out.splitlines()[0])[3].get(name) == value) == kept
        assert (f"{name}={value} is left out: " in err) != kept


def test_helpers_of_others_are_left_out_and_it_is_said(project: Project) -> None:
    theirs, harmless = project.root.parent / "theirs", project.root.parent / "harmless"
    for folder, name in ((theirs, "helpers.py"), (harmless, "other.py")):
        folder.mkdir()
        (folder / name).touch()
    ours = project.root / "src"
    _, out, err = project.start(PYTHONPATH=os.pathsep.join(map(str, (theirs, harmless, ours))))
    assert json.loads(out.splitlines()[0])[3]["PYTHONPATH"] == f"{harmless}{os.pathsep}{ours}"
    assert f"{theirs} in PYTHONPATH is left out: " in err


def test_help_needs_no_docstrings(project: Project) -> None:
    code, out, _ = project.start("--help", PYTHONOPTIMIZE="2")
    assert (code, "python3 start.py copies FOLDER" in out) == (0, True)


@posix_signals
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.usefixtures("interruptible")
def test_interrupted_installation_leaves_nothing_and_is_mended(
    project: Project, name: str, code: int
) -> None:
    with project.popen(UV_MOOD="waits") as door:
        wait_until((project.tools / "waiting").exists, door)
        os.killpg(door.pid, signal.Signals[name])
        _, err = door.communicate(timeout=LIMIT)
    assert (door.returncode, project.venv.exists()) == (code, False)
    assert "Traceback" not in err
    numbers = (project.tools / "waiting").read_text(encoding="utf-8").split()
    assert numbers
    wait_for(lambda: not any(map(alive, numbers)), 30, "their end")
    assert project.start()[0] == 0


@posix_signals
@pytest.mark.usefixtures("interruptible")
def test_an_impatient_second_interrupt_leaves_nothing_either(project: Project) -> None:
    with project.popen(UV_MOOD="waits", UV_DEAF="") as door:
        for mark in ("waiting", "heard"):  # the installer goes on after the first
            wait_until((project.tools / mark).exists, door)
            os.killpg(door.pid, signal.SIGINT)
        _, err = door.communicate(timeout=LIMIT)
    assert (door.returncode, project.venv.exists(), "Traceback" in err) == (130, False, False)
    numbers = (project.tools / "waiting").read_text(encoding="utf-8").split()
    wait_for(lambda: not any(map(alive, numbers)), 30, "their end")


@posix_signals
@pytest.mark.parametrize(
    ("arguments", "to_group", "told"),
    [([], False, "SIGTERM"), (["test"], False, "SIGINT"), ([], True, "SIGINT"), (["test"], True, "SIGINT")],
    ids=["lab, SIGTERM", "tests, SIGTERM", "lab, Ctrl-C", "tests, Ctrl-C"],
)
@pytest.mark.usefixtures("interruptible")
def test_signals_end_the_child_first(
    project: Project, arguments: list[str], to_group: bool, told: str
) -> None:
    project.start("test")
    project.start()
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
    said_once = [line for line in err.splitlines() if not line.startswith("  ")]  # the others count seconds
    assert (code, len(said_once)) == (0, 1), err
    assert heard(out) == ("pytest", ["-q"])
    python = project.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    probe = [str(python), "-c", "import helpers; print(ascii(helpers.__file__))"]
    said = subprocess.run(probe, env=project.environment | ascii_only, capture_output=True, timeout=LIMIT)
    assert ast.literal_eval(said.stdout.decode()) == str(project.root / "src" / "helpers" / "__init__.py"), (
        said
    )
