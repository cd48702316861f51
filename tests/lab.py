"""JupyterLab as a learner meets it: started by start.py in a new checkout, seen in headless Chromium.

Run as a script, it opens the learner's copies, runs all cells and saves what a learner sees:

    python tests/lab.py notebooks/03_spawning.ipynb --into FOLDER
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
SETTINGS = {  # no saving behind our back, every cell in the page
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
FOLDERS = {  # nothing of the user's own, and nothing of ours for the user
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
NOT_COPIED = (".git", ".venv*", ".*_cache", ".ipynb_checkpoints", "__pycache__", "my_notebooks")
# A kernel of the user's own that would end at once: .venv's must come first.
FOREIGN_KERNEL = {"argv": [sys.executable, "-c", "pass"], "display_name": "foreign", "language": "python"}
START_LIMIT = 120  # seconds until the server answers
RUN_LIMIT = 300  # seconds that one notebook may take in the browser

PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
OPEN = """async path => {
    for (const shown of [...jupyterapp.shell.widgets('main')]) { shown.context?.dispose(); shown.dispose(); }
    const panel = await jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    await panel.context.ready; await panel.sessionContext.ready; }"""
CODE_CELLS = """jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === 'code')"""
HAS_RUN = "cell => cell.model.executionState === 'idle' && cell.model.executionCount !== null"
OUTPUTS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .map(cell => ({id: cell.model.id, tags: cell.model.getMetadata('tags') || [],
                   ran: cell.model.executionCount !== null,
                   source: cell.model.sharedModel.source, outputs: cell.model.outputs.toJSON()}))"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, the process of start.py, the checkout it serves."""

    url: str
    token: str
    process: "subprocess.Popen[bytes]"
    checkout: Path


def no_browser() -> str:
    """Return why no browser can be started here, or nothing."""
    if find_chromium() or sys.platform in ("win32", "darwin"):
        return ""
    return "no Chromium here: install it (Debian: apt-get install chromium) to see the notebooks in a browser"


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome on PATH, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_lab() -> Iterator[Lab]:
    """Yield a JupyterLab, started by start.py with a configuration of its own; it has ended afterwards.

    It serves a copy of the working tree, in which the copies of the lessons are made, and runs in the
    environment that runs the tests, which start.py finds as a `.venv` that it did not make: nothing is
    installed, and nobody's own copies are touched.
    """
    with tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True) as folder:
        base = Path(folder)
        checkout = base / "checkout"
        shutil.copytree(ROOT, checkout, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
        _link(checkout / ".venv", Path(sys.prefix))
        for name, content in SETTINGS.items():
            _store(base / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings", content)
        _store(base / "data" / "kernels" / "python3" / "kernel.json", FOREIGN_KERNEL)
        environment = os.environ | {variable: str(base / folder) for variable, folder in FOLDERS.items()}
        environment.pop("PYTEST_CURRENT_TEST", None)  # with it, kernels do not show what children print
        arguments = ["--no-browser", f"--port={free_port()}", "--LabApp.expose_app_in_browser=True"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; JupyterLab refuses root otherwise
            arguments.append("--allow-root")
        with (base / "lab.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(checkout / "start.py"), *arguments],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        lab = None
        try:
            lab = _wait_for_server(process, base, checkout)
            yield lab
        finally:
            _end(process, lab)


def _link(link: Path, folder: Path) -> None:
    """Make `link` lead to `folder`; on Windows as a junction, which needs no rights."""
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(folder), str(link))
    else:
        link.symlink_to(folder)


def _store(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def _end(process: "subprocess.Popen[bytes]", lab: Lab | None) -> None:
    """End the server: by asking it, since on Windows a signal would reach start.py alone, and leave it."""
    if lab:
        ask = urllib.request.Request(f"{lab.url}api/shutdown?token={lab.token}", method="POST")
        with suppress(OSError):
            urllib.request.urlopen(ask, timeout=10).close()
    else:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _wait_for_server(process: "subprocess.Popen[bytes]", base: Path, checkout: Path) -> Lab:
    """Return the server once it answers; RuntimeError with its log when it ends or takes too long."""
    deadline = time.monotonic() + START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        for file in (base / "runtime").glob("jpserver-*.json"):
            try:
                server = json.loads(file.read_text(encoding="utf-8"))
                lab = Lab(server["url"], server["token"], process, checkout)
                urllib.request.urlopen(f"{lab.url}api/status?token={lab.token}", timeout=2).close()
            except (OSError, ValueError):
                continue
            return lab
        time.sleep(0.1)
    log = (base / "lab.log").read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"JupyterLab did not answer within {START_LIMIT} s; start.py said:\n{log}")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Yield a headless Chromium."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        try:
            yield browser
        finally:
            browser.close()


def _launch(playwright: Playwright) -> Browser:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*FLAGS, *(["--no-sandbox"] if root else [])]
    path = find_chromium()
    if path:
        return playwright.chromium.launch(executable_path=path, args=flags)
    try:
        return playwright.chromium.launch(channel="chrome", args=flags)
    except Error:
        return playwright.chromium.launch(channel="msedge", args=flags)


@contextmanager
def running_page() -> Iterator[tuple[Lab, Page]]:
    """Yield a JupyterLab and its page in a headless Chromium, at the address that start.py opens."""
    with running_lab() as lab, running_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.set_default_timeout(90_000)
        page.goto(f"{lab.url}?token={lab.token}")
        page.wait_for_function("() => window.jupyterapp")  # its scripts may come late
        page.evaluate("async () => { await jupyterapp.restored; }")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        page.wait_for_selector(f"{PANEL} .jp-Cell", state="visible")  # else over one that is opened next
        yield lab, page


@contextmanager
def opened(page: Page, notebook: str, folder: str = "my_notebooks") -> Iterator[Page]:
    """Show the learner's copy in the page, its kernel ready; the kernel is shut down afterwards.

    What was shown before is closed, whatever became of it: loading the page again takes five seconds.
    """
    page.evaluate(OPEN, f"{folder}/{notebook}")
    page.wait_for_selector(f"{PANEL} .jp-Cell", state="visible")
    yield page
    page.evaluate("async () => { await jupyterapp.shell.currentWidget.sessionContext.shutdown(); }")


def run_all(page: Page) -> list[dict[str, Any]]:
    """Return every code cell with its outputs after `Run all cells`; TimeoutError at the limit."""
    start_run(page)
    deadline = time.monotonic() + RUN_LIMIT
    while not finished(page):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the notebook was still running after {RUN_LIMIT} s in the browser")
        page.wait_for_timeout(100)
    cells: list[dict[str, Any]] = page.evaluate(OUTPUTS)
    return cells


def start_run(page: Page, through: str = "") -> None:
    """Ask JupyterLab to run all cells, or those down to the cell `through`, without waiting for the end."""
    page.evaluate(
        """through => { const panel = jupyterapp.shell.currentWidget.content;
                        window.allRun = false;
                        if (through)
                            panel.activeCellIndex =
                                1 + panel.widgets.findIndex(cell => cell.model.id === through);
                        const run = jupyterapp.commands.execute(
                            through ? 'notebook:run-all-above' : 'notebook:run-all-cells');
                        run.finally(() => { window.allRun = true; }); }""",
        through,
    )


def finished(page: Page, through: str = "") -> bool:
    """Tell whether all cells have run, or those down to the cell `through`.

    JupyterLab's promise is over with the first error, an intended one too, while later cells still run.
    """
    awaited = f"{CODE_CELLS}.filter(cell => !through || cell.model.id === through)"
    return bool(page.evaluate(f"through => window.allRun && {awaited}.every({HAS_RUN})", through))


def save(page: Page) -> None:
    """Save the notebook."""
    page.evaluate("async () => { await jupyterapp.shell.currentWidget.context.save(); }")


def photograph(page: Page, folder: Path, name: str) -> list[Path]:
    """Save the whole notebook as a row of pictures of one screen each, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pane = page.locator(f"{PANEL} .jp-WindowedPanel-outer")
    tall, screen = pane.evaluate("pane => [pane.scrollHeight, pane.clientHeight]")
    pictures = []
    for number, top in enumerate(range(0, tall, screen)):
        pane.evaluate("(pane, top) => { pane.scrollTop = top; }", top)
        page.wait_for_timeout(300)
        pictures.append(folder / f"{name}-{number:02}.png")
        pane.screenshot(path=pictures[-1])
    return pictures


def main() -> None:
    """Run notebooks in the browser and save what a reader sees."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--into", type=Path, required=True, help="the folder for the pictures")
    options = parser.parse_args()
    with running_page() as (_, page):
        for notebook in options.notebooks:
            with opened(page, notebook.name):
                run_all(page)
                print(*photograph(page, options.into, notebook.stem), sep="\n")


if __name__ == "__main__":
    main()
