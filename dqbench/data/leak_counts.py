"""How many test images are in the training set, as counted by :mod:`dqbench.data.leaks`. Needs no NumPy."""

from __future__ import annotations

from dataclasses import dataclass

NEAR_BITS = 4
SIDE = 32
"""Smaller images are drawings and digits, where few bits say little: near ones are not counted."""


@dataclass(frozen=True)
class Leaks:
    """How many test images are in the training set.

    Attributes:
        exact: with every pixel.
        near: others, within ``NEAR_BITS`` of one; None where images are smaller than ``SIDE``.
    """

    exact: int
    near: int | None


def words(leaks: Leaks) -> str:
    """The counts in words."""
    exact = {0: "no test image is", 1: "1 test image is"}.get(leaks.exact, f"{leaks.exact:,} test images are")
    if leaks.near is None:
        return f"{exact} in the training set pixel by pixel (near ones are not counted below {SIDE} px)"
    near = {0: "none is", 1: "1 is"}.get(leaks.near, f"{leaks.near:,} are")
    how = f"a DCT hash within {NEAR_BITS} of 64 bits"
    return f"{exact} in the training set pixel by pixel, {near} near one there ({how})"
