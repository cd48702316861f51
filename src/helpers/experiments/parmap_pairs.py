"""The standard library and parmap side by side: pairs of lines that do the same, run and compared."""

import ast
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import product, repeat
from multiprocessing import Pool, get_context
from multiprocessing.pool import ThreadPool
from typing import Any, NamedTuple
from unittest.mock import patch

from helpers.programs.expression import value_of
from helpers.views.table import Table
from helpers.workers.endings import raise_error
from helpers.workers.formulas import keep_factor, linear, plane, times_factor
from helpers.workers.numbers import square

# Names that need an import line of their own; what makes a pool, and parmap, are imported on both sides.
_IMPORTED = {"partial", "product", "repeat", "tqdm"}


class Pair(NamedTuple):
    """Two sources that do the same, and the pool that both find open under the name `pool`."""

    standard: str
    parmap: str
    pool: str = ""


OPEN = "Pool(2)"
PAIRS = (
    Pair("[square(x) for x in xs]", "parmap.map(square, xs, pm_parallel=False)"),
    Pair("with Pool(2) as own: own.map(square, xs)", "parmap.map(square, xs, pm_processes=2)"),
    Pair("pool.map(square, xs)", "parmap.map(square, xs, pm_pool=pool)", OPEN),
    Pair("pool.map(partial(linear, a=10, b=1), xs)", "parmap.map(linear, xs, 10, b=1, pm_pool=pool)", OPEN),
    Pair("pool.starmap(linear, zip(xs, repeat(10)))", "parmap.map(linear, xs, 10, pm_pool=pool)", OPEN),
    Pair("pool.starmap(plane, zip(xs, ys))", "parmap.starmap(plane, zip(xs, ys), pm_pool=pool)", OPEN),
    Pair(
        "pool.starmap(plane, [(x, y, 9, 1) for x, y in product(xs, ys)])",
        "parmap.starmap(plane, product(xs, ys), 9, b=1, pm_pool=pool)",
        OPEN,
    ),
    Pair("pool.map_async(square, xs).get(10)", "parmap.map_async(square, xs, pm_pool=pool).get(10)", OPEN),
    Pair(
        "pool.starmap_async(plane, zip(xs, ys)).get(10)",
        "parmap.starmap_async(plane, zip(xs, ys), pm_pool=pool).get(10)",
        OPEN,
    ),
    Pair("pool.map(square, xs, chunksize=2)", "parmap.map(square, xs, pm_chunksize=2, pm_pool=pool)", OPEN),
    Pair(
        "pool.map_async(square, xs, callback=kept.append).wait(10)",
        "parmap.map_async(square, xs, pm_callback=kept.append, pm_pool=pool).wait(10)",
        OPEN,
    ),
    Pair(
        "pool.map_async(raise_error, xs[:1], error_callback=kept.append).wait(10)",
        "parmap.map_async(raise_error, xs[:1], pm_error_callback=kept.append, pm_pool=pool).wait(10)",
        OPEN,
    ),
    Pair(
        "list(tqdm(pool.imap(square, xs), total=len(xs)))",
        "parmap.map(square, xs, pm_pbar=True, pm_pool=pool)",
        OPEN,
    ),
    Pair("pool.apply(square, (3,))", "parmap.map(square, [3], pm_pool=pool)[0]", OPEN),
    Pair("list(pool.imap(square, xs))", "parmap.map(square, xs, pm_pool=pool)", OPEN),
    Pair("sorted(pool.imap_unordered(square, xs))", "parmap.map(square, xs, pm_pool=pool)", OPEN),
    Pair(
        "pool.map(times_factor, xs)",
        "parmap.map(times_factor, xs, pm_pool=pool)",
        "Pool(2, keep_factor, (10,), maxtasksperchild=100)",
    ),
    Pair("pool.map(square, xs)", "parmap.map(square, xs, pm_pool=pool)", 'spawn.Pool(2)'),
    Pair(
        "pool.map(lambda x: x + 1, xs)", "parmap.map(lambda x: x + 1, xs, pm_pool=pool)", "ThreadPool(2)"
    ),
    Pair(
        "with ProcessPoolExecutor(2) as own: list(own.map(plane, xs, ys))",
        "parmap.starmap(plane, zip(xs, ys), pm_processes=2)",
    ),
)  # fmt: skip


def compare_pairs() -> Table:
    """Return the pairs, each side run, whether results and callbacks agree, and how many lines a side takes.

    A line is a statement, or the import of a name that the other side may not need.
    """
    rows = []
    with _pools() as pools:
        for pair in PAIRS:
            pool = pools[pair.pool]()
            same = "yes" if _run(pair.standard, pool) == _run(pair.parmap, pool) else "NO"
            rows.append(
                (
                    pair.pool or None,
                    pair.standard,
                    pair.parmap,
                    f"{lines(pair.standard)}→{lines(pair.parmap)}",
                    same,
                )
            )
    equal = sum(row[-1] == "yes" for row in rows)
    long, short = sum(lines(pair.standard) for pair in PAIRS), sum(lines(pair.parmap) for pair in PAIRS)
    caption = f"{equal} of {len(rows)} pairs agree · {long} lines with the library, {short} with parmap"
    columns = ("pool", "standard library", "parmap", "lines", "same")
    return Table(columns, rows, caption, code=("pool", "standard library", "parmap"))


def lines(source: str) -> int:
    """Return how many lines the source takes, one for each statement and one for each imported name."""
    nodes = list(ast.walk(ast.parse(source)))
    imported = {node.id for node in nodes if isinstance(node, ast.Name)} & _IMPORTED
    return sum(isinstance(node, ast.stmt) for node in nodes) + len(imported)


@contextmanager
def _pools() -> Iterator[dict[str, Any]]:
    """Yield for each pool of the pairs a function that opens it once; all are closed at the end."""
    opened: dict[str, Any] = {"": None}

    def opener(source: str) -> Any:
        def open_once() -> Any:
            if source not in opened:
                opened[source] = value_of(source, _names(None))
            return opened[source]

        return open_once

    try:
        yield {pair.pool: opener(pair.pool) for pair in PAIRS}
    finally:
        for pool in filter(None, opened.values()):
            pool.terminate()
            pool.join()


def _run(source: str, pool: Any) -> str:
    """Return what the source gives, and what its callbacks got."""
    import parmap.parmap

    names = _names(pool)
    with patch.object(parmap.parmap.tqdm, "tqdm", names["tqdm"]):  # pm_pbar=True without a bar on the page
        return repr((value_of(source, names), names["kept"]))


def _names(pool: Any) -> dict[str, Any]:
    import parmap
    from tqdm.std import tqdm

    workers = (keep_factor, linear, plane, raise_error, square, times_factor)
    tools = (ProcessPoolExecutor, ThreadPool, partial, product, repeat)
    return {
        **{one.__name__: one for one in (*workers, *tools)},
        "Pool": Pool,
        "spawn": get_context("spawn"),
        "parmap": parmap,
        "tqdm": partial(tqdm, file=io.StringIO()),
        "xs": [1, 2, 3, 4],
        "ys": [5, 6, 7, 8],
        "kept": [],
        "pool": pool,
    }
