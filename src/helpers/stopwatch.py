"""A stopwatch whose times divide into a speed-up."""

from time import perf_counter
from types import TracebackType
from typing import Self


def _readable(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.3g} ms"


class Stopwatch:
    """The time that the body of a `with` statement took, under a name.

    `first / second` is how many times faster the second was; `str()` is like "one by one: 1.83 s".
    """

    def __init__(self, name: str = "") -> None:
        """Be ready to run; `name` says what is measured."""
        self.name = name
        self._began: float | None = None
        self._seconds: float | None = None

    def __enter__(self) -> Self:
        """Start (again) from zero."""
        self._seconds = None
        self._began = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, also when the body failed."""
        assert self._began is not None
        self._seconds = perf_counter() - self._began

    @property
    def seconds(self) -> float:
        """The seconds between start and stop, or until now while it runs.

        Raises RuntimeError before it was started.
        """
        if self._began is None:
            raise RuntimeError(
                'the stopwatch was never started: write `with stopwatch("name") as watch:` around the work'
            )
        return perf_counter() - self._began if self._seconds is None else self._seconds

    def __truediv__(self, other: "Stopwatch") -> float:
        """Return how many times longer this took than the other."""
        if not isinstance(other, Stopwatch):
            return NotImplemented
        if not other.seconds:
            raise ZeroDivisionError("the second stopwatch measured 0 s: give it something to measure")
        return self.seconds / other.seconds

    def __repr__(self) -> str:
        """Return the name and the time."""
        time = "not started" if self._began is None else _readable(self.seconds)
        return f"{self.name}: {time}" if self.name else time


def stopwatch(name: str = "") -> Stopwatch:
    """Return a stopwatch that measures the body of a `with` statement.

    Example: `with stopwatch("one by one") as serial: ...`, then `serial.seconds`.
    """
    return Stopwatch(name)
