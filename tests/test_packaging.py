"""What says how to install and cite the collection: valid, and in agreement with pyproject.toml."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tools import learner_copy

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT: dict[str, Any] = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
CONDA_LINES: list[str] = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "jupyter-client": "jupyter_client"}  # where the name differs
PIP_ONLY = {"playwright", "axe-playwright-python", "jupyter-repo2docker"}  # only whole test runs use them
NEWEST_PYTHON = 15


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command at the project's root, for a minute at most."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False)


def jobs() -> list[dict[str, Any]]:
    """Return the workflow's jobs."""
    return list(WORKFLOW["jobs"].values())


def test_environment_repeats_pyproject() -> None:
    """Names and version ranges are the same."""
    extras = PROJECT["optional-dependencies"]
    texts = PROJECT["dependencies"] + extras["cluster"] + extras["notebooks"] + extras["test"]
    wanted = [it for it in map(Requirement, texts) if it.name != PROJECT["name"]]
    expected = {CONDA_NAMES.get(it.name, it.name): it.specifier for it in wanted if it.name not in PIP_ONLY}
    # `python=3.13` is conda's own notation
    found = [Requirement(line) for line in CONDA_LINES if line != "pip" and not line.startswith("python=")]
    assert {it.name: it.specifier for it in found} == expected


def test_environment_has_a_supported_python_and_the_project_last() -> None:
    """The Python is one of those that are tested; `-e .` comes after all that it needs."""
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert CONDA_LINES[0].removeprefix("python=") in pythons()
    assert ENVIRONMENT["dependencies"][-1] == {"pip": ["-e ."]}


@pytest.mark.parametrize("line", CONDA_LINES)
def test_conda_understands(line: str) -> None:
    """Each line is a strict MatchSpec."""
    rattler = pytest.importorskip("rattler", exc_type=ImportError)
    assert rattler.MatchSpec(line, strict=True)


def pythons() -> list[str]:
    """Return the versions from requires-python to the newest."""
    oldest = int(PROJECT["requires-python"].removeprefix(">=3."))
    return [f"3.{minor}" for minor in range(oldest, NEWEST_PYTHON + 1)]


def test_workflow_covers_systems_and_pythons() -> None:
    """Every supported Python on every system, none hidden by another's failure, each week."""
    strategy = WORKFLOW["jobs"]["door"]["strategy"]
    assert strategy["fail-fast"] is False
    assert strategy["matrix"]["python"] == pythons()
    assert [system.split("-")[0] for system in strategy["matrix"]["os"]] == ["ubuntu", "macos", "windows"]
    assert WORKFLOW[True]["schedule"]  # YAML reads the key `on` as True
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_workflow_has_limits_and_ends_in_tests() -> None:
    """No job hangs for hours; each ends in pytest, by start.py or itself; actions are at major versions."""
    for job in jobs():
        assert job["timeout-minutes"] <= 60
        assert re.search(r"python start\.py test$|python -m pytest$", job["steps"][-1]["run"])
        actions = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action) for action in actions), actions


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.citation-file-format", "CITATION.cff"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
    ],
)
def test_file_fits_its_schema(schema: str, file: str) -> None:
    """The schema that comes with check-jsonschema, so without a network."""
    done = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_citation_agrees_with_pyproject() -> None:
    """Title, version and licences."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["title"].startswith(PROJECT["name"])
    assert citation["version"] == PROJECT["version"]
    assert " AND ".join(citation["license"]) == PROJECT["license"]


def test_licence_texts_are_the_named_ones() -> None:
    """One whole text for each licence in pyproject.toml."""
    code, prose = ((ROOT / name).read_text(encoding="utf-8") for name in PROJECT["license-files"])
    assert code.startswith("BSD 3-Clause License\n")
    assert code.rstrip().endswith("POSSIBILITY OF SUCH DAMAGE.")
    assert prose.startswith("Creative Commons Attribution 4.0 International Public License\n")
    assert all(f"Section {number} -- " in prose for number in range(1, 9))


def test_repo2docker_reads_the_folder(tmp_path: Path) -> None:
    """Binder's own dry run takes the conda environment with our Python; nothing is built."""
    pytest.importorskip("repo2docker", reason="repo2docker is for Linux and comes with `.[test]` there")
    names = ["environment.yml", "postBuild", "pyproject.toml", "README.md", "LICENSE", "LICENSE-PROSE"]
    for name in names:  # not the whole folder, with its .venv
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    done = run(sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(tmp_path))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "env update" in said
    assert '"environment.yml"' in said
    assert f"environment for {CONDA_LINES[0]}\n" in said
    assert "RUN ./postBuild\n" in said


@pytest.mark.skipif(os.name == "nt", reason="Binder and dev containers are Linux")
@pytest.mark.parametrize("place", ["Binder", "dev container"])
def test_containers_make_the_copies_that_start_makes(tmp_path: Path, place: str) -> None:
    """The line of each is really run; all that it does beside is its own installation."""
    for name in ("start.py", "pyproject.toml", "postBuild"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("notebooks", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    installation, copying = container["postCreateCommand"].split(" && ")
    assert installation == "python3 -m pip install --editable .[cluster,notebooks]"
    prefix = tmp_path / "prefix"
    environment = os.environ | {"NB_PYTHON_PREFIX": str(prefix)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["./postBuild"] if place == "Binder" else ["sh", "-c", copying]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    learner_copy.refresh(ROOT / "notebooks", tmp_path / "expected")
    assert contents(tmp_path / "my_notebooks") == contents(tmp_path / "expected")
    assert container["customizations"]["codespaces"]["openFiles"] == ["my_notebooks/00_start_here.ipynb"]
    if place == "Binder":
        assert contents(prefix / "etc" / "jupyter") == contents(ROOT / "tools" / "jupyter")


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, by path; it is not empty."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found
    return found


def test_no_registry_is_named() -> None:
    """No lock file and no file that is tracked, or would be, has the address of a package registry."""
    if not shutil.which("git") or run("git", "rev-parse").returncode:
        pytest.skip("not a git checkout: nothing is tracked")
    files = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0")
    assert "uv.lock" not in files
    hosts = rb"(?:pythonhosted|pypi|anaconda|npmjs)"  # whatever comes before and after the dots
    registry = re.compile(rb"\b(?:[\w-]+\.)*" + hosts + rb"\.(?:org|com)\b")
    paths = [ROOT / name for name in files if (ROOT / name).is_file()]
    named = [str(path) for path in paths if registry.search(path.read_bytes())]
    assert named == []
