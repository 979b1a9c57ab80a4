"""``python -m dqbench`` is ``dqbench``."""

from __future__ import annotations

import sys

from dqbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
