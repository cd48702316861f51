"""Functions with marks that tests let go step by step; children import them."""

import threading
from typing import Any

UNSHARED = threading.Lock()


def with_lock(lock: Any, step: Any) -> None:
    step("lock")
    with lock:
        step("inside")


def twice(lock: Any, step: Any) -> None:
    step("lock")
    with lock:
        step("lock again")
        with lock:
            pass


def keep(lock: Any, step: Any) -> None:
    step("lock")
    lock.acquire()


def give_back(lock: Any, step: Any) -> None:
    step("give back")
    lock.release()


def try_lock(lock: Any, got: Any, step: Any) -> None:
    step("try")
    if lock.acquire(block=False):
        step("got it")
        got.value += 1
        lock.release()


def fail(total: Any, step: Any) -> None:
    step("fail")
    raise KeyError("no")


def leave(step: Any) -> None:
    step("leave")
    raise SystemExit(3)


def without_step(total: Any) -> None:
    total.value += 1


def loop(step: Any) -> None:
    step("loop")
    while True:
        pass


def hidden_lock(step: Any) -> None:
    step("lock")
    UNSHARED.acquire()
    UNSHARED.acquire()


def mark_for_ever(step: Any) -> None:
    while True:
        step("again")


def with_timeout(lock: Any, step: Any) -> None:
    step("lock")
    lock.acquire(timeout=3)


def lock_first(total: Any, step: Any) -> None:
    with total.get_lock():
        step("read")
        total.value += 1


def look_then_lock(total: Any, step: Any) -> None:
    step("look")
    if total.value == 0:
        with total:
            total.value += 1


def no_mark(total: Any, step: Any) -> None:
    total.value += 1
