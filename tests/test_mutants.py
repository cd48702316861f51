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
import multiprocessing.util
import os
import pkgutil
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tests.mutants
from helpers.exercises.judging import registry
from helpers.exercises.judging.verdict import Verdict, check, judge
from helpers.processes.folders import left_in
from helpers.programs import magics
from tests.mutants.kinds import Worker, Wrong

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
AT_ONE_TIME = 6  # answers of one exercise that are judged side by side
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
    """Return the sources of the cells of each exercise that a notebook checks, by part."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        all_cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        by_id = {cell.get("id", ""): "".join(cell["source"]) for cell in all_cells}
        for cell_id, source in by_id.items():
            checked = re.search(r'check\("([\w-]+/[\w-]+)"', source)
            number = re.match(r"(ex\d+)-", cell_id)
            if checked and number:
                for part in ("stub", "solution", "solution-check"):
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
    multiprocessing.util.get_temp_dir()  # its own folder, kept until the end: in time to lie elsewhere
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(magics, "_folders", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.startswith("my_workers")]:
        del sys.modules[name]
    assert left_in(tmp_path, os.getpid()) == [], "a check left files behind"


def is_checked_by_its_notebook(name: str) -> bool:
    """Return whether the notebook checks its own solution, which the gate runs under every start method."""
    return "check(" in cells().get(name, {}).get("solution-check", "")


@pytest.fixture(autouse=True)
def _one_parses_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.11.8 and 3.12.2 two threads that parse can disturb each other: cpython issue 106905."""
    turn, parse = threading.Lock(), ast.parse

    def parse_alone(*arguments: Any, **settings: Any) -> Any:
        with turn:
            return parse(*arguments, **settings)

    monkeypatch.setattr(ast, "parse", parse_alone)


def judged(name: str, answers: list[tuple[str, str]]) -> list[Verdict]:
    """Return the verdict on each (source, start method), judged side by side: most of the time is waiting."""
    worker, found = WORKERS[name], registry.find(name)
    modules = [
        magics.write_workers(f"my_workers_{number}", source, {}) for number, (source, _) in enumerate(answers)
    ]
    with ThreadPoolExecutor(AT_ONE_TIME) as threads:
        promised = [
            threads.submit(judge, found, getattr(module, worker.checked), method)
            for module, (_, method) in zip(modules, answers, strict=True)
        ]
    return [promise.result() for promise in promised]


@pytest.mark.parametrize("name", WORKERS)
def test_wrong_workers_are_refused_with_their_own_words(name: str) -> None:
    """Whatever is wrong, the sentence names it; and what the edits start from is right.

    The start methods take turns.  The right answer goes once: the gate has run it under each of them in its
    notebook, and beside the wrong ones it shows that these are not refused for where or how they are judged.
    An answer that its notebook does not check is judged under each.
    """
    right, edits = solution(name), WORKERS[name].edits
    absent = [old for old, *_ in edits if old not in right]
    assert not absent, f"the solution of {name} does not contain this any more: {absent}"
    first = sum(map(ord, name))  # so that few edits meet all methods, too
    turns = [METHODS[(first + number) % len(METHODS)] for number in range(len(edits) + 1)]
    controls = turns[-1:] if is_checked_by_its_notebook(name) else METHODS
    wrong = [(right.replace(old, new), method) for (old, new, _), method in zip(edits, turns, strict=False)]
    verdicts = judged(name, [*wrong, *((right, method) for method in controls)])
    faults = [
        f"under {method}, {new!r} for {old!r} should be refused with {words!r}: {verdict!r}"
        for (old, new, words), method, verdict in zip(edits, turns, verdicts, strict=False)
        if verdict.state != "not yet" or words not in verdict.sentence
    ]
    faults += [
        f"under {method}, the right answer should pass: {verdict!r}"
        for method, verdict in zip(controls, verdicts[len(edits) :], strict=True)
        if not verdict.passed
    ]
    assert not faults, "\n".join(faults)


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
    without = [each.name for each in registry.exercises() if each.in_child and each.name not in WORKERS]
    assert without == []
