"""Things shaped like Pool: what they cut, plan and run."""
