"""The table of methods: what is found out by calling agrees with what the documentation says."""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Pool
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest

from helpers.experiments import pool_methods
from helpers.experiments.pool_methods import COLUMNS, Method, compare_methods

# Python's documentation of multiprocessing.pool and concurrent.futures; what it does not say was measured:
# that imap reads until the pipe is full, and what an error takes along where a chunk is larger than 1.
FULL, LATE = "until the pipe is full", "at the end"
POOL = [
    ("apply", "yes", "(a, b)", None, None, None, "in the call", "no"),
    ("map", "yes", "no", "yes", "all at once", "to its end", f"in the call, {LATE}", "no"),
    ("starmap", "yes", "[(a, b), ...]", "yes", "all at once", "to its end", f"in the call, {LATE}", "no"),
    ("imap", "no", "no", "yes", "one by one", FULL, "at its item, goes on", "next(timeout)"),
    ("imap, chunksize=4", "no", "no", "yes", "chunk by chunk", FULL, "instead of its chunk, ends", "no"),
    ("imap_unordered", "no", "no", "no", "one by one", FULL, "at its item, goes on", "next(timeout)"),
    ("imap_unordered, chunksize=4", "no", "no", "no", "chunk by chunk", FULL, "instead of its chunk, ends",
     "no"),
    ("apply_async", "no", "(a, b)", None, None, None, "in get()", "get(timeout)"),
    ("map_async", "no", "no", "yes", "all at once", "to its end", f"in get(), {LATE}", "get(timeout)"),
    ("starmap_async", "no", "[(a, b), ...]", "yes", "all at once", "to its end", f"in get(), {LATE}",
     "get(timeout)"),
]  # fmt: skip
BOTH = "[a, ...], [b, ...]"
EXECUTOR = [
    ("submit", "no", "a, b", None, None, None, "in result()", "result(timeout)"),
    ("map", "no", BOTH, "yes", "one by one", "to its end", "at its item, ends", "map(timeout=)"),
    ("map, chunksize=4", "no", BOTH, "yes", "chunk by chunk", "to its end", "instead of its chunk, ends",
     "map(timeout=)"),
]  # fmt: skip


def test_a_pool_does_what_its_documentation_says() -> None:
    with Pool(2) as pool:
        table = compare_methods(pool)
    assert table.columns == COLUMNS
    assert list(table.rows) == POOL


def test_an_executor_does_what_its_documentation_says() -> None:
    with ProcessPoolExecutor(2) as executor:
        assert list(compare_methods(executor).rows) == EXECUTOR


def test_a_pool_of_threads_does_the_same_but_has_no_pipe() -> None:
    with ThreadPool(2) as pool:
        rows = list(compare_methods(pool).rows)
    assert rows == [tuple("to its end" if cell == FULL else cell for cell in row) for row in POOL]


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match="wants a Pool or an executor, not 3"):
        compare_methods(3)  # type: ignore[arg-type]


def test_one_worker_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_methods, "_LIMIT", 0.2)
    with ThreadPool(1) as pool, pytest.raises(TimeoutError, match="give compare_methods a pool of two"):
        pool_methods._in_order(Method(pool, "map"))


class Changed:
    """A pool with one method that behaves like another one: the table must show it."""

    def __init__(self, pool: Any, **methods: str) -> None:
        """Remember which method stands for which."""
        self._pool = pool
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        """Return a method of the pool, perhaps under another name."""
        return getattr(self._pool, self._methods.get(name, name))


@pytest.mark.parametrize("row", [row for row in POOL if row[0] in ("map_async", "imap_unordered")])
def test_the_table_looks_at_what_happens_not_at_names(row: tuple[str, ...]) -> None:
    with Pool(2) as pool:
        found = pool_methods._row(Method(Changed(pool, map=row[0], imap=row[0]), "map"))
    assert found[1:] == row[1:]


def test_nothing_stays_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ThreadPool(2) as pool:
        compare_methods(pool)
    assert list(tmp_path.iterdir()) == []
