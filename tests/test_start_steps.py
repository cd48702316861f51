"""The steps of a start are measured in their order, and told the same whoever reads the file."""

import pytest

from helpers.experiments import start_steps
from helpers.experiments.start_steps import Starts, trace_starts
from helpers.programs.start_methods import methods

METHODS = methods()


def test_two_starts_under_each_method() -> None:
    """A copy has its parent's command line and needs no bytes; the others are told what to import."""
    traced = trace_starts()
    assert [(one.method, one.number) for one in traced.starts] == [
        (method, number) for method in METHODS for number in (1, 2)
    ]
    for one in traced.starts:
        assert one.worker > 0
        assert one.returned > 0
        if one.method == "fork":
            assert (one.bytes, one.file, one.launched, one.command) == (0, None, None, "the parent's")
            continue
        assert [name for name, _ in one.pickled] == ["settings", "the Process"]
        assert one.bytes > 500
        assert (
            one.command
            == {
                "spawn": "from multiprocessing.spawn import spawn_main",
                "forkserver": "from multiprocessing.forkserver import main",
            }[one.method]
        )
        if one.method == "spawn":
            assert one.file is not None
            assert one.read is not None
            assert (one.launched or 0) < one.file < one.read < one.worker
    assert set(traced.read_by()) == set(METHODS)
    assert traced.draw().sentence == repr(traced)


def test_a_server_that_reads_the_file_is_told_from_children_that_do() -> None:
    """Since 3.13.8 and 3.14.1 the server reads it once; before, each child. The table is the same."""
    child = [["start", 0, 1, 0], ["launched server", 1, 1, 0], ["file", 5, 3, 2], ["read", 6, 3, 2]]
    server = [["start", 0, 1, 0], ["launched server", 1, 1, 0], ["file", 3, 2, 1], ["read", 4, 2, 1]]
    rest = [["worker", 7, 3, 2], ["returned", 8, 1, 0], ["start", 9, 1, 0], ["returned", 10, 1, 0]]
    again = [["file", 11, 4, 2], ["read", 12, 4, 2]]
    end = [["worker", 13, 4, 2]]
    by_child = Starts(tuple(start_steps._starts("forkserver", [*child, *rest, *again, *end])))
    by_server = Starts(tuple(start_steps._starts("forkserver", [*server, *rest, *end])))
    assert by_child.read_by() == {"forkserver": "by each child"}
    assert by_server.read_by() == {"forkserver": "once, by the server"}
    assert by_child.table() == by_server.table()
    assert repr(by_child) == repr(by_server)
    assert by_server.draw().png != by_child.draw().png


def test_a_program_that_fails_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_steps, "SOURCE", "raise ValueError('{method} {notes}')\n")
    with pytest.raises(RuntimeError, match="did not come to its end"):
        trace_starts()
