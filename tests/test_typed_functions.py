"""What runs of a function typed in a cell is what was tried, under each start method and engine."""

import multiprocessing

import pytest

from helpers.experiments import typed_functions
from helpers.experiments.typed_functions import ORDER, what_runs

METHODS = [one for one in ORDER if one in multiprocessing.get_all_start_methods()]
FAILS = {"Process": "exit code 1", "Pool": "no answer: its worker died", "executor": "BrokenProcessPool"}


def test_what_runs() -> None:
    table = what_runs()
    assert table.columns == ("the function is", "under", *METHODS)
    assert len(table) == 12
    for case, engine, *seen in table.rows:
        for method, said in zip(METHODS, seen, strict=True):
            if case.startswith("first typed"):
                expected = "-" if engine == "Process" else FAILS[engine]
            elif method != "fork":
                expected = FAILS[engine]
            else:
                expected = "answers" if case == "typed" else "the old one"
            assert said == expected, (case, engine, method)


def test_a_trial_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_functions, "LIMIT", 0.001)
    with pytest.raises(RuntimeError, match="did not come to its end"):
        what_runs()
