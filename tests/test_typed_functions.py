"""What runs of a function typed in a cell is what was tried, under each start method and engine."""

from helpers.experiments.typed_functions import what_runs
from helpers.programs.start_methods import methods

METHODS = methods()
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
