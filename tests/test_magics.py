"""A cell of workers is what children run, in its newest version, under every start method."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.exercises.judging.verdict import check
from helpers.programs import magics
from helpers.programs.importable import NotImportable, refuse_unimportable
from helpers.programs.program import run_program
from helpers.programs.withdrawn import NoWorkers

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
    [("def f(:\n", SyntaxError), ("return 1\n", SyntaxError), ("h = 1\nf = missing\n", NameError)],
)
def test_a_version_that_cannot_be_imported_takes_the_earlier_one_away(
    namespace: dict[str, Any], source: str, error: type[Exception]
) -> None:
    """From disk, from what Python has imported, and from everything that was taken out of it."""
    module = magics.write_workers("my_workers", "def f():\n    return 1\n", namespace)
    namespace["mine"] = old = module.f
    magics.write_workers("others", "from my_workers import f\n", namespace)
    with pytest.raises(error):
        magics.write_workers("my_workers", source, namespace)
    assert "my_workers" not in sys.modules
    assert [path.name for path in magics.workers_folder().rglob("my_workers*")] == []
    assert namespace["my_workers"] is module
    assert not [value for value in vars(module).values() if value is old]
    assert "h" not in vars(module), "a name of the failed version stays"
    for taken in (module.f, namespace["mine"], namespace["others"].f):
        with pytest.raises(NoWorkers, match=rf"failed when it ran last \({error.__name__}\)"):
            taken()
        with pytest.raises(NoWorkers):
            pickle.dumps(taken)
        with pytest.raises(NotImportable, match="there is no my_workers: mend the cell"):
            refuse_unimportable(taken)
        assert check("start_here/count-lines", taken).sentence.startswith("the cell `%%workers my_workers`")
    assert not check("start_here/count-lines", module)
    magics.write_workers("my_workers", "def f():\n    return 2\n", namespace)
    assert namespace["mine"]() == namespace["others"].f() == namespace["my_workers"].f() == 2


def test_what_the_cell_makes_no_more_is_withdrawn(namespace: dict[str, Any]) -> None:
    module = magics.write_workers("my_workers", "def f():\n    return 1\n", namespace)
    namespace["mine"] = module.f
    magics.write_workers("my_workers", "def g():\n    return 1\n", namespace)
    with pytest.raises(NoWorkers, match="makes no `f` any more"):
        namespace["mine"]()


SERVED = """\
import multiprocessing
from helpers.programs.magics import write_workers

if __name__ == "__main__":
    context, names = multiprocessing.get_context("forkserver"), {}
    context.set_forkserver_preload(["my_workers"])
    write_workers("my_workers", "def f(_):\\n    return 1\\n", names)
    with context.Pool(1) as pool:
        print(pool.map(names["my_workers"].f, [0]))
    try:
        write_workers("my_workers", "def f(_:\\n", names)
    except SyntaxError:
        child = context.Process(target=exec, args=("import my_workers",))
        child.start()
        child.join()
        print("exit code", child.exitcode)
"""


@pytest.mark.skipif("forkserver" not in METHODS, reason="this system has no fork server")
def test_the_fork_server_does_not_hold_what_was_withdrawn() -> None:
    outcome = run_program(SERVED, limit=60)
    assert "[1]\nexit code 1\n" in outcome.stdout.replace("my_workers.py saved and imported: f\n", ""), (
        outcome
    )
    assert "No module named 'my_workers'" in outcome.stderr


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
        assert len(list(tmp_path.iterdir())) == (end != "pass")


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
shell = InteractiveShell.instance(colors="nocolor")
import helpers
def run(cell):
    result = shell.run_cell(cell)
    print("->", repr(result.result))
run("%%workers my_workers\\ndef double(x):\\n    return 2 * x\\n")
run("my_workers.double(4)")
script = "from my_workers import double\\nprint(__file__, double(1))"
run(f"%%program --limit 20 --into told identity.py\\n{script}")
run("told.exit_code")
script = "import multiprocessing\\nprint(multiprocessing.get_start_method(), __file__)"
run(f"%%program --under spawn identity.py\\n{script}")
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
    assert "write %%program [--under METHOD] [--limit SECONDS]" in told
    assert "-> spawn identity.py\nexit code 0\n" in told


CELLS = """\
import os
os.environ["IPYTHONDIR"] = os.getcwd()
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
def run(cell, cell_id):
    result = shell.run_cell(cell, cell_id=cell_id)
    if result.result is not None:
        print("->", repr(result.result)[:70])
right = "def count_lines(path):\\n    with open(path, 'rb') as file:\\n        return len(file.readlines())"
asked = "check('start_here/count-lines', my_workers.count_lines)"
run("from helpers import check", "first")
if __name__ == "__main__":
    run(f"%%workers my_workers\\n{right}", "a")
    run(asked, "b")
    run(f"%%workers my_workers\\n{right[:-1]}", "a")  # without its last bracket
    run("1", "c")
    run(asked, "b")
    run(f"%%workers my_workers\\n{right}", "a")
    run(asked, "b")
    run(f"%%workers my workers\\n{right}", "a")  # not a name
    run("2", "c")
    run(asked, "b")
    run(f"%%workers my_workers\\n{right}", "a")
    run(f"%%workers other_name\\n{right}", "a")  # the cell makes another module now
    run(asked, "b")
    run("answer = list((3, 2, 0, 0, 1))", "d")
    run("check('leave_nothing_running/alive', answer)", "e")
    run("answer = list((3, 2, 0, 0, 1)", "d")
    run("check('leave_nothing_running/alive', answer)", "e")
    run("answer = list((3, 2, 0, 0, 1))", "d")
    run("check('leave_nothing_running/alive', answer)", "e")
"""


def test_a_check_never_judges_code_that_is_not_on_the_screen() -> None:
    """A right cell, then the same cell without a bracket, under another name, or with a plain error."""
    outcome = run_program(CELLS, limit=60)
    told = [line for line in outcome.stdout.splitlines() if line.startswith("->")]
    assert [line[:52] for line in told] == [
        "-> ✓ correct: two processes imported your worker, an",
        "-> 1",
        "-> ✗ not yet: the cell `%%workers my_workers` failed",
        "-> ✓ correct: two processes imported your worker, an",
        "-> 2",
        "-> ✗ not yet: the cell `%%workers my_workers` makes ",
        "-> ✗ not yet: the cell `%%workers my_workers` makes ",
        "-> ✓ correct: a pool lives as long as something hold",
        "-> ✗ not yet: the cell that ran before this one fail",
        "-> ✓ correct: a pool lives as long as something hold",
    ], outcome


def test_without_a_notebook_there_is_nothing_to_register() -> None:
    """A plain interpreter is left alone."""
    assert repr(run_program("from helpers.programs.magics import register\nregister()\n")) == "exit code 0"
