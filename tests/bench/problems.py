"""What the kernels of selection are timed on: features and last-layer gradients, made or of an observer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.observe.gradients import last_layer_gradient
from dqbench.select.rank_one import RankOne


@dataclass(frozen=True)
class Problem:
    """One group of samples: features h, gradients g, and how many to keep."""

    h: np.ndarray[Any, Any]
    g: np.ndarray[Any, Any]
    k: int

    def __len__(self) -> int:
        return len(self.h)

    def vectors(self) -> RankOne:
        return RankOne.of(self.h, self.g, True)

    def built(self) -> np.ndarray[Any, Any]:
        """The unit vectors g ⊗ [1, h] as a reader of the paper would build them, shape (n, C·(d + 1))."""
        wide = np.hstack([np.ones((len(self.h), 1)), self.h])
        made = (self.g[:, :, None] * wide[:, None, :]).reshape(len(wide), -1)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made


def made(samples: int, k: int, width: int = 512, classes: int = 10) -> Problem:
    """What a trained network shows of one class, for one seed: features around a mean, mostly right logits."""
    rng = np.random.default_rng(0)
    h = np.maximum(rng.standard_normal(width) + rng.standard_normal((samples, width)), 0).astype(np.float32)
    logits = 2 * rng.standard_normal((samples, classes))
    logits[:, 0] += 4
    return Problem(h, last_layer_gradient(logits, np.zeros(samples, dtype=np.int64)), k)


def observed(folder: Path, k: int, label: int | None) -> Problem:
    """The same of an observer's stored arrays: one class, or all samples as one group."""
    features, logits = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "logits"))
    labels = np.load(folder / "labels.npy") if (folder / "labels.npy").is_file() else logits.argmax(axis=1)
    where = np.arange(len(labels)) if label is None else np.flatnonzero(labels == label)
    return Problem(features[where], last_layer_gradient(logits[where], labels[where]), min(k, len(where)))
