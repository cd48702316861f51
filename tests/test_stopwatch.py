"""A stopwatch measures and divides; no test asks how fast anything is."""

from contextlib import suppress

import pytest

from helpers.stopwatch import Stopwatch, stopwatch


def stopped(seconds: float, name: str = "") -> Stopwatch:
    """Return a stopwatch that has measured so many seconds."""
    with stopwatch(name) as watch:
        pass
    watch._seconds = seconds
    return watch


def test_it_measures_the_body_and_stands_still_after() -> None:
    """Inside the time grows; afterwards it does not, whatever happened inside."""
    watch = stopwatch("failing")
    with suppress(KeyError), watch:
        first = watch.seconds
        assert watch.seconds >= first >= 0
        raise KeyError
    assert watch.seconds == watch.seconds >= first


@pytest.mark.parametrize(("seconds", "text"), [(1.834, "1.83 s"), (0.1, "0.10 s"), (0.0421, "42.1 ms")])
def test_it_reads_as_a_sentence(seconds: float, text: str) -> None:
    """The name comes first; short times are in milliseconds."""
    assert str(stopped(seconds, "one by one")) == f"one by one: {text}"
    assert str(stopped(seconds)) == text
    assert str(stopwatch("later")) == "later: not started"


def test_division_is_the_speed_up() -> None:
    """How many times longer the first took."""
    assert stopped(3.0) / stopped(1.5) == 2.0
    with pytest.raises(ZeroDivisionError, match="measured 0 s"):
        stopped(1) / stopped(0)
    with pytest.raises(TypeError):
        stopped(1) / 2  # type: ignore[operator]


def test_a_stopwatch_that_never_ran_says_so() -> None:
    """Asking too early is an error that says what to write."""
    with pytest.raises(RuntimeError, match="with stopwatch"):
        _ = stopwatch().seconds
