"""Ratios of speed that are stored, ``ratios.json``, and what fell since."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path

STORED = Path(__file__).with_name("ratios.json")
FALL = 0.3
"""A ratio that lost more than this share of what is stored has fallen."""


def fallen(now: Mapping[str, float], stored: Mapping[str, float]) -> list[str]:
    """A line for each ratio that fell, or that is stored and was not measured; the worst first."""
    worse = sorted((now[name] / stored[name], name) for name in stored.keys() & now.keys())
    lines = [
        f"{name}: {now[name]:.1f}x its textbook form, {stored[name]:.1f}x is stored ({share - 1:+.0%})"
        for share, name in worse
        if share < 1 - FALL
    ]
    return lines + [f"{name}: stored, and not measured" for name in sorted(stored.keys() - now.keys())]


def read(path: Path = STORED) -> dict[str, float]:
    """The ratios that are stored, by name of the case."""
    ratios: dict[str, float] = json.loads(path.read_text())["ratios"]
    return ratios


def write(ratios: Mapping[str, float], path: Path = STORED) -> None:
    """Store ratios, with the machine and the libraries that they are of."""
    import numpy as np

    text = {"machine": machine(), "numpy": np.__version__, "ratios": {k: round(v, 1) for k, v in ratios.items()}}
    path.write_text(json.dumps(text, indent=2) + "\n")


def machine() -> str:
    """The processor as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
