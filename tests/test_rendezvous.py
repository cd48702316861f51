"""Workers wait for one another by marks in a folder, and never longer than their limit."""

import multiprocessing
import os
import pickle
import shutil
from pathlib import Path

import pytest

from helpers.workers.rendezvous import GAVE_UP, HELD, AtBarrier, WithMarks, leave_mark, mark_there, wait_for


def test_an_item_without_a_mark_goes_through(tmp_path: Path) -> None:
    assert WithMarks(abs, str(tmp_path))(-3) == 3
    assert list(tmp_path.iterdir()) == []


def test_an_item_leaves_its_mark_before_it_is_worked_on(tmp_path: Path) -> None:
    def look(item: int) -> bool:
        return mark_there(str(tmp_path), "begun")

    assert WithMarks(look, str(tmp_path), leaves={1: "begun"})(1)


def test_an_item_waits_for_a_mark_that_is_there(tmp_path: Path) -> None:
    leave_mark(str(tmp_path), "open")
    assert WithMarks(abs, str(tmp_path), waits={-1: "open"})(-1) == 1
    assert not mark_there(str(tmp_path), GAVE_UP)


def test_waiting_has_a_limit_and_leaves_a_mark(tmp_path: Path) -> None:
    assert WithMarks(abs, str(tmp_path), waits={-1: "open"}, limit=0.02)(-1) == 1
    assert mark_there(str(tmp_path), GAVE_UP)


def test_nobody_waits_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    held = WithMarks(abs, str(folder), waits={-1: "open"}, limit=3600)
    shutil.rmtree(folder)
    assert held(-1) == 1


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_can_be_sent_to_a_child(tmp_path: Path, protocol: int) -> None:
    sent = pickle.loads(pickle.dumps(WithMarks(abs, str(tmp_path), leaves={-2: "here"}), protocol))
    assert sent(-2) == 2
    assert mark_there(str(tmp_path), "here")


def test_a_barrier_lets_through_when_all_have_come(tmp_path: Path) -> None:
    parties = [AtBarrier(abs, str(tmp_path), main=0, parties=2, limit=20) for _ in range(2)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        assert [one.get(60) for one in [pool.apply_async(party, (-3,)) for party in parties]] == [3, 3]
    assert len([mark for mark in tmp_path.iterdir() if mark.name.isdigit()]) == 2
    assert not mark_there(str(tmp_path), GAVE_UP)


def test_when_one_gives_up_nobody_waits_any_more(tmp_path: Path) -> None:
    assert AtBarrier(abs, str(tmp_path), main=0, parties=2, limit=0.02)(-3) == 3
    assert mark_there(str(tmp_path), GAVE_UP)
    assert AtBarrier(abs, str(tmp_path), main=0, parties=2, limit=3600)(-3) == 3


def test_whoever_waits_has_a_mark_as_long_as_the_wait_lasts(tmp_path: Path) -> None:
    held = tmp_path / f"{HELD}{os.getpid()}"

    def look() -> bool:
        seen.append(held.exists())
        return len(seen) > 2

    seen: list[bool] = []
    wait_for(look, str(tmp_path), limit=60)
    assert seen == [False, True, True]
    wait_for(lambda: False, str(tmp_path), limit=0.02)
    assert [mark.name for mark in tmp_path.iterdir()] == [GAVE_UP]
