"""What a method kept, as images with labels: what evaluators that ask for it are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.lazy import Images


@dataclass(frozen=True)
class KeptImages:
    """A kept set as a network would be trained on it; of the full-data row it is the whole source.

    Attributes:
        images: uint8, or float32 that is normalised already, (k, h, w, c), k >= 1; an array or files.
        labels: class indices, (k,) int64, or probabilities of a set that has its own, (k, classes).
        weights: of each sample, (k,), not negative; None where all count alike.
        positions: of samples of the source in it, (k,) int64; None where images were made or parts of them dropped.
    """

    images: Images
    labels: npt.NDArray[Any]
    weights: npt.NDArray[np.float64] | None = None
    positions: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def targets(self, classes: int) -> npt.NDArray[np.float64]:
        """The labels as probabilities, (k, classes): one-hot where they are classes."""
        if self.labels.ndim == 2:
            return np.asarray(self.labels, dtype=np.float64)
        hot: npt.NDArray[np.float64] = np.eye(classes)[self.labels]
        return hot
