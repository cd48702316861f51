"""Right answers pass, planted wrong ones are refused with their own message, and nothing is left of either.

To plant wrong answers for the exercises of a notebook, add `tests/mutants/<topic>.py` with any of
- `VALUES = {"topic/name": (right, [Wrong(answer, words), ...])}` for answers that are judged in the notebook;
- `WORKERS = {"topic/name": Worker(checked, source, [(old, new, words), ...])}` for modules of workers: each
  edit replaces `old` by `new` in the right source; `words` is what the check must say.  Leave `source` empty
  to take the notebook's cell `exN-solution` whose check is `check("topic/name", ...)`; it then starts with
  `%%workers NAME`.
Every exercise that runs in a child interpreter must have mutants: `test_every_exercise_has_mutants` says so.
"""

import ast
import importlib
import json
import multiprocessing
import pkgutil
import re
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tests.mutants
from helpers.exercises import check
from helpers.exercises.judging.registry import exercises
from helpers.programs import magics
from tests.mutants.kinds import Worker, Wrong

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METHODS = multiprocessing.get_all_start_methods()
TOPICS = [
    importlib.import_module(f"tests.mutants.{module.name}")
    for module in pkgutil.iter_modules(tests.mutants.__path__)
    if module.name != "kinds"
]
VALUES: dict[str, tuple[object, list[Wrong]]] = {
    name: planted for topic in TOPICS for name, planted in getattr(topic, "VALUES", {}).items()
}
WORKERS: dict[str, Worker] = {
    name: planted for topic in TOPICS for name, planted in getattr(topic, "WORKERS", {}).items()
}


@cache
def cells() -> dict[str, dict[str, str]]:
    """Return the sources of the cells of each exercise that a notebook checks, by part: stub, solution."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        all_cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        by_id = {cell.get("id", ""): "".join(cell["source"]) for cell in all_cells}
        for cell_id, source in by_id.items():
            checked = re.search(r'check\("([\w-]+/[\w-]+)"', source)
            number = re.match(r"(ex\d+)-", cell_id)
            if checked and number:
                for part in ("stub", "solution"):
                    found.setdefault(checked[1], {})[part] = by_id.get(f"{number[1]}-{part}", "")
    return found


def solution(name: str) -> str:
    """Return the right source of a module of workers."""
    if WORKERS[name].source:
        return WORKERS[name].source
    magic, _, source = cells()[name]["solution"].partition("\n")
    assert magic.startswith("%%workers"), f"the solution of {name} must start with %%workers: {magic}"
    return source


@pytest.fixture(autouse=True)
def _private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules of workers go into a folder of this test and are forgotten after it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(magics, "_folders", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("my_workers", None)
    left = [path for path in tmp_path.iterdir() if not path.name.startswith(magics.PREFIX)]
    assert left == [], "a check left files behind"


def answer_in(name: str, source: str) -> Any:
    """Return what a learner hands in: the checked function of a module made from `source`."""
    return getattr(magics.write_workers("my_workers", source, {}), WORKERS[name].checked)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", WORKERS)
def test_right_workers_pass(name: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under every start method."""
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: method)
    verdict = check(name, answer_in(name, solution(name)))
    assert verdict.passed, verdict


EDITS = [(name, *edit) for name, worker in WORKERS.items() for edit in worker.edits]


@pytest.mark.parametrize(
    ("name", "old", "new", "words", "method"),
    [
        (*edit, METHODS[number % len(METHODS)]) for number, edit in enumerate(EDITS)
    ],  # each method gets its share
)
def test_wrong_workers_are_refused_with_their_own_words(
    name: str, old: str, new: str, words: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong, the sentence names it."""
    right = solution(name)
    assert old in right, f"the solution of {name} does not contain {old!r} any more"
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: method)
    verdict = check(name, answer_in(name, right.replace(old, new)))
    assert verdict.state == "not yet"
    assert words in verdict.sentence


@pytest.mark.parametrize("name", VALUES)
def test_right_values_pass_and_wrong_ones_are_refused(name: str) -> None:
    """Each wrong value with its own words, and `...` is to do."""
    right, planted = VALUES[name]
    assert check(name, right).passed, check(name, right)
    assert check(name, ...).state == "to do"
    for wrong in planted:
        verdict = check(name, wrong.answer)
        assert verdict.state == "not yet", wrong
        assert wrong.words in verdict.sentence


@pytest.mark.parametrize(
    "name", sorted(name for name, parts in cells().items() if "%%workers" in parts.get("stub", ""))
)
def test_stubs_are_to_do(name: str) -> None:
    """A notebook that was never touched says so, and says nothing is wrong."""
    source = cells()[name]["stub"].partition("\n")[2]
    checked = WORKERS[name].checked if name in WORKERS else _last_function(source)
    module = magics.write_workers("my_workers", source, {})
    assert check(name, getattr(module, checked)).state == "to do"


def _last_function(source: str) -> str:
    functions = [
        node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return functions[-1]


def test_every_exercise_has_mutants() -> None:
    """A check that nobody tried to fool is not a check."""
    without = [each.name for each in exercises() if each.in_child and each.name not in WORKERS]
    assert without == []
