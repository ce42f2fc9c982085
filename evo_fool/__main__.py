"""``python -m evo_fool``: the same command as ``evo-fool``."""

import sys

from evo_fool.cli.main import main

if __name__ == "__main__":  # the gallery's worker loads this file as well
    sys.exit(main())
