"""The authors' command: `python -m helpers.authoring write | check | new`."""

import sys

from helpers.authoring.command import main

if __name__ == "__main__":
    sys.exit(main())
