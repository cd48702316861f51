"""Functions typed in cells, tried under each start method and engine: which version a child runs."""

from helpers.programs.start_methods import ask_under_each
from helpers.views.table import Table

PROGRAM = "helpers.experiments.typed_functions_program"
LIMIT = 90.0  # seconds for a program that needs about two


def what_runs() -> Table:
    """Return one row per engine and change: what came of a function typed in a cell.

    "answers" and "the old one" are answers; "no answer: its worker died" is a Pool that waits for ever. Each
    program forgets the file it was read from, since a notebook's cells have none.
    """
    seen = ask_under_each(PROGRAM, "say_what_runs", LIMIT)
    first = next(iter(seen.values()))
    rows = [(*what.split(" · "), *(one[what] for one in seen.values())) for what in first]
    return Table(["the function is", "under", *seen], rows)
