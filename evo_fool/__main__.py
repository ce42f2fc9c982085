"""``python -m evo_fool``: the same command as ``evo-fool``."""

import sys

from evo_fool.cli.main import main

sys.exit(main())
