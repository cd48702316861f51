"""What the watched workers of the tests do; importable by children, with no test framework in it."""

import os
import signal
import sys
import threading
import time


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


def add(left: int, right: int, *, more: int = 0) -> int:
    """Return the sum."""
    return left + right + more


def refuse_three(number: int) -> int:
    """Return the number, or raise ValueError for 3."""
    if number == 3:
        raise ValueError("three is refused")
    return number


def die_at_three(number: int) -> int:
    """Return the number, but end the process without a word at 3."""
    if number == 3:
        os._exit(7)
    return number


def kill_at_three(number: int) -> int:
    """Return the number, but be killed at 3."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave_at_three(number: int) -> int:
    """Return the number, but call sys.exit at 3."""
    if number == 3:
        sys.exit(3)
    return number


def sleep_long_at_three(number: int) -> int:
    """Return the number, at 3 only after half a minute."""
    if number == 3:
        time.sleep(30)
    return number


def meet(barrier: "threading.Barrier") -> int:
    """Return this process's number once somebody else is in the same task: the two overlap for sure."""
    barrier.wait(20)
    return os.getpid()


def leave(*_: object) -> None:
    """End without a word, whatever the arguments."""
    sys.exit(3)


def refuse(*_: object) -> None:
    """Raise ValueError, whatever the arguments."""
    raise ValueError("all is refused")


def be_silent(*_: object) -> None:
    """Sleep for ten minutes, whatever the arguments."""
    time.sleep(600)
