"""Which environment variables of this process a program, a kernel and a test do not inherit, and why."""

import os

NOT_INHERITED = {
    "PYTEST_CURRENT_TEST": "ipykernel then does not show what children print",
    # Colours and widths are those of somebody else's terminal.
    "FORCE_COLOR": "outputs would hold codes for colours",
    "CLICOLOR_FORCE": "outputs would hold codes for colours",
    "NO_COLOR": "a notebook's own tracebacks would lose their colours",
    "PYTHON_COLORS": "a notebook's own tracebacks would lose their colours, or get other ones",
    "COLUMNS": "tables and help would be cut elsewhere",
    "LINES": "tables and help would be cut elsewhere",
    # What Python prints and does would differ from the next reader's.
    "PYTHONWARNINGS": "a warning would become an error, or the lesson's warning would not be shown",
    "PYTHONDEVMODE": "outputs would hold warnings that no lesson explains",
    "PYTHONOPTIMIZE": "an assert would do nothing: multiprocessing refuses some mistakes by one",
    "PYTHONINSPECT": "an interpreter would not end, but wait for somebody who types; spawned children, too",
    "PYTHONUNBUFFERED": "output that a crash loses would be kept",
    "PYTHONNODEBUGRANGES": "tracebacks would not mark the place within the line",
    "PYTHONVERBOSE": "outputs would hold a line for each import",
    "PYTHONPROFILEIMPORTTIME": "outputs would hold a line for each import",
    "PYTHONSTARTUP": "a kernel would run somebody's own script first",
    # A kernel's settings.
    "MPLBACKEND": "a program would look for the notebook's backend, and a kernel would take somebody else's",
    "JUPYTER_PATH": "extensions and kernels of this machine would take part",
    "JUPYTER_CONFIG_PATH": "settings of this machine would take part",
    "JUPYTER_CONFIG_DIR": "settings of this machine would take part",
}
"""Each variable that changes what the same code shows or does, with what it would do."""

PLAIN_TEXT = {"PYTHONIOENCODING": "utf-8", "PYTHON_COLORS": "0", "NO_COLOR": "1"}
"""What a program gets whose output is read as text."""


def inherited() -> dict[str, str]:
    """Return this process's environment without what would change the outputs of another one."""
    return {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
