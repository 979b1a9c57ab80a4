"""Features as kernels take them: float64, and refused where one is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def finite_features(features: npt.NDArray[Any], what: str = "features") -> FloatArray:
    """Features of shape (n, d), or logits, in float64, the array itself where it has that type.

    Raises:
        ValueError: a value is not finite; the message says whose.
    """
    lifted = np.asarray(features, dtype=np.float64)
    wrong = ~np.isfinite(lifted).all(axis=1)
    if wrong.any():
        raise ValueError(f"the {what} of sample {int(wrong.argmax())} are not finite; the observer has diverged")
    return lifted


def checked_stop(stop: int | None, n: int) -> int:
    """How many of n samples are picked: ``stop``, or all where it is None.

    Raises:
        ValueError: it is negative or above n.
    """
    if stop is None:
        return n
    if not 0 <= stop <= n:
        raise ValueError(f"{stop} of {n} samples cannot be picked; ask for 0 to {n}")
    return stop
