"""A wait for what never comes is noticed, and one that a judge arranged is not taken for it."""

from pathlib import Path

import pytest

from helpers.exercises.judging import waiting
from helpers.workers.rendezvous import HELD, leave_mark

CHILD = 4321  # a PID that only these tests speak of
LOOKS = round(3 * waiting.QUIET / waiting.EVERY)
A_GET = waiting.Wait("pool", "get", 15)


@pytest.fixture(autouse=True)
def _idle_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one child, and it uses no time on the processor."""
    monkeypatch.setattr(waiting, "_others", lambda: ({CHILD: 0.5}, False, False))


def said() -> set[str]:
    """Return what is said while looks three times as long as the judge's patience see the same wait."""
    seen = waiting._Seen()
    return {seen.add(A_GET) for _ in range(LOOKS)}


def test_a_wait_in_which_nobody_does_anything_is_called_endless() -> None:
    assert any("line 15 waits in `get()` for a task that does not end" in sentence for sentence in said())


def test_a_task_that_waits_for_a_mark_is_at_work(tmp_path: Path) -> None:
    leave_mark(str(tmp_path), f"{HELD}{CHILD}")
    with waiting.holding(str(tmp_path)):
        assert said() == {""}
    assert said() != {""}


def test_the_mark_of_a_process_that_is_gone_holds_nobody_up(tmp_path: Path) -> None:
    leave_mark(str(tmp_path), f"{HELD}{CHILD + 1}")
    with waiting.holding(str(tmp_path)):
        assert said() != {""}


def test_a_stopped_process_is_noticed_although_another_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_mark(str(tmp_path), f"{HELD}{CHILD}")
    monkeypatch.setattr(waiting, "_others", lambda: ({CHILD: 0.5}, False, True))
    with waiting.holding(str(tmp_path)):
        assert any("SIGSTOP" in sentence for sentence in said())
