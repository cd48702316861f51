"""Each line is run for itself, and its row says what it gave, who did it and what was said."""

import multiprocessing
import os
import warnings
from typing import Any

import parmap
import pytest

from helpers.experiments.tryout import tryout
from helpers.programs.expression import value_of
from helpers.workers.formulas import pair
from helpers.workers.numbers import square

POOL = multiprocessing.get_context("spawn").Pool
xs = [1, 2, 3]


def row(line: str) -> tuple[Any, ...]:
    """Return the row of one line, without the line."""
    (found,) = tryout(line).rows
    assert found[0] == line
    return found[1:]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("with POOL(1) as pool: parmap.map(square, xs, pm_pool=pool)", ("[1, 4, 9]", "workers", "")),
        ("list(map(square, xs))", ("[1, 4, 9]", "this process", "")),
        ("[]", ("[]", "nobody", "")),
        ("1 / 0", (None, "nobody", "ZeroDivisionError: division by zero")),
        ("pair(1)", (None, "this process", "TypeError: pair() missing 1 required positional argument: 'y'")),
        (
            "parmap.map(square, xs, pm_processes=0)",
            ("[1, 4, 9]", "this process", "UserWarning: Number of processes must be at least 1"),
        ),
        (
            "parmap.map(square, xs, pm_parallel=False, chunksize=2)",
            (
                "[1, 4, 9]",
                "this process",
                "DeprecationWarning: Argument 'chunksize' is deprecated. Use pm_chunksize instead",
            ),
        ),
        ("warnings.warn('about something else')", ("None", "nobody", "UserWarning: about something else")),
    ],
)
def test_a_row_says_what_came_who_did_it_and_what_was_said(line: str, said: tuple[Any, ...]) -> None:
    assert row(line) == said


def test_other_warnings_are_not_shown() -> None:
    assert row("os.path.exists(warnings.__file__) and other()") == ("None", "nobody", "")


def other() -> None:
    """Warn from this module, which is not the line's."""
    warnings.warn("not about the line", stacklevel=1)


def test_lines_do_not_touch_the_names_of_the_caller() -> None:
    assert [found[1] for found in tryout("xs = 5\n\n  xs").rows] == ["None", "[1, 2, 3]"]
    assert xs == [1, 2, 3]
    assert square.__module__ == pair.__module__.replace("formulas", "numbers")


def test_a_long_value_is_cut() -> None:
    assert row("list(range(100))")[0].endswith("…")


def test_an_interrupt_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        tryout("(_ for _ in ()).throw(KeyboardInterrupt)")


def test_value_of_is_the_last_expressions() -> None:
    assert value_of("a = 2\nwith open(name) as file:\n    size = a\n    size + 1", {"name": os.devnull}) == 3
    assert value_of("a = 2", {}) is None
    assert parmap.map(square, [2], pm_parallel=False) == [4]
