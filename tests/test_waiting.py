"""Waiting has a limit."""

import pytest

from helpers.waiting import wait_until


def test_returns_as_soon_as_the_condition_is_true() -> None:
    answers = iter([False, 0, None, "yes"])
    wait_until(lambda: next(answers))
    assert list(answers) == []


def test_asks_at_least_once() -> None:
    wait_until(lambda: True, limit=1e-9)


def test_says_what_did_not_happen() -> None:
    with pytest.raises(TimeoutError, match=r"the end of the child did not happen within 0.01 s"):
        wait_until(lambda: False, limit=0.01, what="the end of the child")


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_refuses_a_limit_that_is_none(limit: float) -> None:
    with pytest.raises(ValueError, match="a number above 0"):
        wait_until(lambda: True, limit=limit)


def test_what_the_condition_raises_gets_through() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0)
