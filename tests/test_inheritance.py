"""What a child has of its parent is what was tried."""

from helpers.experiments.inheritance import what_is_inherited
from helpers.programs.start_methods import methods

METHODS = methods()


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
