"""Windows of successive epochs that slide over the course of a training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def sliding(series: npt.NDArray[np.floating], span: int) -> Iterator[FloatArray]:
    """The windows of ``span`` rows of a series (T, n), from the first on: T − span + 1 of them, float64.

    Raises:
        ValueError: the series has fewer rows.
    """
    if not 1 <= span <= len(series):
        raise ValueError(f"a window of {span} does not fit into {len(series)} epochs")
    for start in range(len(series) - span + 1):
        yield np.asarray(series[start : start + span], np.float64)
