"""Each question of the list leads to a cell that runs its answer, and each message is found by a search."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import AuthoringError, canonical, command, form, navigation, questions

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.quick


def test_every_row_is_answered() -> None:
    """Its cell is there and was run, and its messages stand in the section."""
    complaints = [complaint for one in questions.answers(ROOT) for complaint in one.complaints()]
    assert not complaints, "\n".join(complaints)


def test_the_page_is_fresh_and_readers_find_it() -> None:
    assert (ROOT / questions.PAGE).read_text(encoding="utf-8") == questions.page(ROOT)
    assert f"]({questions.PAGE.as_posix()})" in (ROOT / "README.md").read_text(encoding="utf-8")


# Samples: one good row, and changes that must be noticed.

GOOD = {
    "subject": "Pool",
    "question": "Why | how?",
    "messages": "Can't pickle <f at 0x7f12>: no `f` | ValueError: no",
    "notebook": "07",
    "cell": "one-run",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a checkout with one notebook of two sections and a list of one question."""
    for folder in ("notebooks", "docs"):
        (tmp_path / folder).mkdir()
    ran = new_code_cell("1 / 0", id="one-run", execution_count=1)
    ran.outputs = [new_output("error", ename="ValueError", evalue="no", traceback=[])]
    cells = [
        new_markdown_cell("# Share\n\n```\n## no heading\n```", id="title"),
        new_markdown_cell("## `map`: one, *two*\n\n`Can't pickle <f at 0x…>: no `f`", id="map"),
        ran,
        new_code_cell("2", id="never-run"),
        new_code_cell("9", id="nine", execution_count=4, metadata={"tags": [canonical.VOLATILE]}),
        new_markdown_cell("## After it\n\nSay `TypeError: after`.", id="after"),
        new_code_cell("...", id="ex1-stub", execution_count=2),
        new_code_cell("2", id="solved", execution_count=3, metadata={"tags": ["solution"]}),
    ]
    cells[4].outputs = [new_output("stream", text="KeyError: nine\n")]
    text = canonical.dumps(new_notebook(cells=cells))
    (tmp_path / "notebooks" / "07_pool.ipynb").write_text(text, encoding="utf-8")
    write(tmp_path, GOOD)
    return tmp_path


def write(root: Path, *rows: dict[str, str]) -> None:
    """Store these rows as the list of the checkout."""
    with (root / questions.SOURCE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, questions.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_a_good_row_leads_to_its_section(root: Path) -> None:
    (answer,) = questions.answers(root)
    assert not answer.complaints()
    link = "[07 Pool: `map`: one, *two*](../notebooks/07_pool.ipynb#map:-one,-two)"
    lines = questions.page(root).splitlines()
    assert lines[-5:-2] == ["## Pool", "", "| you ask | you run it in |"]
    assert lines[-1] == (
        f"| Why \\| how?<br>`` Can't pickle <f at 0x7f12>: no `f` ``<br>`ValueError: no` | {link} |"
    )
    (target,) = form.LINK.findall(lines[-1])
    assert not form.dead(target, root / questions.PAGE, root)
    assert "no such heading" in form.dead(target.replace("one", "three"), root / questions.PAGE, root)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"cell": "never-run"}, "never-run is not code that was run"),
        ({"cell": "map"}, "map is not code that was run"),
        ({"cell": "ex1-stub", "messages": ""}, "ex1-stub belongs to an exercise"),
        ({"cell": "solved", "messages": ""}, "solved belongs to an exercise"),
        ({"messages": "ValueError: yes"}, "does not find 'ValueError: yes'"),
        ({"messages": "1 / 0"}, "does not find '1 / 0'"),  # it stands in code alone
        (
            {"messages": "TypeError: after"},
            "'TypeError: after' in 07_pool.ipynb, '`map`:",
        ),  # the next section
        ({"messages": "KeyError: nine"}, "does not find 'KeyError: nine'"),  # other readers may have another
        ({"messages": "ValueError: no | no heading, either"}, "does not find 'no heading, either'"),
    ],
)
def test_a_row_without_an_answer_is_named(root: Path, change: dict[str, str], complaint: str) -> None:
    write(root, GOOD | change)
    (answer,) = questions.answers(root)
    (found,) = answer.complaints()
    assert complaint in found


def test_a_row_at_the_end_comes_to_its_subject(root: Path) -> None:
    write(root, GOOD, GOOD | {"subject": "Other", "question": "What?"}, GOOD | {"question": "When?"})
    lines = questions.page(root).splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## Pool", "## Other"]
    assert lines.index("## Other") > [line.startswith("| When?") for line in lines].index(True)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([GOOD | {"cell": "gone-run"}], "no cell gone-run"),
        ([GOOD | {"notebook": "99"}], "no notebook 99"),
        ([GOOD | {"subject": ""}], "row 2: expected subject, question"),
        ([GOOD, GOOD], "row 3: 'Why | how?' is there already"),
    ],
)
def test_a_broken_list_is_named(root: Path, rows: list[dict[str, str]], complaint: str) -> None:
    write(root, *rows)
    with pytest.raises(AuthoringError, match=r"questions\.csv") as caught:
        questions.page(root)
    assert complaint in str(caught.value)


def test_a_stale_page_is_named_and_written(root: Path) -> None:
    """A heading that is worded anew is enough: the page follows."""
    opening = "# Share\nYou share.\n\n*2 minutes*\n\n**You will make** a pool."
    path = root / "notebooks" / "07_pool.ipynb"
    notebook = canonical.read(path)
    notebook.cells[0].source = opening
    path.write_text(canonical.dumps(notebook), encoding="utf-8")
    (root / "pyproject.toml").touch()
    (root / "README.md").write_text(f"{navigation.BEGIN}\n{navigation.END}\n", encoding="utf-8")
    arguments = ["--root", str(root), "write", "--no-run"]
    assert command.main(arguments) == 0
    assert not list(command.stale_derivations(root))
    path.write_text(path.read_text(encoding="utf-8").replace("one, *two*", "three"), encoding="utf-8")
    assert list(command.stale_derivations(root)) == [
        "questions.md: stale; run `python -m tools write --no-run`"
    ]
    assert command.main(arguments) == 0
    assert "#map:-three)" in (root / questions.PAGE).read_text(encoding="utf-8")
