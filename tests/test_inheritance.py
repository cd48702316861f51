"""What a child has of its parent is what was tried, and a trial that fails is no row."""

import multiprocessing

import pytest

from helpers.experiments import inheritance
from helpers.experiments.inheritance import ORDER, what_is_inherited

METHODS = [one for one in ORDER if one in multiprocessing.get_all_start_methods()]


def test_what_is_inherited() -> None:
    table = what_is_inherited()
    assert table.columns == ("the parent's", *METHODS)
    by_method = {
        method: {row[0]: row[1 + place] for row in table.rows} for place, method in enumerate(METHODS)
    }
    everywhere = {"arguments of the call", "working directory", "sys.path and sys.argv"}
    for method, seen in by_method.items():
        inherited = {what for what, how in seen.items() if how in ("yes", "locked")}
        assert everywhere <= inherited, method
        assert "threads" not in inherited
        assert ("environment, set later" in inherited) == (method != "forkserver")
        late = {"global, changed", "function, patched", "open file", "lock that a thread holds"}
        late |= {"NumPy's random numbers", "signal handler", "logging handler"}
        assert late & inherited == (late if method == "fork" else set()), method


def test_a_trial_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inheritance, "LIMIT", 0.001)
    with pytest.raises(RuntimeError, match="did not come to its end"):
        what_is_inherited()
