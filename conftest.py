"""Load the gate (see `tests/gate/plugin.py`), and what tests of several files use."""

import signal
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.gate.plugin"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Start children that SIGINT ends, although whoever started the tests ignores it (`trap '' INT`, `&`)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
