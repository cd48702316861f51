"""The gatekeeper lets pass what a child can import; a sentence with the cure refuses the rest."""

import functools
import importlib
import math
import operator
import re
import sys
import types
from pathlib import Path

import pytest

from helpers.programs.importable import NotImportable, refuse_unimportable
from helpers.programs.program import run_program


class Times:
    """A callable object, as picklable as what it holds."""

    def __init__(self, function: object = len) -> None:
        """Keep a function."""
        self.function = function

    def __call__(self, number: int) -> int:
        """Return the number doubled."""
        return number * 2

    def method(self, number: int) -> int:
        """Return the number."""
        return number


@functools.lru_cache
def cached(number: int) -> int:
    """Return the number."""
    return number


def plain(number: int) -> int:
    """Return the number."""
    return number


IMPORTABLE = [
    plain, cached, Times, Times(), Times().method, Times(plain), len, math.sqrt, int, str.upper, [].append,
    functools.partial(plain, 1), operator.itemgetter(0), Path.exists, "{}".format,
]  # fmt: skip


def without_address(function: object) -> str:
    """Return a name that is the same in every process, so that tests can be shared out."""
    return re.sub(r" at 0x\w+", "", repr(function))


@pytest.mark.parametrize("function", IMPORTABLE, ids=without_address)
def test_what_a_child_can_import_passes(function: object) -> None:
    """Nothing is raised."""
    refuse_unimportable(function)  # type: ignore[arg-type]


def nest() -> types.FunctionType:
    """Return a function that has no importable name."""

    def inner() -> None:
        """Do nothing."""

    return inner  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: 1, "A lambda has no name"),
        (nest(), "`inner` is defined inside `nest`"),
        (functools.partial(nest(), 1), "`inner` is defined inside"),
        (functools.partial(Times, nest()), "`inner` is defined inside"),
        (Times(nest()), "`inner` is defined inside"),
        (functools.lru_cache(nest()), "`inner` is defined inside"),
    ],
    ids=[
        "lambda",
        "nested",
        "partial of nested",
        "partial with nested",
        "object with nested",
        "cached nested",
    ],
)
def test_what_a_child_cannot_import_is_refused(function: object, words: str) -> None:
    """One sentence says what it is and names the cure."""
    with pytest.raises(NotImportable) as refusal:
        refuse_unimportable(function)  # type: ignore[arg-type]
    assert words in str(refusal.value)
    assert "%%workers" in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_result_instead_of_a_function_is_refused() -> None:
    """`pool.map(f(), xs)` is a classic."""
    with pytest.raises(NotImportable, match="42 is not a function"):
        refuse_unimportable(42)  # type: ignore[arg-type]


def test_stale_missing_and_unfindable_modules_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function must be what its module holds now, and the module where a child looks for it."""
    file = tmp_path / "gatekept_module.py"
    file.write_text("def work(x):\n    return x\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("gatekept_module")
    monkeypatch.setitem(sys.modules, "gatekept_module", module)
    old = module.work
    refuse_unimportable(old)
    importlib.reload(module)
    with pytest.raises(NotImportable, match=r"pass `gatekept_module\.work` again"):
        refuse_unimportable(old)
    sys.path.remove(str(tmp_path))
    with pytest.raises(NotImportable, match=r"cannot find on `sys\.path`"):
        refuse_unimportable(module.work)
    sys.path.insert(0, str(tmp_path))
    file.unlink()
    with pytest.raises(NotImportable, match=r"cannot find on `sys\.path`"):
        refuse_unimportable(module.work)


PROGRAM = """\
from helpers.programs.importable import refuse_unimportable, NotImportable

def work(x):
    return x

class Worker:
    def __call__(self, x):
        return x

if __name__ == "__main__":
    for each in (work, Worker, Worker()):
        try:
            refuse_unimportable(each)
        except NotImportable as refusal:
            print(refusal)
    print("done")
"""


def test_a_script_may_use_its_own_functions() -> None:
    """Children run the script's file again, so they find them."""
    assert run_program(PROGRAM).stdout == "done\n"


def test_cells_are_refused_in_a_running_ipython() -> None:
    """A cell's function is refused even where a script's file stands behind `__main__`."""
    shell = (
        "import os, tempfile; os.environ['IPYTHONDIR'] = tempfile.gettempdir()\n"
        "from IPython.testing.globalipapp import start_ipython\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance()\n"
    )
    told = run_program(shell + PROGRAM, limit=60).stdout
    assert told.count("is typed in a cell, and a worker process cannot import a cell") == 3, told
    assert "%%workers" in told


def test_the_gatekeeper_needs_the_standard_library_only() -> None:
    """Whoever imports it pays nothing for third-party packages."""
    source = (
        "import sys, helpers.programs.importable\n"
        "print(sorted({'psutil', 'IPython', 'numpy'} & set(sys.modules)))\n"
    )
    assert run_program(source).stdout == "[]\n"
