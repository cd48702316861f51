"""Notebooks are run within limits, stored in canonical form, and everything derived from them is fresh."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbformat import from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import AuthoringError, canonical, command, find_root, form, navigation, one_run, running, skeleton
from tools.reading import load

OPENING = """\
# Meet the process you are
You draw a portrait of it.

*20 minutes*

**You will make** a portrait of the running
process.

**You need** Python."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give an empty checkout, in a path with a space and Korean letters."""
    checkout = tmp_path / "my 노트"
    (checkout / "notebooks").mkdir(parents=True)
    (checkout / "pyproject.toml").touch()
    (checkout / "README.md").write_text(
        f"# Course\n\n{navigation.BEGIN}\nold\n{navigation.END}\n\nend ✓\n", encoding="utf-8"
    )
    return checkout


def notebook(*sources: str, tags: tuple[str, ...] = ()) -> Any:
    """Return a notebook with an opening and one code cell for each source, called run-1, run-2 and so on."""
    cells = [new_markdown_cell(OPENING, id="title")]
    for number, source in enumerate(sources, 1):
        cells.append(new_code_cell(source, id=f"run-{number}", metadata={"tags": list(tags)}))
    return new_notebook(cells=cells)


def put(root: Path, content: Any, name: str = "02_process_identity") -> Path:
    """Store `content` in the checkout's notebooks folder and return its path."""
    path = root / "notebooks" / f"{name}.ipynb"
    path.write_text(canonical.dumps(content), encoding="utf-8")
    return path


def with_outputs(source: str, *outputs: Any, tags: tuple[str, ...] = ()) -> Any:
    """Return a notebook with one cell that has these outputs."""
    content = notebook(source, tags=tags)
    content.cells[1].outputs = [from_dict(output) for output in outputs]
    return content


def cell(content: Any) -> Any:
    """Return the first code cell."""
    return content.cells[1]


# The canonical form


def test_metadata_is_whitelisted() -> None:
    content = notebook("1", tags=("solution",))
    content.metadata = {"language_info": {"name": "python", "version": "3.11.7"}, "widgets": {"state": 1}}
    cell(content).metadata |= {"execution": {"started": "now"}, "scrolled": True, "editable": True}
    result = canonical.canonical(content)
    assert result.metadata == {"kernelspec": canonical.KERNELSPEC, "language_info": {"name": "python"}}
    assert cell(result).metadata == {"tags": ["solution"], "jupyter": {"source_hidden": True}}
    assert (result.nbformat, result.nbformat_minor) == (4, 5)


def test_streams_are_merged_and_prompts_counted() -> None:
    streams = [
        new_output("stream", name=name, text=text) for name, text in [("stdout", "a"), ("stdout", "b")]
    ]
    result_output = new_output("execute_result", {"text/plain": "1"}, execution_count=99)
    error = new_output("stream", name="stderr", text="e")
    content = with_outputs("1", *streams, error, *streams, result_output)
    result = cell(canonical.canonical(content))
    assert [output.get("text") for output in result.outputs] == ["ab", "e", "ab", None]
    assert result.execution_count == result.outputs[-1].execution_count == 1


def test_canonical_form_is_stable() -> None:
    text = canonical.canonical_text(canonical.dumps(notebook("  1  \n\n", "'✓'")))
    assert canonical.canonical_text(text) == text
    assert text.endswith("}\n")
    assert "✓" in text


def picture(png: str, text: str = "two bars") -> Any:
    """Return an output that shows a picture."""
    return new_output("display_data", {"image/png": png, "text/plain": text})


def shows(output: Any, source: str = "pid", *tags: str) -> Any:
    """Return a notebook in canonical form with this one output."""
    return canonical.canonical(with_outputs(source, output, tags=tags))


def text_of(text: str, kind: str = "text/plain") -> Any:
    """Return the output of an expression."""
    return new_output("execute_result", {kind: text})


def raised(message: str, traceback: str) -> Any:
    """Return the output of an error."""
    return new_output("error", ename="ValueError", evalue=message, traceback=[traceback])


VOLATILE = canonical.VOLATILE


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (shows(picture("old")), shows(picture("new")), True),
        (shows(picture("old")), shows(picture("new", "three bars")), False),
        (shows(picture("old")), shows(picture("new"), "draw(2)"), False),
        (shows(text_of("1")), shows(text_of("2")), False),
        (shows(text_of("1"), "pid", VOLATILE), shows(text_of("2"), "pid", VOLATILE), True),
        (shows(text_of("1"), "pid", VOLATILE), shows(text_of("1"), "pid()", VOLATILE), False),
        (shows(text_of("1"), "pid", VOLATILE), shows(text_of("1", "text/html"), "pid", VOLATILE), False),
        (shows(text_of("1"), "pid", VOLATILE), shows(text_of("1")), False),
        (shows(raised("no", "In[1]")), shows(raised("no", "In[2]")), True),
        (shows(raised("no", "In[1]")), shows(raised("yes", "In[1]")), False),
    ],
)
def test_two_runs_say_the_same_where_they_are_compared(before: Any, after: Any, same: bool) -> None:
    assert canonical.says_the_same(before, after) == same


def test_outputs_come_from_one_run(root: Path) -> None:
    """All stay while nothing compared changes; all are new after one changed word, or with --fresh."""
    number = root / "number"
    content = notebook(
        "import os, pathlib\nprint(os.getpid())", f"print(pathlib.Path({str(number)!r}).read_text())"
    )
    content.cells[1].metadata.tags = [VOLATILE]
    number.write_text("1")
    path = put(root, content)

    def written(*options: str) -> tuple[str, str, str]:
        assert command.main(["--root", str(root), "write", *options]) == 0
        stored = canonical.read(path)
        pid, count = (one.outputs[0].text for one in stored.cells[1:3])
        return pid, count, stored.metadata[canonical.RUN].mark

    first = written()
    assert written() == written("--no-run") == first
    fresh = written("--fresh")
    assert fresh[0] != first[0]
    number.write_text("2")
    changed = written()
    assert changed[0] not in (first[0], fresh[0])
    assert changed[1:] != fresh[1:]
    # a notebook that was mixed by hand is not kept, though every compared output is the same
    path.write_text(path.read_text(encoding="utf-8").replace(changed[0].strip(), "77"), encoding="utf-8")
    assert "not those of one run" in " ".join(one_run.one_run(load(path, root)))
    assert written()[0] != "77\n"


def test_paths_are_shortened_in_tracebacks_only(root: Path) -> None:
    line = f"\x1b[36mFile\x1b[39m \x1b[32m{root}/src/helpers/x.py:3\x1b[39m, in <module>"
    error = new_output("error", ename="ValueError", evalue="no", traceback=[line, f"  File {os.__file__}"])
    content = with_outputs("x", error, new_output("stream", name="stdout", text=f"{root}\n"))
    result = canonical.canonical(content, root)
    traceback = cell(result).outputs[0].traceback
    assert "\x1b[32m…/src/helpers/x.py:3" in traceback[0]
    assert traceback[1].replace("\\", "/") == "  File lib/python/os.py"
    assert [name for name, _ in canonical.machine_paths(result, root)] == ["run-1"]
    assert canonical.canonical(content).cells[1].outputs[0].traceback[0] == line  # the same on every machine
    cell(result).outputs.pop()
    assert not list(canonical.machine_paths(result, root))


def test_dead_widgets_are_dropped_where_text_remains() -> None:
    view = new_output("display_data", {canonical.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "a slider"})
    assert cell(canonical.canonical(with_outputs("x", view))).outputs[0].data == {"text/plain": "a slider"}


def test_store_leaves_an_equal_file_alone(root: Path) -> None:
    path = root / "notebooks" / "x.ipynb"
    assert canonical.store(path, "é\n")
    before = path.stat().st_mtime_ns
    assert not canonical.store(path, "é\n")
    assert (path.stat().st_mtime_ns, path.read_bytes()) == (before, "é\n".encode())
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"nbformat": 3, "worksheets": []}', "PNG"])
def test_what_is_no_notebook_is_named(root: Path, text: str) -> None:
    path = root / "notebooks" / "02_x.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"02_x\.ipynb"):
        canonical.read(path)


# What is derived


def test_opening_is_read() -> None:
    found = navigation.opening(notebook(), "02_process_identity.ipynb")
    assert (found.title, found.promise) == ("Meet the process you are", "You draw a portrait of it.")
    assert (found.name, found.minutes, found.makes) == (
        "02 Process identity",
        20,
        "a portrait of the running process",
    )


@pytest.mark.parametrize("line", ["# Meet the process you are", "*20 minutes*", "**You will make**"])
def test_an_incomplete_opening_is_named(line: str) -> None:
    content = notebook()
    content.cells[0].source = OPENING.replace(line, "")
    with pytest.raises(AuthoringError, match=r"02_x\.ipynb, first cell: expected"):
        navigation.opening(content, "02_x.ipynb")


def test_links_lead_to_neighbours_that_exist() -> None:
    files = ["00_start_here.ipynb", "02_process_identity.ipynb", "07_pool.ipynb"]
    assert navigation.links(files[0], files) == (
        "[contents](../README.md) · [02 Process identity →](02_process_identity.ipynb)"
    )
    assert navigation.links(files[1], files).split(" · ") == [
        "[← 00 Start here](00_start_here.ipynb)",
        "[contents](00_start_here.ipynb)",
        "[07 Pool →](07_pool.ipynb)",
    ]
    assert navigation.links("07_pool.ipynb", ["07_pool.ipynb"]) == "[contents](../README.md)"


def test_write_derives_everything_and_check_agrees(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = notebook()
    home.cells.insert(1, new_markdown_cell("", id="course-map"))
    for name in ("00_start_here", "02_process_identity", "05_passing_messages"):
        put(root, home if name.startswith("00") else notebook(), name)
    assert len(list(command.stale_derivations(root))) == 4
    assert command.main(["--root", str(root), "write", "--no-run"]) == 0
    assert not list(command.stale_derivations(root))
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert "(notebooks/02_process_identity.ipynb) | a portrait of the running process | 20 |" in readme
    assert readme.endswith("\n\nend ✓\n")
    course_map = canonical.read(root / "notebooks/00_start_here.ipynb").cells[1].source
    steps = "[00](00_start_here.ipynb) → [02](02_process_identity.ipynb)"
    assert f"| 45 minutes | {steps} | 40 minutes |" in course_map
    assert "[05](05_passing_messages.ipynb) | 60 minutes |" in course_map
    capsys.readouterr()
    assert command.main(["--root", str(root), "write", "--no-run"]) == 0
    assert capsys.readouterr().out.count("unchanged") == 3


def test_readme_shows_the_stored_picture(root: Path) -> None:
    """Picture and alternative text are those of the stored run; either one is found when it is stale."""
    run = new_code_cell("draw()", id=navigation.PICTURED, execution_count=1)
    run.outputs = [new_output("display_data", data={"image/png": "AAEC", "text/plain": "two [2] workers"})]
    home = notebook()
    home.cells.insert(1, run)
    put(root, home, "00_start_here")
    readme, png = root / "README.md", root / "docs/three_lanes.png"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(f"<!-- picture:begin -->\n<!-- picture:end -->\n{text}", encoding="utf-8")
    assert command.main(["--root", str(root), "write", "--no-run"]) == 0
    assert "\n![two \\[2\\] workers](docs/three_lanes.png)\n" in readme.read_text(encoding="utf-8")
    assert png.read_bytes() == bytes([0, 1, 2])
    assert not list(command.stale_derivations(root))
    png.write_bytes(b"another")
    assert list(command.stale_derivations(root)) == [
        "three_lanes.png: stale; run `python -m tools write --no-run`"
    ]
    png.write_bytes(bytes([0, 1, 2]))
    readme.write_text(readme.read_text(encoding="utf-8").replace("two", "three"), encoding="utf-8")
    assert list(command.stale_derivations(root)) == ["README.md: stale; run `python -m tools write --no-run`"]
    home.cells.remove(run)
    put(root, home, "00_start_here")
    assert "expected one stored picture" in [*command.stale_derivations(root)][-1]


def test_the_readme_of_the_project_has_a_picture() -> None:
    """It is on the first screen, above the table of the notebooks."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert text.index(navigation.PICTURE_BEGIN) < text.index(navigation.BEGIN)


def test_missing_markers_are_named(root: Path) -> None:
    (root / "README.md").write_text("# Course\n", encoding="utf-8")
    assert "README.md: expected one line" in next(iter(command.stale_derivations(root)))


# The command


def test_check_writes_nothing_and_fails(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(root, notebook("1"))
    before = path.read_bytes(), (root / "README.md").read_bytes()
    assert command.main(["--root", str(root), "check", "02"]) == 1
    assert "run-1 has prompt None" in capsys.readouterr().err
    assert (path.read_bytes(), (root / "README.md").read_bytes()) == before


def test_new_makes_a_skeleton_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--root", str(root), "new", "07_pool", "Share out work"]) == 0
    assert canonical.read(root / "notebooks/07_pool.ipynb").cells[0].source.startswith("# Share out work\n")
    assert command.main(["--root", str(root), "new", "07_other", "Share"]) == 1
    assert "taken by 07_pool.ipynb" in capsys.readouterr().err
    with pytest.raises(AuthoringError, match="two digits"):
        skeleton.create(root / "notebooks", "Pool", "Share")


def test_an_unknown_notebook_or_root_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(root, notebook())
    assert command.main(["--root", str(root), "check", "03"]) == 1
    assert "expected one of 02_process_identity.ipynb" in capsys.readouterr().err
    assert find_root(root / "notebooks") == root.resolve()
    with pytest.raises(AuthoringError, match=r"pyproject\.toml"):
        find_root(Path(root.anchor))


# Running


def test_a_new_notebook_runs_and_lacks_only_its_text(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form, "EXCEPTIONS", {})
    path = skeleton.create(root / "notebooks", "07_pool", "Share out work")
    assert command.main(["--root", str(root), "write"]) == 0
    assert command.main(["--root", str(root), "check"]) == 1
    complaints = capsys.readouterr().err.splitlines()
    fill_in = ("fill in what", "minutes", "promise", "00_start_here")
    assert [line for line in complaints if not any(word in line for word in fill_in)] == []
    assert canonical.read(path).metadata[canonical.RUN].seconds >= 1
    assert command.main(["--root", str(root), "minutes"]) == 0
    assert "9 min" in capsys.readouterr().out


def test_a_route_that_takes_too_long_is_named(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(navigation, "ROUTES", {"90 minutes": ("00", "02", "03", "07", "10")})
    for name in ("00_start_here", "02_process_identity", "03_spawning", "07_pool", "10_parmap"):
        put(root, notebook(), name)
    assert command.main(["--root", str(root), "minutes"]) == 1
    assert capsys.readouterr().err == (
        "✗ the route of 90 minutes takes 100: leave a notebook out in navigation.ROUTES\n"
    )


def test_write_runs_and_changes_nothing_the_second_time(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    content = notebook(
        "import os\nos.path.basename(os.getcwd()), os.environ.keys() & {'PYTEST_CURRENT_TEST', 'NO_COLOR'}",
        "os.getpid()",
        "1 / 0",
    )
    content.cells[2].metadata.tags = [canonical.VOLATILE]
    content.cells[3].metadata.tags = ["raises-exception"]
    path = put(root, content)
    assert command.main(["--root", str(root), "write", "02"]) == 0
    stored = path.read_bytes()
    cells = canonical.read(path).cells
    assert cells[1].outputs[0].data["text/plain"] == "('notebooks', set())"
    assert cells[3].outputs[0].ename == "ZeroDivisionError"
    assert [one.execution_count for one in cells[1:4]] == [1, 2, 3]
    capsys.readouterr()
    assert command.main(["--root", str(root), "write"]) == 0
    assert "unchanged" in capsys.readouterr().out
    assert path.read_bytes() == stored


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 / 0", "run-2: ZeroDivisionError: division by zero. Mend the cell"),
        ("import time; time.sleep(60)", "run-2: still running after 3 s"),
        ("import os; os._exit(1)", "run-2: the kernel died"),
    ],
)
def test_a_failing_cell_is_named_and_nothing_stays(root: Path, source: str, message: str) -> None:
    start = "import sys, subprocess as s\ns.Popen([sys.executable, '-c', 'input()'], stdin=s.PIPE).pid"
    path = put(root, notebook(start, source))
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(AuthoringError) as caught:
        running.run(canonical.read(path), path, limit=3)
    assert message in str(caught.value)
    assert set(psutil.Process().children(recursive=True)) == before
    assert path.read_bytes() == canonical.dumps(notebook(start, source)).encode()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C cannot be sent to one other process on Windows")
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_leaves_the_notebook_and_no_process(root: Path) -> None:
    ready = root / "ready"
    path = put(root, notebook(f"import pathlib, time\npathlib.Path({str(ready)!r}).touch()\ntime.sleep(60)"))
    before = path.read_bytes()
    program = [sys.executable, "-m", "tools", "--root", str(root), "write"]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as author:
        deadline = time.monotonic() + 50
        while not ready.exists() and author.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        family = psutil.Process(author.pid).children(recursive=True)
        author.send_signal(signal.SIGINT)
        _, errors = author.communicate(timeout=50)
    assert (author.returncode, path.read_bytes()) == (130, before), errors
    assert "interrupted" in errors
    assert family
    assert not psutil.wait_procs(family, timeout=10)[1]
