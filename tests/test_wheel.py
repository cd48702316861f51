"""The wheel: what is in it, and that it works in an environment of its own, far from the checkout."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 60
PROGRAM = """\
import json
import multiprocessing
from importlib.util import find_spec

import helpers
from helpers import watch
from helpers.workers.numbers import square

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        run = watch(pool.map, square, range(6), chunksize=1)
    pictured = run.draw()._repr_mimebundle_()[0]
    found = {name: bool(find_spec(name)) for name in ("tools", "tests", "benchmarks")}
    print(json.dumps([helpers.__file__, run.results, run.workers, sorted(pictured), found]))
"""


def run(*command: object, cwd: Path, env: "dict[str, str] | None" = None) -> str:
    """Return what a command printed; it has a minute."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_wheel(project: Path, folder: Path) -> Path:
    """Return the wheel of the project, built into the folder; no network is needed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install -e '.[test]' brings it")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=project)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the project's wheel."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_helpers_and_licences(wheel: Path) -> None:
    """And what Jupyter looks for; no tools, no tests, no notebooks, no caches."""
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    package = {
        path.relative_to(source).as_posix()
        for kind in ("*.py", "*.json")
        for path in (source / "helpers").rglob(kind)
    }
    shared = {
        path.relative_to(ROOT / "jupyter").as_posix()
        for path in (ROOT / "jupyter").rglob("*")
        if path.is_file()
    }
    stem = "-".join(wheel.name.split("-")[:2])
    info = {"METADATA", "WHEEL", "RECORD", "licenses/LICENSE", "licenses/LICENSE-PROSE"}
    assert names == {
        *package,
        *(f"{stem}.data/data/{name}" for name in shared),
        *(f"{stem}.dist-info/{name}" for name in info),
    }


def installer(python: Path) -> list[object]:
    """Return the command that installs into the environment of `python`: pip where we have it, or uv."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", python, "--offline"]
    pytest.skip("neither pip nor uv is here, so nothing can be installed")


def test_it_watches_a_pool_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """Installed without its dependencies, which it borrows from the environment of the tests."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=os.name != "nt")
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(*installer(python), "--no-deps", wheel, cwd=tmp_path)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", ask, cwd=tmp_path, env=clean).strip())
    # A folder named in a .pth is searched, its own .pth files are not: the editable helpers stay out.
    borrowed = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    said: list[Any] = json.loads(run(python, program, cwd=tmp_path, env=clean))
    file, results, workers, kinds, found = said
    assert Path(file).is_relative_to(packages)
    assert results == [0, 1, 4, 9, 16, 25]
    assert 1 <= workers <= 2
    assert kinds == ["image/png", "text/plain"]
    assert not any(found.values()), found
