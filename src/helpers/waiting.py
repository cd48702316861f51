"""Wait for a condition, never longer than a limit."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], limit: float = 10.0, what: str = "the condition") -> None:
    """Return as soon as `condition()` is true, having asked it at least once.

    `limit` is in seconds. Raises ValueError when it is not a positive number, and TimeoutError, naming `what`
    and the limit, when the condition did not come true in time.
    """
    if not limit > 0:
        raise ValueError(f"limit is {limit!r}; give the seconds to wait at most as a number above 0")
    deadline = time.monotonic() + limit
    pause = 0.001
    while not condition():
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{what} did not happen within {limit:g} s; family() shows who still runs")
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.05)
