"""Workers are importable alone, light, picklable, and do what their sentence says."""

import inspect
import multiprocessing
import pickle
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import helpers.workers
from helpers.workers import clumsy, endings, naps, numbers, source, talk

MODULES = sorted(
    f"helpers.workers.{module.name}" for module in pkgutil.iter_modules(helpers.workers.__path__)
)
SPAWN = multiprocessing.get_context("spawn")

FOREIGN = """
import sys
before = set(sys.modules)
import {name}
new = set(sys.modules) - before
files = {{name: getattr(sys.modules[name], "__file__", None) or "" for name in new}}
others = {{name: file for name, file in files.items() if name.partition(".")[0] != "helpers"}}
print(sorted(name for name, file in others.items() if "site-packages" in file or "dist-packages" in file))
print(sorted(new & {{"asyncio", "concurrent.futures", "dataclasses", "logging", "pathlib", "typing"}}))
"""


def foreign_and_heavy(name: str) -> list[str]:
    """Return two lists as text: third parties' modules and the library's heavy ones that the import loads."""
    program = FOREIGN.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["helpers", "helpers.workers"])
def test_the_packages_import_nearly_nothing(name: str) -> None:
    assert foreign_and_heavy(name) == ["[]", "[]"]


@pytest.mark.parametrize("name", MODULES)
def test_each_module_imports_alone_and_no_third_party(name: str) -> None:
    assert foreign_and_heavy(name)[0] == "[]"


@pytest.mark.parametrize("name", MODULES)
def test_each_worker_is_pickled_by_reference_and_says_what_it_does(name: str) -> None:
    module = import_module(name)
    for worker in vars(module).values():
        if inspect.isfunction(worker) and worker.__module__ == name and not worker.__name__.startswith("_"):
            assert pickle.loads(pickle.dumps(worker)) is worker
            assert worker.__doc__


def test_numbers() -> None:
    assert numbers.square(7) == 49
    assert [n for n in range(-3, 30) if numbers.is_prime(n)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
    assert numbers.count_primes(1000) == 168


def test_naps_return_what_was_asked_for() -> None:
    assert naps.nap(0.0) == 0.0
    told = SPAWN.Event()
    assert naps.nap_until(told, limit=0.01) is False
    told.set()
    assert naps.nap_until(told) is True


def test_definitions_of_a_file_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "세다 counted.py"
    file.write_text(
        "def f():\n    class C:\n        async def g(self): pass\nh = lambda: 0\n", encoding="utf-8"
    )
    assert source.count_definitions(str(file)) == 3


@pytest.mark.parametrize("text", [b"def f(:\n", b"\xff\xfe\x00", b"# coding: klingon\n", b"x = 1\0\n"])
def test_a_file_that_is_not_python_counts_nothing(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "broken.py"
    file.write_bytes(text)
    assert source.count_definitions(str(file)) == 0


def test_a_file_warned_about_is_counted_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "old.py"
    file.write_text("def f(): return '\\d' is 1\n", encoding="utf-8")
    assert source.count_definitions(str(file)) == 1  # warnings are errors in these tests


def test_the_library_is_all_there() -> None:
    files = source.library_files()
    assert files == sorted(files)
    assert len(files) > 300
    assert {"ast.py", "pool.py"} <= {Path(file).name for file in files}
    assert not [file for file in files if {"site-packages", "__pycache__"} & set(Path(file).parts)]
    assert source.count_definitions(multiprocessing.process.__file__) > 20


def exit_code(target: object, *args: object) -> int | None:
    """Return how a spawned child ended."""
    child = SPAWN.Process(target=target, args=args)  # type: ignore[arg-type]
    child.start()
    child.join(60)
    code = child.exitcode
    child.kill()
    child.join()
    child.close()
    return code


def test_endings(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code(endings.raise_error) == 1
    assert exit_code(endings.exit_with) == 3
    assert exit_code(endings.exit_with, None) == 0
    assert exit_code(endings.exit_hard) == 4
    number = int(signal.SIGTERM)
    assert exit_code(endings.end_by_signal) == (number if sys.platform == "win32" else -number)
    assert "ValueError: something went wrong in the child" in capfd.readouterr().err


def test_an_answer_comes_back() -> None:
    here, there = SPAWN.Pipe(duplex=False)
    with here:
        talk.send_answer(there, pow, 2, 5)
        assert here.recv() == 32
    assert there.closed


@pytest.mark.parametrize(
    ("worker", "argument"),
    [
        (endings.exit_hard, 4),
        (clumsy.shout_or_die, "die"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_no_main_process_is_ended(worker: Callable[[Any], object], argument: Any) -> None:
    """Where parmap can make no pool, it calls its function in the reader's kernel."""
    with pytest.raises(RuntimeError, match="would end this process, which is no child"):
        worker(argument)
