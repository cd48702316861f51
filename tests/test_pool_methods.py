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

# Python's documentation of multiprocessing.pool and concurrent.futures.
POOL = [
    ("apply", "yes", "one answer", "one answer", "(a, b)", "in the call", "no"),
    ("map", "yes", "yes", "no", "no", "in the call", "no"),
    ("starmap", "yes", "yes", "no", "[(a, b), ...]", "in the call", "no"),
    ("imap", "no", "yes", "its answers", "no", "at its item, goes on", "next(timeout)"),
    ("imap_unordered", "no", "no", "its answers", "no", "at its item, goes on", "next(timeout)"),
    ("apply_async", "no", "one answer", "one answer", "(a, b)", "in get()", "get(timeout)"),
    ("map_async", "no", "yes", "no", "no", "in get()", "get(timeout)"),
    ("starmap_async", "no", "yes", "no", "[(a, b), ...]", "in get()", "get(timeout)"),
]
EXECUTOR = [
    ("submit", "no", "one answer", "one answer", "a, b", "in result()", "result(timeout)"),
    ("map", "no", "yes", "its answers", "[a, ...], [b, ...]", "at its item, ends", "map(timeout=)"),
]


def test_a_pool_does_what_its_documentation_says() -> None:
    with Pool(2) as pool:
        table = compare_methods(pool)
    assert table.columns == COLUMNS
    assert list(table.rows) == POOL


def test_an_executor_does_what_its_documentation_says() -> None:
    with ProcessPoolExecutor(2) as executor:
        assert list(compare_methods(executor).rows) == EXECUTOR


def test_a_pool_of_threads_does_the_same() -> None:
    with ThreadPool(2) as pool:
        assert list(compare_methods(pool).rows) == POOL


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
    with ThreadPool(2) as pool:
        found = pool_methods._row(Method(Changed(pool, map=row[0], imap=row[0]), "map"))
    assert found[1:] == row[1:]


def test_nothing_stays_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ThreadPool(2) as pool:
        compare_methods(pool)
    assert list(tmp_path.iterdir()) == []
