"""Durations as users write them, ``90s``, ``25m``, ``4h``, ``1.5d``, and as they read them, ``25 min 0 s``."""

from __future__ import annotations

import re

from dqbench.errors import UsageError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse(text: str, what: str) -> float:
    """A duration in seconds.

    Args:
        text: a positive number with one of the units s, m, h and d.
        what: what asks for it, e.g. ``--time-limit``, for the message.

    Raises:
        UsageError: no such duration.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*", text)
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise UsageError(f"{what} {text!r} is no duration; give a number with s, m, h or d, e.g. 90s, 25m or 4h")
    return seconds


def clock(seconds: float) -> str:
    """A duration in words: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
