"""A program is run under every start method, and what is said of it is what it said."""

import pytest

from helpers.experiments.porting import Runs, compare_cures, pin_fork, said, three_ways
from helpers.programs.program import Outcome
from helpers.programs.start_methods import methods

GLOBAL = """\
from multiprocessing import Pool, Process

unit = "m"

def label(number):
    return f"{number} {unit}"

if __name__ == "__main__":
    unit = "km"
    with Pool(1) as pool:
        print(pool.map(label, [1]))
"""
CURED = GLOBAL.replace("    unit = ", "    unused = ").replace('"m"', '"km"')
CHILD = """\
RuntimeError:
        An attempt has been made to start a new process before the
        current process has finished its bootstrapping phase.

        This probably means
"""


def outcome(stdout: str = "", stderr: str = "", code: int = 0) -> Outcome:
    """Return an Outcome with these words."""
    return Outcome(stdout, stderr, code, "by itself", 1.0)


def test_three_ways_and_their_verdicts() -> None:
    """Only fork hands on what was set in the main part."""
    runs = three_ways(GLOBAL)
    right = ["right" if method == "fork" else "['1 m']" for method in methods()]
    assert list(runs.outcomes) == methods()
    assert runs.verdicts("['1 km']\n") == right
    assert runs.table().rows[-1] == (methods()[-1], 0, "['1 m']")
    assert runs.verdicts("other\n")[-1] == "['1 m']"
    again = three_ways(next(iter(runs.outcomes.values())))
    assert again.verdicts("['1 km']\n") == right


@pytest.mark.skipif("fork" not in methods(), reason="Windows has no fork")
def test_cures_side_by_side() -> None:
    """Fork pinned gives the old answer under every method, and so does the cure."""
    table = compare_cures({"global": (three_ways(GLOBAL), three_ways(CURED))})
    assert table.columns == ("program", "cure", "fork", "spawn", "forkserver")
    assert table.rows == (
        ("global", "before", "right", "['1 m']", "['1 m']"),
        ("global", "lazy: fork", "right", "right", "right"),
        ("global", "ported", "right", "right", "right"),
    )


def test_pinning() -> None:
    """Each imported name gets fork; a program that cannot be pinned is refused."""
    assert pin_fork(GLOBAL).startswith(
        "from multiprocessing import get_context\n"
        'Pool = get_context("fork").Pool\nProcess = get_context("fork").Process\n'
    )
    with pytest.raises(ValueError, match="no line `from multiprocessing import"):
        pin_fork("import multiprocessing\n")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (outcome("a\nb\n"), "a · b"),
        (outcome("a\n", "DeprecationWarning: old\n"), "a"),
        (outcome("", "Traceback\nTypeError: cannot pickle 'x' object\nwhen serializing\n", 1),
         "TypeError: cannot pickle 'x' object"),
        (outcome("", "_pickle.PicklingError: Can't pickle <f at 0x7f12>: no\n", 1),
         "_pickle.PicklingError: Can't pickle <f at 0x…>: no"),
        (outcome("", f"ValueError: a\n{CHILD}", 1),
         "RuntimeError: An attempt has been made to start a new process before the current process has "
         "finished its bootstrapping phase."),
        (Outcome("a\n", "", -9, "at the limit", 2.0), "a · ended at the limit of 2 s"),
    ],
)  # fmt: skip
def test_what_a_program_said(seen: Outcome, words: str) -> None:
    """The last error in one line, without what differs from run to run."""
    assert said(seen) == words


def test_a_failure_is_no_answer() -> None:
    """Whatever it had printed."""
    runs = Runs("", {"a": outcome("1\n", code=1), "b": Outcome("1\n", "", 0, "at the limit", 1.0)})
    assert runs.verdicts("1\n") == ["fails", "fails"]
