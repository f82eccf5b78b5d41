"""``python -m altlib``."""

import sys

from altlib.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
