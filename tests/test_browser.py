"""Each notebook in JupyterLab, started by start.py, opened in headless Chromium, with all its cells run."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "playwright", reason="the package playwright is not installed: pip install -e '.[test]' brings it"
)

from playwright.sync_api import Browser, Page

from tests import lab as labs

NOTEBOOKS = sorted(path.name for path in (labs.ROOT / "notebooks").glob("*.ipynb"))
LIVE = "live=True"
SAMPLE = """id => { const cells = jupyterapp.shell.currentWidget.content.widgets;
                    const cell = cells.find(cell => cell.model.id === id);
                    const image = cell.node.querySelector('.jp-RenderedSVG img, .jp-RenderedSVG svg');
                    return image ? image.src || image.outerHTML : ""; }"""

pytestmark = [
    pytest.mark.skipif(bool(labs.no_browser()), reason=labs.no_browser() or "there is a browser"),
    pytest.mark.limit(labs.START_LIMIT + labs.RUN_LIMIT),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[labs.Lab]:
    """One JupyterLab for all notebooks."""
    with labs.running_lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all notebooks."""
    with labs.running_browser() as browser:
        yield browser


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_reader_runs_all_cells_without_an_error(browser: Browser, lab: labs.Lab, notebook: str) -> None:
    """No cell ends with an error but those that are meant to, and the live view moves while its cell runs."""
    with labs.opened(browser, lab, notebook) as page:
        labs.start_run_all(page)
        frames = watch_live_cells(page)
        cells = page.evaluate(labs.OUTPUTS)
    assert cells
    for cell in cells:
        where = f"{notebook}, cell {cell['id']}"
        raised = [output["ename"] for output in cell["outputs"] if output["output_type"] == "error"]
        assert bool(raised) == ("raises-exception" in cell["tags"]), f"{where}: {raised or 'no error'}"
        if LIVE in cell["source"]:
            seen = len(frames[cell["id"]])
            assert seen >= 2, f"{where}: {seen} live pictures were seen, expected at least 2"
            kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
            assert kinds == {"image/png", "text/plain"}, (
                f"{where}: it ends as {kinds}, not as a still picture"
            )


def watch_live_cells(page: Page) -> dict[str, set[str]]:
    """Return the different pictures that each live cell showed while it ran, until all cells have run."""
    live = [cell["id"] for cell in page.evaluate(labs.OUTPUTS) if LIVE in cell["source"]]
    frames: dict[str, set[str]] = {cell: set() for cell in live}
    deadline = time.monotonic() + labs.RUN_LIMIT
    while not labs.finished(page):
        assert time.monotonic() < deadline, f"still running after {labs.RUN_LIMIT} s in the browser"
        for cell in live:
            picture = page.evaluate(SAMPLE, cell)
            if picture:
                frames[cell].add(picture)
        page.wait_for_timeout(50)
    return frames


def test_the_server_is_on_the_loopback_with_a_token(lab: labs.Lab) -> None:
    """start.py leaves address and token as JupyterLab sets them: nobody else on the network gets in."""
    assert lab.url.startswith(("http://localhost:", "http://127.0.0.1:"))
    assert len(lab.token) >= 32


def test_there_is_a_notebook_to_open() -> None:
    """The parametrised test above is not empty."""
    assert Path(labs.ROOT / "notebooks" / "00_start_here.ipynb").is_file()
