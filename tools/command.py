"""`write`, `check`, `minutes` and `new`: the authors' command, spelled out."""

import argparse
import io
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools import (
    AuthoringError,
    canonical,
    find_root,
    form,
    minutes,
    navigation,
    one_run,
    questions,
    reading,
    running,
    skeleton,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what `arguments` say; return the exit code: 0 all is well, 1 something to mend, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a pipe on Windows may not know ✓
    options = _parser().parse_args(arguments)
    try:
        root = find_root(options.root)
        if options.command == "new":
            path = skeleton.create(root / "notebooks", options.name, options.title)
            print(f"{path.relative_to(root)}: made. Fill it, then `python -m tools write`")
            return 0
        paths = _chosen(root, options.notebooks)
        if options.command == "check":
            return _report(_stale(root, paths))
        if options.command == "minutes":
            print(minutes.table([reading.load(path, root) for path in paths]))
            return _report(minutes.too_long(navigation.openings(root / "notebooks")))
        return write(root, paths, run=not options.no_run, fresh=options.fresh)
    except AuthoringError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("✗ interrupted: the notebook that was running is as it was.", file=sys.stderr)
        return 130


def write(root: Path, paths: Sequence[Path], *, run: bool = True, fresh: bool = False) -> int:
    """Run the notebooks at `paths`, store them in canonical form, and bring everything derived up to date.

    Returns the exit code: 1 when a notebook failed (it is left as it was; the others are still written).
    """
    failures = []
    for path in paths:
        start = time.perf_counter()
        try:
            changed = _write_one(path, root, run=run, fresh=fresh)
        except AuthoringError as error:
            failures.append(str(error))
            print(f"✗ {path.name}: left as it was", flush=True)
        else:
            seconds = f" ({time.perf_counter() - start:.0f} s)" if run else ""
            print(f"✓ {path.name}: {'written' if changed else 'unchanged'}{seconds}", flush=True)
    try:
        for path in _refresh(root):
            print(f"✓ {path.name}: derived anew", flush=True)
    except AuthoringError as error:
        failures.append(str(error))
    return _report(failures)


def _write_one(path: Path, root: Path, *, run: bool, fresh: bool) -> bool:
    previous = canonical.read(path)
    result = canonical.canonical(previous, root)
    if run:
        start = time.perf_counter()
        executed = canonical.canonical(running.run(previous, path), root)
        seconds = max(1, round(time.perf_counter() - start))
        executed.metadata[canonical.RUN] = {"mark": one_run.mark(executed), "seconds": seconds}
        # All outputs of the old run, so that writing again changes no line, or all of the new one.
        whole = result.metadata.get(canonical.RUN, {}).get("mark") == one_run.mark(result)
        if fresh or not whole or not canonical.says_the_same(result, executed):
            result = executed
    shown = dict(canonical.machine_paths(result, root, Path.home()))
    if shown:
        where = "; ".join(f"{cell} shows {found}" for cell, found in shown.items())
        raise AuthoringError(
            f"{path.name}: an output shows a path of this machine: {where}. Print only the name."
        )
    return canonical.store(path, canonical.dumps(result))


def _refresh(root: Path) -> Iterator[Path]:
    """Write what is derived, yielding each file that changed."""
    for path, content in _derived(root):
        if canonical.store(path, content):
            yield path


def _derived(root: Path) -> Iterator[tuple[Path, str | bytes]]:
    """Yield (path, content as it should be) for each file that holds something derived."""
    folder = root / "notebooks"
    paths = navigation.notebooks_in(folder)
    known = navigation.openings(folder)
    for path in paths:
        notebook = canonical.read(path)
        navigation.derive(notebook, path.name, [one.name for one in paths], known)
        yield path, canonical.dumps(notebook)
    readme = root / "README.md"
    text = navigation.readme_with_table(readme.read_text(encoding="utf-8"), known)
    if navigation.PICTURE_BEGIN in text:
        text, png = navigation.readme_with_picture(text, canonical.read(folder / navigation.HOME))
        yield root / navigation.PICTURE_FILE, png
    yield readme, text
    if (root / questions.SOURCE).is_file():
        yield root / questions.PAGE, questions.page(root)


def _stale(root: Path, paths: Sequence[Path]) -> Iterator[str]:
    """Yield what `write` would change and what the form asks for, one sentence each."""
    for path in paths:
        yield from (f"{path.name}: {complaint}" for complaint in form.complaints(reading.load(path, root)))
    yield from stale_derivations(root)


def stale_derivations(root: Path) -> Iterator[str]:
    """Yield a sentence for each file whose links, map, table or picture are not what the notebooks say."""
    try:
        for path, content in _derived(root):
            if not path.is_file() or content != (
                path.read_bytes() if isinstance(content, bytes) else path.read_text(encoding="utf-8")
            ):
                yield f"{path.name}: stale; run `python -m tools write --no-run`"
    except AuthoringError as error:
        yield str(error)


def _report(complaints: Sequence[str] | Iterator[str]) -> int:
    found = list(dict.fromkeys(complaints))
    for complaint in found:
        print(f"✗ {complaint}", file=sys.stderr)
    return 1 if found else 0


def _chosen(root: Path, names: Sequence[str]) -> list[Path]:
    folder = root / "notebooks"
    if not names:
        return navigation.notebooks_in(folder)
    return [_find(folder, name) for name in names]


def _find(folder: Path, name: str) -> Path:
    """Return the notebook that `name` means: a path, a file name, or its first two digits."""
    candidates = [Path(name), folder / name, folder / f"{name}.ipynb", *folder.glob(f"{name}_*.ipynb")]
    for path in candidates:
        if path.is_file() and path.suffix == ".ipynb":
            return path.resolve()
    known = ", ".join(path.name for path in navigation.notebooks_in(folder)) or "none"
    raise AuthoringError(f"No notebook {name!r}: expected one of {known}, or its two digits.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools", description="Write, check and make notebooks.")
    parser.add_argument("--root", type=Path, help="the checkout (default: found upwards from here)")
    commands = parser.add_subparsers(dest="command", required=True)
    writer = commands.add_parser(
        "write", help="run notebooks, store them in canonical form, derive navigation"
    )
    writer.add_argument("notebooks", nargs="*", help="files or their two digits (default: all)")
    writer.add_argument("--no-run", action="store_true", help="keep the outputs as they are")
    writer.add_argument(
        "--fresh", action="store_true", help="take the new run's outputs even where they say the same"
    )
    checker = commands.add_parser("check", help="say what is stale or out of form; write nothing")
    checker.add_argument("notebooks", nargs="*", help="files or their two digits (default: all)")
    timer = commands.add_parser("minutes", help="say what each lesson's minutes are made of")
    timer.add_argument("notebooks", nargs="*", help="files or their two digits (default: all)")
    maker = commands.add_parser("new", help="make a skeleton notebook")
    maker.add_argument("name", help="NN_snake_case")
    maker.add_argument("title", help="begins with a verb")
    return parser
