"""The table of pairs: every row is run, rows that differ are seen, and lines are counted."""

import multiprocessing

import pytest

from helpers.experiments import parmap_pairs
from helpers.experiments.parmap_pairs import PAIRS, Pair, compare_pairs, lines


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_all_pairs_agree(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = multiprocessing.context._default_context
    monkeypatch.setattr(default, "_default_context", multiprocessing.get_context(method))
    table = compare_pairs()
    assert len(table) == len(PAIRS) == 20
    assert [row for row in table.rows if row[-1] != "yes"] == []
    assert table.caption == "20 of 20 pairs agree · 26 lines with the library, 21 with parmap"


@pytest.mark.parametrize(
    ("standard", "other"),
    [
        ("[square(x) for x in xs]", "[square(x) for x in ys]"),
        ("list(map(kept.append, xs))", "[None] * 4"),  # the same value, but not what the callback got
    ],
)
def test_a_pair_that_differs_is_seen(standard: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parmap_pairs, "PAIRS", (Pair(standard, other), Pair("1", "1")))
    table = compare_pairs()
    assert [row[-1] for row in table.rows] == ["NO", "yes"]
    assert table.caption.startswith("1 of 2 pairs agree")


def test_pools_are_closed_when_a_row_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parmap_pairs, "PAIRS", (Pair("pool.map(square, xs)", "1 / 0", "Pool(2)"),))
    with pytest.raises(ZeroDivisionError):
        compare_pairs()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("pool.map(square, xs)", 1),
        ("pool.map(partial(linear, a=1), xs)", 2),
        ("with Pool(2) as own: own.map(square, xs)", 2),
        ("with Pool(2) as own: own.starmap(linear, zip(xs, repeat(partial)))", 4),
        ("parmap.map(square, xs, pm_pbar=True)", 1),
    ],
)
def test_lines_are_statements_and_imported_names(source: str, count: int) -> None:
    assert lines(source) == count
