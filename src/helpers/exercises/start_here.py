"""The exercises of 00: cut a list into chunks, write a worker, map files on two processes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pool
from pathlib import Path

from helpers.exercises import NotYet, ToDo, exercise, observed
from helpers.pools.chunks import chunks
from helpers.workers.source import count_definitions

_TEXTS = {
    "one.py": b"def one():\n    pass\n",
    "empty.py": b"",
    "no_last_newline.py": b"class A: pass\n\ndef f(): pass",
    "korean.py": "# 한글\nname = '일꾼'\n".encode(),
    "latin.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
}


@exercise("chunks")
def judge_chunks(answer: tuple[object, object]) -> str:
    """Accept how many chunks 30 tasks make in fours, and how many tasks the last one has."""
    number, last = answer
    if number is ... or last is ...:
        raise ToDo("replace each of the two `...`, then run the cell again")
    cut = chunks(30, workers=3, chunksize=4)
    if number == 30 // 4:
        raise NotYet("7 chunks of four hold 28 tasks: two tasks are left over, and they need a chunk, too")
    if number != len(cut):
        raise NotYet(
            f"it is not {number!r} chunks: the number of workers does not matter, cut 30 tasks in fours"
        )
    if last != len(cut[-1]):
        raise NotYet(
            f"8 chunks are right, but the last one has not {last!r} tasks: seven full ones hold 28 of the 30"
        )
    return "seven chunks of four, and one with the two that are left"


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
        if found != right:
            raise NotYet(
                "every path is there, but with another file's result: keep results in the order of the paths"
            )
        seen.require_parallel()
    return "two processes worked at the same time, and none is left"


@contextmanager
def _files() -> Iterator[list[str]]:
    """Yield the paths of a few small files, in an order that is not sorted; they are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="helpers-files-") as folder:
        paths = [Path(folder, name) for name in _TEXTS]
        for path in paths:
            path.write_bytes(_TEXTS[path.name])
        yield [str(path) for path in paths]
