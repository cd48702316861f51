"""The exercises of 06: no update lost, no circle of locks, bytes in shared memory."""

import contextlib
import itertools
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from multiprocessing.shared_memory import SharedMemory
from typing import Any
from unittest.mock import patch

from helpers.exercises.judging.comparing import short
from helpers.exercises.judging.observing import observed
from helpers.exercises.judging.registry import NotYet, exercise
from helpers.workers.sharing import inverted, inverted_or_error, many_times

_TIMES = 3  # that an answer counts beside the other process that the judge plays
_ROUNDS = 200  # of each of two real processes
_TOGETHER = 8.0  # seconds that they get
_LARGEST = 10_000  # bytes that a child may get beside the block


@exercise("no-update-lost", in_child=True, limit=15)
def judge_no_update_lost(add: Callable[..., object]) -> str:
    """Accept an `add` that loses nothing, whenever another process comes in while its lock is free."""
    counter = _Interrupted()
    add(counter, _TIMES)
    if counter.lock.depth:
        raise NotYet("it still holds the counter's lock at its end: `with` gives it back")
    own = counter.number - counter.others
    if counter.lost:
        raise NotYet(
            f"between a read and a write of yours another process counted, and your write undid that: "
            f"{counter.lost} of {counter.others} of its updates are lost. Hold `counter.get_lock()` from the "
            "read to the write"
        )
    if own != _TIMES:
        raise NotYet(f"for times = {_TIMES} it counted {own}")
    real = multiprocessing.Value("i", 0)
    _run([(_ROUNDS, add, real, 2)] * 2)
    if real.value != 4 * _ROUNDS:
        raise NotYet(f"two processes should have counted to {4 * _ROUNDS}, and did to {real.value}")
    return "whenever another process came in, no update was lost"


class _Interrupted:
    """A Value, and another process that counts in it at the worst moments: whenever the lock is free."""

    def __init__(self) -> None:
        self.number = self.others = self.lost = 0
        self.lock = _CountersLock(self._another_counts)
        self._read = 0  # how many of the other's updates the last reader knew

    def get_lock(self) -> "_CountersLock":
        return self.lock

    @property
    def value(self) -> int:
        number, self._read = self.number, self.others
        if not self.lock.depth:
            self._another_counts()
        return number

    @value.setter
    def value(self, number: int) -> None:
        self.lost += self.others - self._read
        self.number, self._read = number, self.others

    def _another_counts(self) -> None:
        self.number += 1
        self.others += 1


class _CountersLock:
    """An RLock of one process that tells when it becomes free."""

    def __init__(self, when_free: Callable[[], None]) -> None:
        self.depth = 0
        self._when_free = when_free

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        self.depth += 1
        return True

    def release(self) -> None:
        if not self.depth:
            raise AssertionError("attempt to release recursive lock not owned by thread")
        self.depth -= 1
        if not self.depth:
            self._when_free()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


@exercise("no-circle", in_child=True, limit=20)
def judge_no_circle(move: Callable[..., object]) -> str:
    """Accept a `move` that takes locks in one order for all, and holds both while it moves."""
    bank = _Bank(3)
    for source, target in itertools.product(range(3), repeat=2):
        before, amount = list(bank.money), 10 * source + target + 1
        bank.begin({source, target})
        move(_Accounts(bank), bank.locks, source, target, amount)
        if bank.held:
            raise NotYet(f"lock {bank.held[0]} is still held at the end: `with` gives it back")
        right = [
            money + amount * ((account == target) - (account == source))
            for account, money in enumerate(before)
        ]
        if bank.money != right:
            raise NotYet(
                f"moving {amount} from account {source} to {target} made {bank.money} of {before}, "
                f"expected {right}"
            )
    for one, other in sorted(bank.orders):
        if (other, one) in bank.orders:
            raise NotYet(
                f"it takes lock {one} before lock {other}, and in another move lock {other} before lock "
                f"{one}: two processes can each get one and wait for the other for ever. Let all moves take "
                "them in one order"
            )
    balances, locks = multiprocessing.RawArray("q", [1000, 1000]), [multiprocessing.Lock() for _ in range(2)]
    _run([(_ROUNDS, move, balances, locks, 0, 1, 1), (_ROUNDS, move, balances, locks, 1, 0, 1)])
    if list(balances) != [1000, 1000]:
        raise NotYet(f"two real processes made {list(balances)} of [1000, 1000]")
    return "one order for all moves, both locks held, and no money lost"


class _Bank:
    """Accounts of one process whose locks note in which order they were taken, and by whom."""

    def __init__(self, accounts: int) -> None:
        self.money = [100 * (account + 1) for account in range(accounts)]
        self.locks = [_AccountsLock(self, account) for account in range(accounts)]
        self.held: list[int] = []
        self.orders: set[tuple[int, int]] = set()
        self._pair: set[int] = set()

    def begin(self, pair: set[int]) -> None:
        """The next move is between these two."""
        self._pair = pair

    def require_locks(self) -> None:
        """Raise NotYet unless both locks of this move are held."""
        if missing := sorted(self._pair - set(self.held)):
            raise NotYet(
                f"it reads or changes a balance without holding lock {missing[0]}: hold the locks of both "
                "accounts until both balances are changed"
            )


class _Accounts:
    """The balances, as a move sees them."""

    def __init__(self, bank: _Bank) -> None:
        self._bank = bank

    def __getitem__(self, account: int) -> int:
        self._bank.require_locks()
        return self._bank.money[account]

    def __setitem__(self, account: int, money: int) -> None:
        self._bank.require_locks()
        self._bank.money[account] = money

    def __len__(self) -> int:
        return len(self._bank.money)


class _AccountsLock:
    """A Lock of one process; taking it twice would be for ever, so that is refused."""

    def __init__(self, bank: _Bank, account: int) -> None:
        self._bank = bank
        self._account = account

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        waits = block and timeout is None
        if self._account in self._bank.held:
            if waits:
                raise NotYet(
                    f"it takes lock {self._account} while it holds it, and would wait for itself for ever: "
                    "look at a move from an account to itself"
                )
            return False
        if waits:
            self._bank.orders |= {(held, self._account) for held in self._bank.held}
        self._bank.held.append(self._account)
        return True

    def release(self) -> None:
        if self._account not in self._bank.held:
            raise ValueError("semaphore or lock released too many times")
        self._bank.held.remove(self._account)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _run(jobs: list[tuple[Any, ...]]) -> None:
    """Run `many_times` with each job in a process of its own; NotYet for those that do not end well."""
    children = [multiprocessing.Process(target=many_times, args=job) for job in jobs]
    for child in children:
        child.start()
    for child in children:
        child.join(_TOGETHER)
    codes = [child.exitcode for child in children]
    for child in children:
        child.kill()
        child.join()
    if None in codes:
        raise NotYet(
            f"two real processes that call it did not end within {_TOGETHER:g} s: who waits for whom?"
        )
    if any(codes):
        raise NotYet(f"two real processes that call it ended with the exit codes {codes}, expected [0, 0]")


@exercise("map-bytes", in_child=True, limit=20)
def judge_map_bytes(map_bytes: Callable[..., object]) -> str:
    """Accept right bytes from two processes at one time, and a block that is put away, even on error."""
    data = bytes(range(250)) * 80 + b"!"
    with _blocks() as made, _arguments() as sizes, observed() as seen:
        said = map_bytes(inverted, data)
    _require_bytes(said, bytes(map(inverted, data)))
    seen.require_parallel()
    if not made:
        raise NotYet(
            "the bytes are right, but no block was made: `SharedMemory(create=True, size=len(data))`"
        )
    if (largest := max(sizes, default=0)) > _LARGEST:
        raise NotYet(
            f"a child was given {largest:,} bytes: a block's name and two edges are enough, the data is in it"
        )
    _require_put_away(made, "")
    if (empty := map_bytes(inverted, b"")) != b"":
        raise NotYet(f"for empty data it returned {short(empty)}, expected b''")
    with _blocks() as made:
        try:
            said = map_bytes(inverted_or_error, bytes([1, 2, 3, 13]))
        except RuntimeError:
            said = None
    if said is not None:
        raise NotYet(
            f"a child failed, and it returned {short(said)}: look at the exit codes, and raise RuntimeError"
        )
    _require_put_away(made, "after a child's failure ")
    return "two processes wrote into one block, only its name travelled, and it is gone"


def _require_bytes(said: object, right: bytes) -> None:
    """Raise NotYet unless the answer is these bytes."""
    if not isinstance(said, bytes):
        raise NotYet(f"it returned {short(said)}, expected bytes")
    if len(said) != len(right):
        raise NotYet(f"it returned {len(said)} bytes, expected {len(right)}, one for each byte of the data")
    for place, (one, other) in enumerate(zip(said, right, strict=True)):
        if one != other:
            raise NotYet(
                f"of {len(right)} bytes, the one at place {place} is {one}, expected {other}: see the edges"
            )


def _require_put_away(made: list[tuple[SharedMemory, bool]], when: str) -> None:
    """Raise NotYet unless all blocks were closed here and unlinked."""
    for block, unlinked in made:
        if not unlinked:
            raise NotYet(
                f"{when}the block is still there: whoever made it calls `unlink()`, in `finally`, so that it "
                "happens whatever else does"
            )
        if block.buf is not None:
            raise NotYet(
                f"{when}the block is gone, but this process never closed it: `close()`, then `unlink()`"
            )


@contextlib.contextmanager
def _blocks() -> Iterator[list[tuple[SharedMemory, bool]]]:
    """Yield a list that has, after this block, each shared memory made in it, and whether it was unlinked.

    What was not is unlinked then.
    """
    made: list[SharedMemory] = []
    begin = SharedMemory.__init__

    def noted(block: SharedMemory, *args: Any, **kwargs: Any) -> None:
        begin(block, *args, **kwargs)
        if (args[1:2] and args[1]) or kwargs.get("create"):
            made.append(block)

    found: list[tuple[SharedMemory, bool]] = []
    try:
        with patch.object(SharedMemory, "__init__", noted):
            yield found
    finally:
        found += [(block, not _there(block.name)) for block in made]
        for block, unlinked in found:
            if not unlinked:
                block.unlink()


def _there(name: str) -> bool:
    """Return whether a block of this name can be attached."""
    try:
        SharedMemory(name).close()
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _arguments() -> Iterator[list[int]]:
    """Yield a list of how many bytes the arguments of each process take that is started in this block."""
    sizes: list[int] = []
    start = BaseProcess.start

    def noted(process: Any) -> None:
        with contextlib.suppress(Exception):  # locks and queues cannot be pickled here, and are small
            sizes.append(len(pickle.dumps((process._args, process._kwargs))))
        start(process)

    with patch.object(BaseProcess, "start", noted):
        yield sizes
