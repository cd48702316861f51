"""Lessons in JupyterLab, as start.py starts it, in headless Chromium: what only a browser can show.

nbval has run every cell under each start method, so here, in the learner's copy, one lesson is run from its
first cell to its last, and of the others what talks to the page: pictures that move, controls. The rule
`without_solutions` of `tools/lessons.py` holds that a copy runs without its solutions.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip(
    "playwright", reason="the package playwright is not installed: pip install -e '.[test]' brings it"
)

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import lab as labs

QUICK = "02_process_identity.ipynb"  # its cells take two seconds
LIVE = "live=True"
LESSONS = sorted((labs.ROOT / "notebooks").glob("*.ipynb"))
LIVELY = [path.name for path in LESSONS if LIVE in path.read_text(encoding="utf-8")]
SOLUTIONS_IN_CODE_CELLS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code' && cell.model.id.includes('-solution'))
    .map(cell => cell.model.id)"""
ALTS = "[...document.querySelectorAll('.jp-OutputArea-output.jp-RenderedImage img')].map(image => image.alt)"
SAMPLE = """id => { const cells = jupyterapp.shell.currentWidget.content.widgets;
                    const cell = cells.find(cell => cell.model.id === id);
                    const image = cell.node.querySelector('.jp-RenderedSVG img, .jp-RenderedSVG svg');
                    return image ? image.src || image.outerHTML : ""; }"""

pytestmark = [
    pytest.mark.skipif(bool(labs.no_browser()), reason=labs.no_browser() or "there is a browser"),
    pytest.mark.limit(labs.START_LIMIT + labs.RUN_LIMIT),
]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[labs.Lab, Page]]:
    """One JupyterLab and one page of it for all tests: each takes seconds of both cores to start."""
    with labs.running_page() as running:
        yield running


@pytest.fixture
def lab(running: tuple[labs.Lab, Page]) -> labs.Lab:
    """Return the server."""
    return running[0]


@pytest.fixture
def page(running: tuple[labs.Lab, Page]) -> Page:
    """Return the page."""
    return running[1]


def test_the_first_notebook_comes_up_without_a_question(lab: labs.Lab, page: Page) -> None:
    """start.py's address leads to the learner's copy of the first lesson; no news box lies over it.

    The page is as it came up: this is its first test.
    """
    page.wait_for_selector(".jp-NotebookPanel h1", state="visible")
    page.wait_for_timeout(3000)  # the question came within a second of the end of the splash screen
    assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0
    assert page.url == f"{lab.url}lab/tree/my_notebooks/00_start_here.ipynb"


def test_there_are_lessons_with_a_live_picture() -> None:
    """The test below is not empty."""
    assert "00_start_here.ipynb" in LIVELY


@pytest.mark.parametrize("notebook", LIVELY)
def test_a_live_picture_moves_while_its_cell_runs(page: Page, notebook: str) -> None:
    """Run as far as the last live cell; each ends as a still picture, which has its sentence."""
    with labs.opened(page, notebook):
        last = [cell["id"] for cell in page.evaluate(labs.OUTPUTS) if LIVE in cell["source"]][-1]
        labs.start_run(page, through=last)
        frames = watch_live_cells(page, last)
        cells = page.evaluate(labs.OUTPUTS)
        check_alternative_texts(page, cells)
    refuse_errors(cells)
    for cell in cells:
        if LIVE in cell["source"]:
            seen = len(frames[cell["id"]])
            assert seen >= 2, f"{cell['id']}: {seen} live pictures were seen, expected at least 2"
            kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
            assert kinds == {"image/png", "text/plain"}, f"{cell['id']}: it ends as {kinds}"


def refuse_errors(cells: list[dict[str, Any]]) -> None:
    """See that no cell ended with an error but those that are meant to, if they ran."""
    for cell in cells:
        raised = [output["ename"] for output in cell["outputs"] if output["output_type"] == "error"]
        if cell["ran"]:
            assert bool(raised) == ("raises-exception" in cell["tags"]), (
                f"{cell['id']}: {raised or 'no error'}"
            )


def test_a_stored_picture_has_its_sentence(page: Page) -> None:
    """The lesson itself, with its outputs, is read by many who trust nothing and run nothing."""
    with labs.opened(page, "00_start_here.ipynb", folder="notebooks"):
        cells = page.evaluate(labs.OUTPUTS)
        assert any("image/png" in output.get("data", {}) for cell in cells for output in cell["outputs"])
        check_alternative_texts(page, cells)


def check_alternative_texts(page: Page, cells: list[dict[str, Any]]) -> None:
    """See that each picture among the outputs has its sentence as alternative text; axe-core agrees."""
    outputs = [output for cell in cells for output in cell["outputs"]]
    sentences = [data["text/plain"] for each in outputs if "image/png" in (data := each.get("data", {}))]
    try:
        page.wait_for_function(f"() => {ALTS}.length >= {len(sentences)}", timeout=10_000)
    finally:
        assert page.evaluate(ALTS) == sentences
    found = Axe().run(page, ".jp-NotebookPanel", {"runOnly": ["image-alt", "svg-img-alt", "role-img-alt"]})
    assert not found.response["violations"], found.generate_report()


def watch_live_cells(page: Page, last: str) -> dict[str, set[str]]:
    """Return the different pictures that each live cell showed while it ran, until the last has run."""
    live = [cell["id"] for cell in page.evaluate(labs.OUTPUTS) if LIVE in cell["source"]]
    frames: dict[str, set[str]] = {cell: set() for cell in live}
    deadline = time.monotonic() + labs.RUN_LIMIT
    while not labs.finished(page, last):
        assert time.monotonic() < deadline, f"still running after {labs.RUN_LIMIT} s in the browser"
        for cell in live:
            picture = page.evaluate(SAMPLE, cell)
            if picture:
                frames[cell].add(picture)
        page.wait_for_timeout(50)
    return frames


def test_running_and_saving_leaves_git_as_it_was(lab: labs.Lab, page: Page) -> None:
    """A learner who opens, runs and saves a whole lesson changes no file that git knows or would know."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x"]
        return subprocess.check_output(
            ["git", *identity, *arguments], cwd=lab.checkout, encoding="utf-8", timeout=60
        )

    if not (lab.checkout / ".git").exists():
        git("init", "--quiet")
        git("add", "--all")
        git("commit", "--quiet", "--message=x")
    assert "notebooks/00_start_here.ipynb" in git("ls-files")
    before = (lab.checkout / "my_notebooks" / QUICK).read_bytes()
    with labs.opened(page, QUICK):
        refuse_errors(labs.run_all(page))
        labs.save(page)
    assert (lab.checkout / "my_notebooks" / QUICK).read_bytes() != before
    assert git("status", "--porcelain") == ""


def test_a_solution_is_behind_one_click(page: Page) -> None:
    """Nothing of it is to be seen before the click, all of it afterwards."""
    with labs.opened(page, QUICK):
        solution = page.locator(".jp-MarkdownCell details", has_text="Show a solution").first
        solution.scroll_into_view_if_needed()
        blocks = solution.locator("pre").all()  # the solution, and its check where that is a cell of its own
        assert blocks
        assert not any(block.is_visible() for block in blocks)
        solution.locator("summary").click()
        for block in blocks:
            block.wait_for(state="visible")
        assert page.evaluate(SOLUTIONS_IN_CODE_CELLS) == []


EXPLORE = """async () => { const panel = jupyterapp.shell.currentWidget.content;
    const code = panel.widgets.filter(cell => cell.model.type === 'code');
    const explorer = code.find(cell => cell.model.sharedModel.source.startsWith('explore_chunks('));
    for (const cell of [code[0], explorer]) {
        panel.activeCellIndex = panel.widgets.indexOf(cell);
        await jupyterapp.commands.execute('notebook:run-cell'); } }"""


def test_controls_say_that_their_kernel_has_gone(page: Page) -> None:
    """After a restart no control is left that would not listen; a sentence says how to get them back."""
    with labs.opened(page, "07_pool.ipynb"):
        page.evaluate(EXPLORE)
        explorer = page.locator(".chunk-explorer")
        explorer.wait_for()
        gone = explorer.get_by_text("The kernel that ran these controls has gone.")
        assert explorer.get_by_role("button").first.is_visible()
        assert not gone.is_visible()
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        gone.wait_for(state="visible", timeout=20_000)
        assert not explorer.locator("input:visible, button:visible").count()


PLAY = """async () => { const panel = jupyterapp.shell.currentWidget.content;
    const wanted = ['imports', 'level2-program', 'level2-run'];
    for (const cell of panel.widgets.filter(cell => wanted.includes(cell.model.id))) {
        panel.activeCellIndex = panel.widgets.indexOf(cell);
        await jupyterapp.commands.execute('notebook:run-cell'); } }"""
CELLS = "jupyterapp.shell.currentWidget.content.widgets.length"


def test_two_processes_are_let_go_by_keys_alone(page: Page) -> None:
    """Letters in the field and Space or Enter on a button; `a` and `b` make no cells, as they do elsewhere.

    After a restart no control is left that would not listen.
    """
    with labs.opened(page, "16_be_the_scheduler.ipynb"):
        page.evaluate(PLAY)
        cells = page.evaluate(CELLS)
        panel = page.locator(".scheduler")
        field = panel.get_by_role("textbox")

        def shown(words: str) -> None:
            panel.get_by_text(words).wait_for(timeout=20_000)

        field.focus()
        page.keyboard.type("ab")
        shown("AB: not over.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        shown("ABA: not over. A waits for right's lock, which B holds")
        page.keyboard.press("Space")
        shown("A cannot go: it waits for right's lock, which B holds. ABA: not over.")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        shown("ABAB: deadlock.")
        assert field.input_value().upper() == "ABAB"
        page.wait_for_function(f"() => {ALTS}.some(alt => alt.startsWith('ABAB: deadlock.'))", timeout=20_000)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        shown("ABA: not over.")
        assert page.evaluate(CELLS) == cells
        page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        panel.get_by_text("The kernel that ran these two processes has gone").wait_for(timeout=20_000)
        assert not panel.locator("input:visible, button:visible").count()


def test_the_server_is_on_the_loopback_with_a_token(lab: labs.Lab) -> None:
    """start.py leaves address and token as JupyterLab sets them: nobody else on the network gets in."""
    assert lab.url.startswith(("http://localhost:", "http://127.0.0.1:"))
    assert len(lab.token) >= 32
