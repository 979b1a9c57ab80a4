"""Whoever imports this is ended by SIGTERM right after the first checkpoint; the fork server imports it by name."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from dqbench.train import checkpoint

_write = checkpoint.write


def _write_and_die(path: Path, *rest: Any) -> None:
    first = not path.exists()
    _write(path, *rest)
    if first:
        os.kill(os.getpid(), signal.SIGTERM)


checkpoint.write = _write_and_die
