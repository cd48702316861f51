"""A cell of workers is what children run, in its newest version, under every start method."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.programs import magics
from helpers.programs.program import run_program

METHODS = multiprocessing.get_all_start_methods()


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Yield a notebook's names, with a folder of workers that is gone after the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(magics, "_folders", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield {}
    for name in set(sys.modules) - before:
        del sys.modules[name]


EDITED = """\
import multiprocessing, sys
from helpers.programs.magics import write_workers

if __name__ == "__main__":
    names = {}
    context = multiprocessing.get_context(sys.argv[1])
    if sys.argv[1] == "forkserver":
        multiprocessing.set_forkserver_preload(["my_workers"])
    for version in "ABC":
        source = f"def tell(_):\\n    return '{version}'\\n"
        write_workers("my_workers", source, names)
        names.setdefault("tell", names["my_workers"].tell)  # as `from my_workers import tell` does, once
        with context.Pool(1) as pool:
            print(pool.map(names["tell"], [0]), pool.map(names["my_workers"].tell, [0]), names["tell"](0))
"""


@pytest.mark.parametrize("method", METHODS)
def test_the_edited_worker_is_the_worker_that_runs(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three versions of one size within a second, taken by name and by module: the newest always runs."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # bytecode is what an edit can be hidden by
    outcome = run_program(EDITED, method, limit=60)
    told = [line for line in outcome.stdout.splitlines() if line.startswith("[")]
    assert told == [f"['{version}'] ['{version}'] {version}" for version in "ABC"], outcome


def test_the_line_it_prints_is_constant(
    namespace: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same cell prints the same line, however often it runs."""
    for _ in range(2):
        magics.write_workers(
            "my_workers", "def b():\n    pass\n\n\ndef a():\n    pass\n\n\n_c = 1\n", namespace
        )
    printed = capsys.readouterr()
    assert printed.out == "my_workers.py saved and imported: b, a\n" * 2
    assert printed.err == ""


def test_names_taken_from_an_earlier_version_are_renewed(namespace: dict[str, Any]) -> None:
    """In the notebook and in other worker modules; what is gone from the source is gone from the module."""
    first = magics.write_workers(
        "my_workers", "def f():\n    return 1\n\n\ndef gone():\n    return 1\n", namespace
    )
    namespace["mine"] = first.f
    magics.write_workers("others", "from my_workers import f\n", namespace)
    again = magics.write_workers("my_workers", "def f():\n    return 2\n", namespace)
    assert namespace["mine"]() == 2
    assert namespace["others"].f is again.f
    assert not hasattr(again, "gone")


@pytest.mark.parametrize(
    ("source", "error"),
    [("def f(:\n", SyntaxError), ("return 1\n", SyntaxError), ("f = missing\n", NameError)],
)
def test_a_version_that_cannot_be_imported_changes_nothing(
    namespace: dict[str, Any], source: str, error: type[Exception]
) -> None:
    """What worked goes on working, here and in children."""
    module = magics.write_workers("my_workers", "def f():\n    return 1\n", namespace)
    with pytest.raises(error):
        magics.write_workers("my_workers", source, namespace)
    assert namespace["my_workers"].f() == 1
    assert Path(str(module.__file__)).read_text(encoding="utf-8") == "def f():\n    return 1\n"


def test_a_first_version_that_cannot_be_imported_leaves_no_file(namespace: dict[str, Any]) -> None:
    """The next try starts afresh."""
    with pytest.raises(NameError):
        magics.write_workers("my_workers", "missing\n", namespace)
    assert list(magics.workers_folder().glob("*.py")) == []
    magics.write_workers("my_workers", "def f():\n    return 1\n", namespace)


@pytest.mark.parametrize(
    "name", ["", "two words", "1st", "class", "json", "psutil", "helpers", "a.b", "../up"]
)
def test_names_that_cannot_be_used_are_refused(namespace: dict[str, Any], name: str) -> None:
    """The sentence says why and gives an example."""
    with pytest.raises(ValueError, match="%%workers my_workers"):
        magics.write_workers(name, "pass\n", namespace)


def test_korean_names_can_be_used(namespace: dict[str, Any]) -> None:
    """A module may be called what a Korean reader calls it."""
    assert magics.write_workers("일꾼", "def 제곱(수):\n    return 수**2\n", namespace).제곱(3) == 9


@pytest.mark.parametrize(
    "source",
    [
        "from multiprocessing import Pool\npool = Pool(2)\n",
        "import multiprocessing as m\nm.Process().start()\n",
    ],
)
def test_a_module_that_would_start_processes_on_import_is_refused(
    namespace: dict[str, Any], source: str
) -> None:
    """Before it is imported, as every child would do it again."""
    with pytest.raises(ValueError, match=r"line 2 of my_workers\.py calls"):
        magics.write_workers("my_workers", source, namespace)


def test_the_folder_is_private_first_and_absolute(namespace: dict[str, Any]) -> None:
    """Children receive it with sys.path; nobody else can write to it."""
    folder = magics.workers_folder()
    assert folder.is_absolute()
    assert sys.path[0] == str(folder)
    assert magics.workers_folder() == folder
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0


def test_the_folder_goes_with_its_process_and_is_swept_after_a_kill(tmp_path: Path) -> None:
    """An ordinary end removes it; after a kill, the next process does."""
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path))
    code = "import sys, os; from helpers.programs.magics import workers_folder; workers_folder(); "
    for end in ("os.kill(os.getpid(), 9)" if os.name == "posix" else "os._exit(9)", "pass"):
        subprocess.run([sys.executable, "-c", code + end], env=environment, timeout=60, check=False)
        left = list(tmp_path.glob("helpers-workers-*"))
        assert len(left) == (end != "pass")


def test_running_processes_that_keep_the_earlier_version_are_told_of() -> None:
    """An open pool cannot be renewed; the cell says so."""
    source = (
        "import multiprocessing\n"
        "from helpers.programs.magics import write_workers\n"
        "if __name__ == '__main__':\n"
        "    names = {}\n"
        "    write_workers('my_workers', 'def f(_): return 1', names)\n"
        "    with multiprocessing.Pool(1) as pool:\n"
        "        write_workers('my_workers', 'def f(_): return 2', names)\n"
    )
    assert "keep the earlier my_workers: make a new pool" in run_program(source, limit=60).stderr


SHELL = """\
import os
os.environ["IPYTHONDIR"] = os.getcwd()
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
import helpers
def run(cell):
    result = shell.run_cell(cell)
    print("->", repr(result.result))
run("%%workers my_workers\\ndef double(x):\\n    return 2 * x\\n")
run("my_workers.double(4)")
script = "from my_workers import double\\nprint(__file__, double(1))"
run(f"%%program --limit 20 --into told identity.py\\n{script}")
run("told.exit_code")
run("%%program --limit never\\npass")
"""


def test_the_magics_are_there_after_import_helpers() -> None:
    """In IPython, both cells work, and a program can import the workers."""
    outcome = run_program(SHELL, limit=60)
    told = outcome.stdout
    assert "my_workers.py saved and imported: double" in told, outcome
    assert "-> 8\n" in told
    assert "-> identity.py 2\nexit code 0\n" in told
    assert "-> 0\n" in told
    assert "write %%program [--limit SECONDS]" in told


def test_without_a_notebook_there_is_nothing_to_register() -> None:
    """A plain interpreter is left alone."""
    assert repr(run_program("from helpers.programs.magics import register\nregister()\n")) == "exit code 0"
