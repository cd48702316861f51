"""The exercises of 00: ask a pool for sizes, write a worker, map files on two processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pool
from pathlib import Path

from helpers.exercises.judging.comparing import require_list, short
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.processes.folders import own_folder
from helpers.workers.source import count_definitions

_TEXTS = {
    "one.py": b"def one():\n    pass\n",
    "empty.py": b"",
    "no_last_newline.py": b"class A: pass\n\ndef f(): pass",
    "korean.py": "# 한글\nname = '일꾼'\n".encode(),
    "latin.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
}


@exercise("sizes", in_child=True)
def judge_sizes(sizes: Callable[[list[str]], object]) -> str:
    """Accept a function that has two workers ask for the size of each file, in the order of the files."""
    with _files() as paths:
        with observed() as seen:
            said = sizes(paths)
        right = [Path(path).stat().st_size for path in paths]
        require_list(said, right, "sizes", each="one for each file", order="the order of the files")
        seen.require_parallel()
    return "two workers asked for every size, and the answers stand in the order of the files"


@exercise("count-lines", in_child=True)
def judge_count_lines(count_lines: Callable[[str], int]) -> str:
    """Accept a worker that counts the lines of any file, whatever its encoding, in two processes."""
    with _files() as paths:
        with Pool(2) as pool:
            counted = pool.map(count_lines, paths)
        for path, found in zip(paths, counted, strict=True):
            right = len(Path(path).read_bytes().splitlines())
            if found != right:
                raise NotYet(
                    f"for the bytes {Path(path).read_bytes()!r} it returned {found!r}, expected {right}"
                )
    return "two processes imported your worker, and count the lines of any file"


@exercise("map-files", in_child=True)
def judge_map_files(map_files: Callable[[Callable[[str], int], list[str]], dict[str, int]]) -> str:
    """Accept a function that maps files on two processes at one time and returns {path: result}."""
    with _files() as paths:
        with observed() as seen:
            found = map_files(count_definitions, paths)
        right = {path: count_definitions(path) for path in paths}
        if not isinstance(found, dict):
            raise NotYet(f"it returned {type(found).__name__}, expected a dictionary from path to result")
        if set(found) != set(right):
            raise NotYet(
                f"the dictionary has {len(found)} of the {len(right)} paths as keys; use each as it was given"
            )
        if sorted(map(repr, found.values())) == sorted(map(repr, right.values())) and found != right:
            raise NotYet(
                "every path is there, but with another file's result: keep results in the order of the paths"
            )
        for path, value in found.items():
            if value != right[path]:
                raise NotYet(f"for {Path(path).name} it holds {short(value)}, expected {right[path]}")
        seen.require_parallel()
    return "two processes worked at the same time, and none is left"


@contextmanager
def _files() -> Iterator[list[str]]:
    """Yield the paths of a few small files, in an order that is not sorted; they are removed afterwards."""
    with own_folder("files") as folder:
        paths = [folder / name for name in _TEXTS]
        for path in paths:
            path.write_bytes(_TEXTS[path.name])
        yield [str(path) for path in paths]
