"""``python -m sedano``: the same as the command ``sedano``."""

import sys

from sedano.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
