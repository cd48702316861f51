"""A gate: items that leave marks and items that wait for one."""

import pickle
import shutil
from pathlib import Path

import pytest

from helpers.workers.gates import Gate, leave_mark, mark_there


def test_an_item_without_a_mark_goes_through(tmp_path: Path) -> None:
    assert Gate(abs, str(tmp_path))(-3) == 3
    assert list(tmp_path.iterdir()) == []


def test_an_item_leaves_its_mark_before_it_is_worked_on(tmp_path: Path) -> None:
    def look(item: int) -> bool:
        return mark_there(str(tmp_path), "begun")

    assert Gate(look, str(tmp_path), leaves={1: "begun"})(1)


def test_an_item_waits_for_a_mark_that_is_there(tmp_path: Path) -> None:
    leave_mark(str(tmp_path), "open")
    assert Gate(abs, str(tmp_path), waits={-1: "open"})(-1) == 1
    assert not mark_there(str(tmp_path), "gave up")


def test_waiting_has_a_limit_and_leaves_a_mark(tmp_path: Path) -> None:
    assert Gate(abs, str(tmp_path), waits={-1: "open"}, limit=0.02)(-1) == 1
    assert mark_there(str(tmp_path), "gave up")


def test_nobody_waits_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    gate = Gate(abs, str(folder), waits={-1: "open"}, limit=3600)
    shutil.rmtree(folder)
    assert gate(-1) == 1


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_gate_can_be_sent_to_a_child(tmp_path: Path, protocol: int) -> None:
    sent = pickle.loads(pickle.dumps(Gate(abs, str(tmp_path), leaves={-2: "here"}), protocol))
    assert sent(-2) == 2
    assert mark_there(str(tmp_path), "here")
