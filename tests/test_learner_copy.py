"""The learner's copies: made, renewed, and never lost."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tools import learner_copy

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
Notebook = dict[str, Any]


def code(identity: str, source: str, *tags: str) -> Notebook:
    output = {"output_type": "execute_result", "execution_count": 7, "data": {}, "metadata": {}}
    return {
        "cell_type": "code",
        "id": identity,
        "metadata": {"tags": list(tags)} if tags else {},
        "execution_count": 7,
        "outputs": [output],
        "source": source,
    }


def lesson(*cells: Notebook) -> Notebook:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


class Desk:
    """A folder of lessons and the learner's copies of them."""

    def __init__(self, tmp_path: Path) -> None:
        """Make the lessons a and b, and their copies."""
        self.lessons, self.copies = tmp_path / "notebooks", tmp_path / "my_notebooks"
        self.lessons.mkdir()
        for name in "ab":
            self.publish(name, f"print('{name}')")
        self.first = self.refresh()

    def publish(self, name: str, *sources: str) -> None:
        """Store a lesson with these code cells."""
        cells = [code(f"cell-{number}", source) for number, source in enumerate(sources)]
        (self.lessons / f"{name}.ipynb").write_text(json.dumps(lesson(*cells)), encoding="utf-8")

    def refresh(self) -> learner_copy.Report:
        """Do what a start does."""
        return learner_copy.refresh(self.lessons, self.copies)

    def read(self, name: str) -> Notebook:
        """Return a copy."""
        return dict(json.loads((self.copies / f"{name}.ipynb").read_text(encoding="utf-8")))

    def save(self, name: str, change: Callable[[Notebook], Any]) -> str:
        """Change a copy as an editor does, and return the text that it saved."""
        notebook = self.read(name)
        change(notebook)
        text = json.dumps(notebook, indent=1)
        (self.copies / f"{name}.ipynb").write_text(text, encoding="utf-8")
        return text

    def text(self, name: str) -> str:
        """Return the text of a copy."""
        return (self.copies / f"{name}.ipynb").read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def run_cells(notebook: Notebook) -> None:
    """Do to the notebook what running and saving in JupyterLab does."""
    notebook["metadata"]["language_info"] = {"name": "python", "version": "3.13.1"}
    for cell in notebook["cells"]:
        cell.update(code("", cell["source"]) | {"id": cell["id"], "source": cell["source"].splitlines(True)})
        cell["metadata"]["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}


def write_cell(notebook: Notebook) -> None:
    notebook["cells"][0]["source"] = "mine = 1"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_no_answer_lies_open_in_a_copy(path: Path) -> None:
    """No output, no prompt number, no solution in a code cell, all solutions in details; a valid notebook."""
    original = json.loads(path.read_text(encoding="utf-8"))
    copy = learner_copy.learner_copy(original)
    nbformat.validate(nbformat.from_dict(copy))
    cells = [cell for cell in copy["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * len(cells)
    assert not [cell["id"] for cell in cells if re.search(r"-solution\b", cell["id"])]
    prose = "".join("".join(cell["source"]) for cell in copy["cells"] if cell["cell_type"] == "markdown")
    solutions = [cell for cell in original["cells"] if "solution" in cell["metadata"].get("tags", [])]
    assert solutions
    for cell in solutions:
        assert f"```python\n{''.join(cell['source'])}\n```" in prose
    assert original == json.loads(path.read_text(encoding="utf-8"))  # the lesson itself is left alone


def test_a_solution_and_its_check_share_one_click() -> None:
    solution = code("ex1-solution", 'a = """\n```\n"""', "solution")
    copy = learner_copy.learner_copy(
        lesson(code("ex1", "..."), solution, code("ex1-solution-check", "check(a)", "solution"))
    )
    stub, folded = copy["cells"]
    assert (stub["source"], folded["cell_type"], folded["metadata"]) == ("...", "markdown", {})
    assert "".join(folded["source"]) == (
        "<details><summary>Show a solution</summary>\n\n"
        '````python\na = """\n```\n"""\n````\n\nIn the next cell:\n\n```python\ncheck(a)\n```\n\n</details>'
    )


def test_exported_html_shows_a_solution_after_a_click() -> None:
    """The browser's own <details> holds the code, highlighted; nothing of it stands outside."""
    exporters = pytest.importorskip("nbconvert.exporters", reason="nbconvert comes with JupyterLab")
    copy = learner_copy.learner_copy(lesson(code("ex1-solution", "answer = 6 * 7", "solution")))
    html, _ = exporters.HTMLExporter().from_notebook_node(nbformat.reads(json.dumps(copy), 4))
    body = html[html.index("<body") :]
    folded = re.search(r"<details>\s*<summary>Show a solution</summary>(.*?)</details>", body, re.DOTALL)
    assert folded
    assert "<pre>" in folded[1]
    assert re.sub("<[^>]+>", "", folded[1]).strip() == "answer = 6 * 7"
    assert "answer" not in body.replace(folded[0], "")


def test_first_time_makes_all_second_time_nothing(desk: Desk) -> None:
    assert desk.first.made == ["a.ipynb", "b.ipynb"]
    assert str(desk.first) == f"Copies of the lessons in {desk.copies}: 2 made."
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in desk.copies.iterdir()}
    assert str(desk.refresh()) == ""
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in desk.copies.iterdir()}


def test_untouched_copy_follows_its_lesson(desk: Desk) -> None:
    desk.publish("a", "print('new')")
    assert str(desk.refresh()).endswith(": 1 renewed.")
    assert desk.read("a")["cells"][0]["source"] == "print('new')"


def test_a_lesson_with_new_outputs_is_the_same_lesson(desk: Desk) -> None:
    text = (desk.lessons / "a.ipynb").read_text(encoding="utf-8")
    (desk.lessons / "a.ipynb").write_text(text.replace("7", "8"), encoding="utf-8")
    assert str(desk.refresh()) == ""


def test_outputs_of_a_learner_stay_while_the_lesson_stays(desk: Desk) -> None:
    saved = desk.save("a", run_cells)
    assert (str(desk.refresh()), desk.text("a")) == ("", saved)


def test_a_copy_that_was_only_run_follows_and_it_is_said(desk: Desk) -> None:
    desk.save("a", run_cells)
    desk.publish("a", "print('new')")
    assert str(desk.refresh()).endswith(": 1 renewed. Run again what is new: a.ipynb.")
    assert desk.read("a")["cells"][0]["outputs"] == []


@pytest.mark.parametrize(
    "change",
    [
        write_cell,
        lambda notebook: notebook["cells"].append(code("mine", "x = 1")),
        lambda notebook: notebook["cells"].clear(),
        lambda notebook: notebook["cells"][0].update(cell_type="markdown"),
        lambda notebook: notebook["cells"][0]["metadata"].update(tags=["mine"]),
    ],
    ids=["text", "one more cell", "no cells", "kind", "tags"],
)
def test_touched_copy_is_never_overwritten(desk: Desk, change: Callable[[Notebook], Any]) -> None:
    saved = desk.save("a", change)
    assert str(desk.refresh()) == ""
    desk.publish("a", "print('new')")
    for _ in range(2):  # said as long as it is so
        report = desk.refresh()
        assert (report.kept, desk.text("a")) == (["a.ipynb"], saved)
        assert "rename your copy and start again" in str(report)


def test_renaming_a_touched_copy_gives_the_new_lesson_too(desk: Desk) -> None:
    saved = desk.save("a", write_cell)
    desk.publish("a", "print('new')")
    (desk.copies / "a.ipynb").rename(desk.copies / "my a.ipynb")
    assert desk.refresh().made == ["a.ipynb"]
    assert (desk.text("my a"), desk.read("a")["cells"][0]["source"]) == (saved, "print('new')")


def test_removing_gives_a_fresh_copy(desk: Desk) -> None:
    desk.save("a", write_cell)
    (desk.copies / "a.ipynb").unlink()
    assert desk.refresh().made == ["a.ipynb"]
    assert desk.read("a")["cells"][0]["source"] == "print('a')"


@pytest.mark.parametrize("text", ["", "{half", "[]", '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}'])
def test_what_is_no_notebook_is_left_alone(desk: Desk, text: str) -> None:
    (desk.copies / "a.ipynb").write_text(text, encoding="utf-8")
    desk.publish("a", "print('new')")
    assert (desk.refresh().kept, desk.text("a")) == (["a.ipynb"], text)


@pytest.mark.parametrize("record", [None, "", "[]", '{"a.ipynb": 1}'])
def test_without_the_record_nothing_is_lost(desk: Desk, record: str | None) -> None:
    saved = desk.save("a", write_cell)
    (desk.copies / learner_copy.RECORD).unlink()
    if record is not None:
        (desk.copies / learner_copy.RECORD).write_text(record, encoding="utf-8")
    report = desk.refresh()
    assert (report.made, report.renewed, report.kept) == ([], [], ["a.ipynb"])
    assert desk.text("a") == saved


def test_a_lesson_that_left_takes_its_untouched_copy_along(desk: Desk) -> None:
    saved = desk.save("a", write_cell)
    for name in "ab":
        (desk.lessons / f"{name}.ipynb").unlink()
    assert str(desk.refresh()).endswith(": 1 removed.")
    assert sorted(path.name for path in desk.copies.iterdir()) == [learner_copy.RECORD, "a.ipynb"]
    assert desk.text("a") == saved


def test_a_record_names_only_files_of_its_folder(desk: Desk) -> None:
    outside = desk.lessons.parent / "outside.ipynb"
    outside.write_text(desk.text("a"), encoding="utf-8")
    record = {"../outside.ipynb": learner_copy.fingerprint(desk.read("a"))}
    (desk.copies / learner_copy.RECORD).write_text(json.dumps(record), encoding="utf-8")
    desk.refresh()
    assert outside.exists()


def test_a_failed_write_leaves_the_old_copy_and_no_half_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = desk.text("a")
    desk.publish("a", "print('new')")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            desk.refresh()
    assert desk.text("a") == before
    assert len(list(desk.copies.iterdir())) == 3
    assert desk.refresh().renewed == ["a.ipynb"]


def test_a_lesson_that_is_no_notebook_is_named(desk: Desk) -> None:
    (desk.lessons / "a.ipynb").write_text("<<<<<<< HEAD", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.ipynb is not a notebook: restore it"):
        desk.refresh()
