"""What a child has of its parent, tried under each start method: one row a thing, filled by running."""

from helpers.programs.start_methods import ask_under_each
from helpers.views.table import Table

PROGRAM = "helpers.experiments.inheritance_program"
LIMIT = 60.0  # seconds for a program that needs about one


def what_is_inherited() -> Table:
    """Return one row per thing that a parent has or changes, and whether a child started then has it.

    The columns are the start methods of this system.
    """
    seen = ask_under_each(PROGRAM, "say_what_is_inherited", LIMIT)
    first = next(iter(seen.values()))
    return Table(["the parent's", *seen], [(what, *(one[what] for one in seen.values())) for what in first])
