"""Load the gate (see `tests/gate/plugin.py`), and what tests of several files use."""

import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

if find_spec("nbval") is None:  # an end without a traceback, which pytest shows for any other error
    sys.exit("nbval is not installed in this Python: type `python3 start.py test notebooks`, that brings it.")

pytest_plugins = ["tests.gate.plugin"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Start children that SIGINT ends, although whoever started the tests ignores it (`trap '' INT`, `&`)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
