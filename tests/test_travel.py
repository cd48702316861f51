"""Each value is pickled here and unpickled in a process that spawn has started; nothing stays of either."""

import threading
from multiprocessing import active_children
from typing import Any

import pytest

from helpers.experiments import travel
from helpers.experiments.travel import Journeys, what_travels
from helpers.views.table import Table
from helpers.workers.numbers import square


class Typed:
    """A class that a child can import, since this module is no `__main__`."""


opened: list[Any] = []


class Closing:
    """Something that notes when it is closed."""

    def close(self) -> None:
        """Note it."""
        opened.remove(self)


def make() -> Closing:
    thing = Closing()
    opened.append(thing)
    return thing


def unreadable() -> Exception:
    class_of = type("Lost", (Exception,), {"__module__": "helpers.workers.numbers"})
    import helpers.workers.numbers as home

    home.Lost = class_of  # type: ignore[attr-defined]
    return class_of("found here, not in the child")  # type: ignore[no-any-return]


def test_a_value_arrives_is_left_behind_or_gets_lost() -> None:
    found = what_travels("square", "lambda: 0", "unreadable()")
    assert (found.arrived, found.left_behind, found.lost) == (["square"], ["lambda: 0"], ["unreadable()"])
    assert isinstance(found, Table)
    assert [row[1:3] for row in found.rows] == [("yes", "yes"), ("no", None), ("yes", "no")]
    assert [bool(row[3]) for row in found.rows] == [False, True, True]
    assert "Lost" in str(found.rows[2][3])


def test_what_is_told_names_no_address() -> None:
    (row,) = what_travels("lambda: 0").rows
    assert "<lambda>" in row[3]
    assert " at 0x" not in row[3]


def test_modules_of_the_standard_library_need_no_import() -> None:
    assert what_travels("fractions.Fraction(1, 3)").arrived == ["fractions.Fraction(1, 3)"]


def test_sockets_and_ends_of_pipes_are_handed_over_and_no_thread_stays() -> None:
    before = threading.active_count()
    found = what_travels("socket.socket()", "multiprocessing.Pipe()[0]")
    assert found.lost == found.left_behind == []
    assert threading.active_count() == before


def test_values_are_closed_and_the_child_is_gone() -> None:
    what_travels("make()")
    assert opened == []
    assert active_children() == []


def test_an_expression_that_raises_leaves_no_child() -> None:
    with pytest.raises(ZeroDivisionError):
        what_travels("square", "1 / 0")
    assert active_children() == []


def test_a_child_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(travel, "LIMIT", 0)
    with pytest.raises(TimeoutError, match="did not answer"):
        what_travels("1")
    assert active_children() == []


def test_a_source_holds_expressions_and_nothing_else() -> None:
    assert what_travels("1; 'a; b'", "(2,)").arrived == ["1", "'a; b'", "(2,)"]
    with pytest.raises(ValueError, match="has no value"):
        what_travels("1; x = 2")
    assert active_children() == []


def test_a_table_of_none() -> None:
    assert isinstance(what_travels(), Journeys)
    assert square(3) == 9
