"""Processes as Linux has them, and waiting for what they do: without a bound that a busy machine could meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

LIMIT_S = 1800.0
"""After which what was waited for will not come."""


def children(pid: int) -> list[int]:
    """The processes that a process started and that are there still."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until it holds; an AssertionError where it never does."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.005)


def wait_for_text(path: Path) -> str:
    """What a file holds, once it holds something."""
    wait_for(lambda: path.exists() and path.read_text())
    return path.read_text()


def is_dead(pid: int) -> bool:
    """Whether a process is gone, or has ended and nobody asked for its status."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
