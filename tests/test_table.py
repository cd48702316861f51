"""A table reads well as text and as HTML."""

import re
from html import unescape

import pytest

from helpers.views.table import Table


def test_text_is_aligned() -> None:
    """Words are flush left, numbers flush right, None is a dash, wide letters count twice."""
    table = Table(("name", "PID"), [("worker 1", 7), ("한글", 12345), ("c", None)], caption="Who")
    assert repr(table).splitlines() == [
        "Who",
        "name        PID",
        "────────  ─────",
        "worker 1      7",
        "한글      12345",
        "c             -",
    ]


def test_html_is_escaped() -> None:
    """What looks like markup is text."""
    html = Table(("<a>",), [("<script>&",)], caption="x < y")._repr_html_()
    assert "<script>" not in html
    for text in ("&lt;a&gt;", "&lt;script&gt;&amp;", "x &lt; y"):
        assert text in html


def test_equal_tables_show_the_same() -> None:
    """Lists and tuples, rows given at once or one by one: the same table."""
    assert Table(["a"], [[1]]) == Table(("a",), iter([(1,)]))
    assert Table(["a"], [[1]]) != Table(["a"], [[2]])
    assert Table(["a"], []) != "a"
    assert len(Table(["a"], [[1], [2]])) == 2


def test_an_empty_and_a_long_table() -> None:
    """No rows leave the head; very many rows end with how many are left out."""
    assert repr(Table(("a", "bc"), [])).splitlines() == ["a  bc", "─  ──"]
    long = Table(("n",), ([n] for n in range(61)))
    assert repr(long).endswith("… and 1 more row")
    assert "… and 1 more row" in long._repr_html_()


def test_a_row_of_another_length_is_refused() -> None:
    """Each row has one value per column."""
    with pytest.raises(ValueError, match=r"has 1 values for 2 columns \(a, b\)"):
        Table(("a", "b"), [(1,)])


def test_code_is_monospace_and_breaks_between_arguments() -> None:
    """A column of code keeps words and expressions whole; other columns are as before."""
    line = "with Pool(2) as pool: pool.map(f(a, b), [1, 2], 'a, b'); g(x < 1)"
    html = Table(("you write", "n"), [(line, "a, b")], code=("you write",))._repr_html_()
    cell = html.split("<td", 2)[1]
    assert "<code>" in cell
    assert "</td><td" in html
    assert html.endswith('<td style="text-align: left">a, b</td></tr></tbody></table></div>')
    pieces = re.findall(r'<span style="white-space: nowrap">(.*?)</span>', cell)
    assert list(map(unescape, pieces)) == [
        "with Pool(2) as pool:",
        "pool.map(f(a,",
        "b),",
        "[1, 2],",
        "'a, b');",
        "g(x < 1)",
    ]


def test_a_column_of_code_is_a_column() -> None:
    with pytest.raises(ValueError, match=r"code=\['b'\] names no column: the columns are a"):
        Table(("a",), [], code=("b",))
