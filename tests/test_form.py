"""Every notebook has the prescribed form, and every rule bites: each is tried on samples that break it."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.views.picture import Picture, new_figure
from tools import canonical, command, form, minutes, navigation, one_run, skeleton
from tools.reading import Notebook, load, without_code

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = navigation.notebooks_in(ROOT / "notebooks")
pytestmark = pytest.mark.quick
PAGES = [path for pattern in ("*.md", "docs/**/*.md") for path in sorted(ROOT.glob(pattern))]


@pytest.mark.parametrize("rule", form.RULES)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_form(path: Path, rule: str) -> None:
    complaints = list(form.apply(rule, form.RULES[rule], load(path, ROOT)))
    assert not complaints, "\n".join(complaints)


def test_navigation_and_readme_are_fresh() -> None:
    assert not list(command.stale_derivations(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_on_pages(path: Path) -> None:
    targets = form.LINK.findall(without_code(path.read_text(encoding="utf-8")))
    problems = [problem for target in targets if (problem := form.dead(target, path, ROOT))]
    assert not problems, "\n".join(problems)


def test_routes_keep_their_minutes() -> None:
    assert not list(minutes.too_long(navigation.openings(ROOT / "notebooks")))


def test_exceptions_name_rules_and_notebooks() -> None:
    numbers = {path.name[:2] for path in NOTEBOOKS}
    assert all(rule in form.RULES and number in numbers for rule, number in form.EXCEPTIONS)
    assert all(form.EXCEPTIONS.values()), "each exception needs its reason"


# Samples: one good notebook, and for each rule changes that it must notice.

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(50)).decode()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    """Give a notebook without a fault: the skeleton, filled in and as if it had run."""
    root = tmp_path_factory.mktemp("checkout")
    folder = root / "notebooks"
    folder.mkdir()
    (root / "README.md").touch()
    path = skeleton.create(folder, "07_pool", "Share out work")
    notebook = canonical.read(path)
    for cell in notebook.cells:
        cell.source = cell.source.replace(
            "You … (one sentence: what the reader will have done).", "You share."
        )
        cell.source = cell.source.replace("…", "one of them")
        if cell.cell_type == "code" and cell.id != "imports":
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "MainProcess"})]
    notebook.metadata[canonical.RUN] = {"seconds": 600}
    at(notebook, "title").source = at(notebook, "title").source.replace(
        "(00_start_here.ipynb)", "(07_pool.ipynb)"
    )
    navigation.derive(notebook, path.name, [path.name], [])
    notebook = canonical.canonical(notebook)
    notebook.metadata[canonical.RUN].mark = one_run.mark(notebook)
    return stored(Notebook(path, "", root), notebook)


def stored(like: Notebook, notebook: Any, name: str = "") -> Notebook:
    """Return `notebook` as it would be stored beside `like`."""
    return Notebook(like.path.with_name(name or like.path.name), canonical.dumps(notebook), like.root)


def at(notebook: Any, name: str) -> Any:
    """Return the cell with the id `name`."""
    return next(cell for cell in notebook.cells if cell.id == name)


def adds(name: str, text: str) -> Callable[[Any], None]:
    """Return a change that appends `text` to the cell `name`."""

    def change(notebook: Any) -> None:
        at(notebook, name).source += text

    return change


def swaps(name: str, old: str, new: str) -> Callable[[Any], None]:
    """Return a change that replaces `old` by `new` in the cell `name`."""

    def change(notebook: Any) -> None:
        assert old in at(notebook, name).source
        at(notebook, name).source = at(notebook, name).source.replace(old, new)

    return change


def sets(where: str, **values: Any) -> Callable[[Any], None]:
    """Return a change that gives the cell `where` other values."""

    def change(notebook: Any) -> None:
        at(notebook, where).update(copy.deepcopy(values))

    return change


def drops(name: str) -> Callable[[Any], None]:
    """Return a change that deletes the cell `name`."""

    def change(notebook: Any) -> None:
        notebook.cells.remove(at(notebook, name))

    return change


def shows(where: str, kind: str, **values: Any) -> Callable[[Any], None]:
    """Return a change that gives the cell `where` this one output."""
    return sets(where, outputs=[nbformat.from_dict({"output_type": kind, **values})])


def pictures(text: str, png: str = PNG, where: str = "first-run") -> Callable[[Any], None]:
    """Return a change that makes the cell `where` show a picture with this text."""
    data = {"image/png": png, "text/plain": text}
    return shows(where, "display_data", data=data, metadata={})


def prints(where: str, text: str) -> Callable[[Any], None]:
    """Return a change that makes the cell `where` print `text`."""
    return shows(where, "stream", name="stdout", text=text)


def counts(text: str) -> Callable[[Any], None]:
    """Return a change that makes the cell `first-run` a volatile one that prints `text`."""
    return both(sets("first-run", metadata=tagged(canonical.VOLATILE)), prints("first-run", text))


def fails(traceback: str) -> Callable[[Any], None]:
    """Return a change that makes the cell `first-run`, prompt 3, end with this traceback."""
    return shows("first-run", "error", ename="ValueError", evalue="no", traceback=traceback.splitlines())


def painted(words: str) -> str:
    """Return a picture, base64, that has these words as our pictures have theirs."""
    figure = new_figure(4, 2)
    for number, line in enumerate(words.splitlines()):
        figure.text(0, 1 - number / 20, line)
    return base64.b64encode(Picture(figure, "words").png).decode()


def both(*changes: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return one change made of several."""

    def change(notebook: Any) -> None:
        for one in changes:
            one(notebook)

    return change


def tagged(*tags: str) -> dict[str, Any]:
    """Return the metadata of a cell with these tags."""
    return {"tags": list(tags)}


def place(notebook: Any, name: str) -> int:
    """Return the index of the cell `name`."""
    return [cell.id for cell in notebook.cells].index(name)


IDENTITY = "MainProcess (pid 2299, child of 2297)"
PS = """
UID        PID  PPID  C STIME TTY          TIME CMD
root      2301  2297 92 16:16 ?        00:00:02 …/python -m ipykernel_launcher -…
root      2320  2301  0 16:16 ?        00:00:00 …/python -m ipykernel_launcher -…
"""
FAMILY = "state\nPID\nparent PID\nMainProcess\nrunning (R)\n2301\n2297\nworker 1\nsleeping (S)\n2320\n2301"
FAMILY_TABLE = "name         role      PID\nMainProcess  main     2301        2297  running (R)"
LANES = (
    "Pool.map: every file on 2 workers, 1.2 s\n"
    "worker 1 · PID 2330\n276 tasks\nworker 2 · PID 2331\n458 tasks\n"
    "map: every file in this process, 1.9 s\nthis process · PID 2299\n734 tasks"
)
hides_square = [swaps(f"{name}-run", "square", "abs") for name in ("first", "second")]
long_tasks = [adds(f"ex{number}-{step}", " word" * 60) for number in (1, 2, 3) for step in ("task", "hint")]
ERROR = {"ename": "ValueError", "evalue": "no", "traceback": ["no"]}
MARKED = [  # what only the mark of the run can find
    lambda notebook: notebook.metadata[canonical.RUN].update(mark="0123456789abcdef"),
    prints("first-run", "not what the run printed"),
]
SAMPLES: dict[str, list[Callable[[Any], None]]] = {
    "valid": [
        sets("recall", id="title"),
        sets("recall", id="a cell"),
        shows("first-run", "stream", text="x"),
    ],
    "named": [],  # see test_names
    "canonical_form": [
        sets("title", metadata={"slideshow": {}}),
        adds("recall", "\n\n"),
        sets("ex1-stub", execution_count=99),
    ],
    "portable_outputs": [
        shows("first-run", "stream", name="stdout", text="in /home/you/x.py\n"),
        shows("first-run", "stream", name="stdout", text=r"in C:\Users\you\x.py"),
        shows("first-run", "execute_result", data={"text/html": "/tmp/xyz"}, metadata={}, execution_count=2),
    ],
    "readable_ids": [
        sets("first-run", id=name) for name in ("Run", "first_run", "3a5f9c21", "cell-7", "1st")
    ],
    "prompts": [sets("first-run", execution_count=None), sets("first-run", execution_count=7)],
    "short_code": [
        adds("first-run", "\nfamily()" * 12),
    ],
    "short_paragraphs": [adds("first-explain", " word" * 81), adds("recall", "\n- " + "word " * 81)],
    "right_size": [
        adds("recall", "x" * 1_000_001),
        pictures("one bar", base64.b64encode(bytes(200_001)).decode()),
    ],
    "known_tags": [sets("first-run", metadata=tagged("nbval-skip"))],
    "intended_errors": [
        shows("first-run", "error", **ERROR),
        sets("first-run", metadata=tagged("raises-exception")),
    ],
    "no_stderr": [shows("first-run", "stream", name="stderr", text="careful\n")],
    "plain_code": [
        adds("first-run", suffix)
        for suffix in (
            ";",
            "\n%time 1",
            "\n!ls",
            "\nfamily?",
            "\nfrom os import *",
            "\nfrom matplotlib import pyplot",
            "\nclear_output()",
            "\nif",
            "\nimport matplotlib.pyplot as plt",
        )
    ]
    + [sets("first-run", source="%%capture\nfamily()")],
    "one_import_cell": [sets("imports", id="start"), adds("first-run", "\nimport os")],
    "opening": [
        swaps("title", "*20 minutes*", "20 minutes"),
        swaps("title", "You share.\n", ""),
        swaps("title", "You share.", "You share. Then you rest."),
        swaps("title", "**You will make** one", "You make one"),
        swaps("title", "**Not needed**", "Not needed"),
        swaps("title", "# Share", "Share"),
        sets("title", id="first-cell"),
        drops("title"),
    ],
    "headings": [
        adds("recall", "\n# Second title"),
        adds("in-practice", "\n#### Too deep"),
        swaps("first-title", "First thing", "First Thing"),
        swaps("recall", "## Recall", "## Remember"),
        both(swaps("in-practice", "In practice", "Recall"), swaps("recall", "Recall", "In practice")),
    ],
    "no_filler": [adds("first-explain", f" You {word} wait.") for word in ("just", "Simply", "of course")],
    "bold_terms": [both(adds("first-explain", " a **zombie**"), adds("second-explain", " a **Zombie**"))],
    "pictures_in_words": [
        pictures("<Figure size 640x480 with 1 Axes>"),
        both(
            pictures("two bars"), drops("first-explain"), sets("second-predict", cell_type="code", outputs=[])
        ),
    ],
    "alternative_texts": [adds("recall", "\n![](x.png)"), adds("recall", '\n<img src="x.png" alt="">')],
    "live_links": [
        adds("recall", f"\n[x]({target})")
        for target in (
            "08_gone.ipynb",
            "../../elsewhere.md",
            "07_pool.ipynb#gone",
            "#gone",
            "http://example.org",
        )
    ],
    "predictions": [
        both(*(sets(f"{name}-predict", id=f"{name}-question") for name in ("first", "second"))),
        swaps("first-predict", "?", "."),
        both(drops("first-run"), drops("second-run")),
    ],
    "exercises": [
        drops("ex1-hint"),
        drops("ex3-solution"),
        sets("ex1-solution", metadata={}),
        sets("ex1-solution", id="ex1-solution-check", metadata={}),
        sets("ex1-stub", metadata=tagged("solution")),
        swaps("ex1-hint", "<details>", ""),
        both(*(swaps(f"ex1-{step}", "check(", "print(") for step in ("check", "solution"))),
        both(*(drops(f"ex2-{step}") for step in form.EXERCISE_STEPS)),
    ],
    "recall": [swaps("recall", "<details>", ""), adds("recall", "\n4. ?<details></details>" * 3)],
    "goodbye": [
        sets("goodbye", id="last"),
        shows(
            "goodbye",
            "execute_result",
            data={"text/plain": "MainProcess\n└── x"},
            metadata={},
            execution_count=1,
        ),
        sets("goodbye", outputs=[]),
    ],
    "navigation_last": [drops("nav-bottom")],
    "one_run": [
        *MARKED,
        fails("Cell \x1b[32mIn[\x1b[36m14]\x1b[39m, line 6"),
        fails("<ipython-input-2-0a1b>"),
        fails("Cell In[4], line 6\nCell In[5], line 1"),  # a function of a later cell
        both(prints("first-run", IDENTITY), prints("second-run", IDENTITY.replace("2299", "2300"))),
        both(prints("first-run", IDENTITY), prints("second-run", PS)),
        both(prints("first-run", IDENTITY), pictures("family", painted(FAMILY), "second-run")),
        both(prints("first-run", FAMILY_TABLE), pictures("lanes", painted(LANES), "second-run")),
        both(counts("1790 files, 31 MB"), pictures("lanes", painted(LANES), "second-run")),
        both(
            pictures("lanes", painted(LANES)),
            pictures("lanes", painted(LANES.replace("276", "275")), "second-run"),
        ),
    ],
    # What `tools.lessons` holds.
    "plain_first": [
        swaps("first-run", "pool.map(square, [1, 2, 3])", "pool"),
        swaps("second-run", "pool.map, square", "pool.imap, square"),
        swaps("second-run", "run = watch(pool.map", "for call in {1: pool.starmap}.values(): watch(call"),
        both(swaps("first-run", "pool.map(", "map("), swaps("second-run", "pool.map", "Pool.map")),
        swaps("second-run", "pool.map, square, [1, 2, 3]", "'parmap.map(square, [1])'"),
        swaps("second-run", "pool.map, square, [1, 2, 3]", "'pool.map(square, [1]); pool.close()'"),
        both(
            adds("imports", "\nfrom parmap import starmap"),
            swaps("second-run", "pool.map", "starmap"),
        ),
        # a solution is folded, so what it calls has not been seen
        both(
            swaps("second-run", "pool.map", "pool.imap"),
            adds("ex1-solution", "\npool.imap()"),
        ),
    ],
    "workers_read_first": [
        drops("first-source"),
        sets("first-source", metadata=tagged(canonical.VOLATILE)),
        sets("first-source", outputs=[]),
        swaps("first-source", "getsource(square)", "square(2)"),
        both(drops("first-source"), *hides_square, adds("broken-run", "\nwatch('map(square, [1])')")),
        both(
            *hides_square,
            drops("first-source"),
            sets("broken-run", source="%%program x.py\nfrom helpers.workers.numbers import square"),
        ),
    ],
    "take_home": [
        drops("home-run"),
        swaps("home-run", "%%program squares.py", "%%program"),
        swaps("home-run", "from multiprocessing import Pool", "from helpers.workers.numbers import square"),
        swaps("home-run", 'if __name__ == "__main__":', "if True:"),
        adds("home-run", "\n# more" * 16),
        sets("home-run", outputs=[]),
        swaps("home-title", "## Take it home", "## Go"),
        lambda notebook: notebook.cells.append(notebook.cells.pop(place(notebook, "home-run"))),
        lambda notebook: notebook.cells.insert(1, notebook.cells.pop(place(notebook, "home-run"))),
        adds("ex1-solution", "\nwatch(map, square, [1])"),
        adds("ex1-solution", "\nfrom helpers.workers import numbers"),
    ],
    "one_role": [
        swaps("first-predict", "**Predict.**", "**Predict:**"),
        adds("first-predict", " And then? Why?"),
        swaps("first-predict", "?", "."),
        sets("first-run", id="first-show"),
        drops("first-explain"),
        adds("first-explain", "\n\n**Predict.** And now?"),
        adds("first-explain", "\n\n*Predict* is not it, __predict__ is."),
        adds("first-explain", "\n\n## Second thing"),
        lambda notebook: notebook.cells.insert(9, notebook.cells.pop(place(notebook, "first-explain"))),
        lambda notebook: notebook.cells.insert(3, notebook.cells.pop(place(notebook, "first-predict"))),
    ],
    "heading_begins": [
        swaps("second-predict", "## Second thing", "First a word.\n## Second thing"),
        adds("recall", "\n\n## Another"),
    ],
    "rituals": [
        swaps("ex1-task", "### Exercise 1: fill in", "### 1. Fill in"),
        swaps("ex1-task", "### Exercise 1", "### Exercise 2"),
        swaps("ex2-task", "change", "alter"),
        swaps("ex1-solution", "# Solution", "# The solution"),
        swaps("ex1-solution", "# Solution\n", ""),
        swaps("ex1-solution", "check(", "print("),
        swaps("ex1-solution", "# Solution\n", "%%workers mine\n"),
        sets("ex1-solution", metadata={}),
    ],
    "without_solutions": [
        both(adds("ex1-solution", f"\n{makes}"), adds("ex2-stub", "\nprint(kept)"))
        for makes in ("kept = 1", "for kept in []: pass", "import os as kept", "def kept(): pass")
    ],
    "sizes": [
        both(*(adds(f"{name}-explain", " word" * 60) for name in ("first", "second", "broken")), *long_tasks),
        both(*(adds(f"{name}-explain", " word" * 90) for name in ("first", "second", "broken"))),
        both(*(adds(f"{name}-run", "\nfamily()" * 9) for name in ("first", "second", "broken"))),
        both(
            *(adds(f"{name}-run", "\nfamily()" * 4) for name in ("first", "second", "broken")),
            *(adds(f"ex{number}-{step}", "\n1" * 5) for number in (1, 2, 3) for step in ("stub", "check")),
        ),
    ],
    "measured_minutes": [
        swaps("title", "*20 minutes*", "*22 minutes*"),
        swaps("title", "*20 minutes*", "*18 minutes*"),
        swaps("ex1-task", "*3 minutes*", "Three minutes."),
        swaps("ex1-task", "*3 minutes*", "*5 minutes*"),
        adds("first-explain", " word" * 360),
        both(swaps("title", "*20 minutes*", "*40 minutes*"), swaps("ex1-task", "*3 m", "*23 m")),
        lambda notebook: notebook.metadata.pop(canonical.RUN),
        lambda notebook: notebook.metadata[canonical.RUN].update(seconds=900),
    ],
    "finished": [adds("recall", "\n…"), adds("title", "\n\n**You need** …")],
}


def test_good_sample_has_no_complaint(good: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "EXCEPTIONS", {})
    assert not list(form.complaints(good))


def test_one_run_may_show_much(good: Notebook) -> None:
    """What agrees is no complaint: a frame of an earlier cell, other processes, another number of files."""
    for changes in (
        [fails("Cell In[2], line 6\nCell In[3], line 1")],
        [prints("first-run", IDENTITY), prints("second-run", PS.replace("2301", "2299"))],
        [prints("first-run", IDENTITY), pictures("lanes", painted(LANES), "second-run")],
        [prints("first-run", FAMILY_TABLE), pictures("family", painted(FAMILY), "second-run")],
        [counts("734 files, the first 24 files"), pictures("lanes", painted(LANES), "second-run")],
        [sets("first-run", source="%%program a.py"), prints("first-run", IDENTITY), prints("second-run", PS)],
    ):
        notebook = copy.deepcopy(good.content)
        notebook.metadata.pop(canonical.RUN)
        both(*changes)(notebook)
        assert not list(form.RULES["one_run"](stored(good, notebook)))


def test_every_rule_has_samples() -> None:
    assert SAMPLES.keys() == form.RULES.keys()


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        pytest.param(rule, change, id=f"{rule}-{n}")
        for rule, changes in SAMPLES.items()
        for n, change in enumerate(changes)
    ],
)
def test_rules_bite(good: Notebook, rule: str, change: Callable[[Any], None]) -> None:
    notebook = copy.deepcopy(good.content)
    change(notebook)
    if rule == "one_run" and change not in MARKED:
        notebook.metadata.pop(canonical.RUN)
    assert list(form.RULES[rule](stored(good, notebook)))


@pytest.mark.parametrize(
    "name", ["7_pool.ipynb", "07-pool.ipynb", "07_Pool.ipynb", "07_pool_.ipynb", "07_pool copy.ipynb"]
)
def test_names(good: Notebook, name: str) -> None:
    assert not list(form.named(good))
    assert list(form.named(stored(good, good.content, name)))


def test_home_has_a_course_map(good: Notebook) -> None:
    assert "course-map" in " ".join(form.navigation_last(stored(good, good.content, navigation.HOME)))


def test_links_that_live(good: Notebook) -> None:
    for target in (
        "07_pool.ipynb",
        "07_pool.ipynb#break-it",
        "07_pool.ipynb#Break-it",
        "#recall",
        "https://example.org",
    ):
        assert not form.dead(target, good.path, good.root)


def test_an_exception_without_need_is_a_complaint(good: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(form.EXCEPTIONS, ("recall", "07"), "for this test")
    assert "not needed any more" in next(form.apply("recall", form.recall, good))
    notebook = copy.deepcopy(good.content)
    drops("recall")(notebook)
    assert not list(form.apply("recall", form.recall, stored(good, notebook)))
