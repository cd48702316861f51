"""Load the gate: see `tests/gate/plugin.py`."""

pytest_plugins = ["tests.gate.plugin"]
