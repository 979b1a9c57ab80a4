"""Paths as records may hold them: they work where a command ran, and name no host and no user."""

from __future__ import annotations

import os
from pathlib import Path


def placeless(path: Path) -> str:
    """The way from the current folder to what lies below it; of anything else its bare name."""
    there, here = Path(os.path.abspath(path.expanduser())), Path.cwd()  # links stay what they are called here
    return there.relative_to(here).as_posix() if there != here and there.is_relative_to(here) else there.name
