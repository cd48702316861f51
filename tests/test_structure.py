"""Rooms: imports run downwards only; children get modules of `helpers.workers` and nothing else of ours."""

from __future__ import annotations

import ast
import graphlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.gate.leaks import METHOD
from tests.gate.leaks import STARTUP as STARTUP_FOLDER
from tests.test_mutants import WORKERS, solution

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
# From top to bottom: a module imports from its own room and from those below, nothing from above.
ROOMS = (
    "doctor",
    "exercises",
    "experiments",
    "watching",
    "pools",
    "programs",
    "processes",
    "views",
    "workers",
    "waiting",
)
# What workers import beside themselves and the standard library, with the reason.
FOREIGN = {
    ("helpers.workers.formulas", "parmap"): "its worker shows parmap called inside a worker",
    ("helpers.workers.reporting", "distributed"): "runs on dask's workers alone, which have it",
    ("helpers.workers.rendezvous", "psutil"): "asks the system for a zombie, in the parent alone",
}


def module_of(path: Path) -> str:
    """Return the dotted name of a module of ours."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PUBLIC = "the public table"  # `from helpers import watch`, which may be anything
MODULES = {module_of(path): path for path in sorted((SOURCE / "helpers").rglob("*.py"))}
INSIDE = {name: path for name, path in MODULES.items() if name != "helpers"}


def imports(path: Path, *, typing: bool = True) -> set[str]:
    """Return what a file imports, anywhere in it; without `typing`, not what is for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING" and not typing
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: an import relative to the folder"
            module = str(node.module)
            full = {f"{module}.{one.name}" for one in node.names}
            found |= (full & MODULES.keys()) or {PUBLIC if module == "helpers" else module}
    return found


def ours(path: Path, *, typing: bool = True) -> set[str]:
    """Return the modules of ours that a file imports; `helpers` itself is there before any of them."""
    return imports(path, typing=typing) & INSIDE.keys()


def room(module: str) -> str:
    """Return the room of a module: the second part of its name."""
    return module.split(".")[1]


def test_every_module_has_a_room() -> None:
    assert {room(name) for name in INSIDE} == set(ROOMS)


@pytest.mark.parametrize("name", INSIDE)
def test_imports_run_downwards(name: str) -> None:
    upwards = [one for one in ours(INSIDE[name]) if ROOMS.index(room(one)) < ROOMS.index(room(name))]
    assert not upwards, f"{name} is in {room(name)} and imports from above: {upwards}"
    assert PUBLIC not in imports(INSIDE[name]), f"{name}: import from the module itself"


def test_no_circle() -> None:
    """Imports inside of functions count; those for type checkers do not, since they never run."""
    graph = {name: ours(path, typing=False) - {name} for name, path in INSIDE.items()}
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_an_experiment_imports_no_other() -> None:
    """A program of an experiment's own is part of it: leftovers and leftovers_program."""
    for name, path in INSIDE.items():
        if room(name) == "experiments":
            others = [one for one in ours(path) if room(one) == "experiments" and one != name]
            assert all(one.startswith(name) or name.startswith(one) for one in others), f"{name}: {others}"


@pytest.mark.parametrize("name", [name for name in INSIDE if room(name) == "workers"])
def test_workers_import_the_standard_library(name: str) -> None:
    """Also what they import for type checkers: nothing else is worth it in a child."""
    foreign = {
        one
        for one in imports(INSIDE[name])
        if one.split(".")[0] not in sys.stdlib_module_names and not one.startswith("helpers.workers")
    }
    assert foreign == {one for module, one in FOREIGN if module == name}


@pytest.mark.parametrize("name", [name for name, path in INSIDE.items() if path.name == "__init__.py"])
def test_a_room_imports_nothing(name: str) -> None:
    """A child that imports one module of a room gets that one, and nothing of its neighbours."""
    (docstring,) = ast.parse(INSIDE[name].read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_do_not_import_the_authors_tools(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [name for name in ("tools", "tests", "benchmarks") if f"from {name}" in text]


# What children really get: every interpreter below the calls starts its children by spawn, and notes the
# module of each thing that it pickles for them.

STARTUP = """
import os
from multiprocessing.reduction import ForkingPickler

seen = set()

def note(self, it):
    module = it.__module__ if hasattr(it, "__qualname__") else type(it).__module__
    if module not in seen:
        seen.add(module)
        with open(os.environ["NOTE_PICKLED"], "a", encoding="utf-8") as file:
            print(module, file=file)

ForkingPickler.persistent_id = note  # asked about each thing before it is pickled; None means: as usual
exec(open(os.environ["GATE_STARTUP"], encoding="utf-8").read())
"""
IMPORTS = """
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import parmap

from helpers import ExecutorPool, check, doctor, tryout, watch
from helpers.experiments import chunk_explorer, leftovers, parmap_pairs, pool_methods, scheduler
from helpers.workers.naps import nap
from helpers.workers.numbers import square
from helpers.workers.two_at_once import add_one
"""
CALLS = {
    "watch": """
with multiprocessing.Pool(2) as pool:
    watch(pool.map, square, range(9), chunksize=2)
    watch(pool.imap_unordered, square, range(9))
    watch(pool.starmap, pow, [(1, 2)], live=True)
watch(parmap.map, nap, [0.01] * 4, pm_processes=2)
with ProcessPoolExecutor(2) as executor:
    watch(executor.map, square, range(9))
    parmap.map(nap, [0.0] * 9, pm_pool=ExecutorPool(executor, 2))
""",
    "doctor": "assert doctor().ok, doctor()",
    "experiments": """
tryout("parmap.map(square, [1, 2], pm_processes=2)")
chunk_explorer.run_job(chunk_explorer.Job())
with multiprocessing.Pool(2) as pool:
    pool_methods.compare_methods(pool)
parmap_pairs.compare_pairs()
scheduler.replay(scheduler.Program(add_one, total=0), "ABBA")
""",
    "leftovers": """
leftovers.what_stays("pool = Pool(2)")
leftovers.what_outlives("pool = Pool(2); pool.map(abs, [1, 2]); die()")
leftovers.kill_a_worker("Pool", "executor")
""",
    "exercises": """
import importlib
for name, (module, checked) in RIGHT.items():
    answer = getattr(importlib.import_module(module), checked)
    assert check(name, answer).state == "correct", check(name, answer)
""",
}
PARMAP = {"parmap.parmap"}  # parmap puts its own function around a worker


def right_answers(folder: Path) -> dict[str, tuple[str, str]]:
    """Write one right answer a notebook into `folder`; return {exercise: (module, name in it)}."""
    found = {}
    for name in {name.split("/")[0]: name for name in WORKERS}.values():
        module = "right_" + name.split("/")[0]
        (folder / f"{module}.py").write_text(solution(name), encoding="utf-8")
        found[name] = (module, WORKERS[name].checked)
    return found


@pytest.mark.parametrize("name", CALLS)
def test_children_get_workers_alone(name: str, tmp_path: Path) -> None:
    startup, noted, program = tmp_path / "startup", tmp_path / "pickled.txt", tmp_path / "program.py"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(STARTUP, encoding="utf-8")
    calls = f"RIGHT = {right_answers(tmp_path)}\n{CALLS[name]}" if name == "exercises" else CALLS[name]
    body = textwrap.indent(calls, "    ")
    program.write_text(f"{IMPORTS}\nif __name__ == '__main__':\n{body}\n", encoding="utf-8")
    path = [str(startup), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        METHOD: "spawn",
        "GATE_STARTUP": str(STARTUP_FOLDER / "sitecustomize.py"),
        "NOTE_PICKLED": str(noted),
        "PYTHONPATH": os.pathsep.join(path),
    }
    command = [sys.executable, str(program)]
    done = subprocess.run(
        command,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = set(noted.read_text(encoding="utf-8").split())
    assert any(one.startswith("helpers.workers.") for one in modules), "nothing was pickled: look at the hook"
    allowed = sys.stdlib_module_names | {"__main__", "__mp_main__", "None"}
    foreign = {one for one in modules if one.split(".")[0] not in allowed and not one.startswith("right_")}
    assert {one for one in foreign if not one.startswith("helpers.workers.")} <= PARMAP
