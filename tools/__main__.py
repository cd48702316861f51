"""The authors' command: `python -m tools write | check | minutes | new`."""

import sys

from tools.command import main

if __name__ == "__main__":
    sys.exit(main())
