"""What a training is given: the data that it learns from, all else that decides its result, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from dqbench.data.lazy import Images
from dqbench.specs import Recipe
from dqbench.train.result import StateDict
from dqbench.train.soft_labels import RegionLabels

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class TrainingData:
    """What a network learns from: images, and their labels or who gives them.

    Attributes:
        images: uint8, or float32 that is normalised already, (n, h, w, c), n >= 1; an array or files.
        labels: class indices, (n,), or class probabilities, (n, classes).
        mean: channel means in [0, 1].
        std: channel standard deviations in [0, 1].
        weights: of each sample in the loss, (n,), not negative; a batch's loss is its weighted mean.
        teacher: labels every augmented batch, instead of ``labels``.
        regions: stored views and labels to replay, instead of drawn views and ``labels``.
    """

    images: Images
    labels: Array
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None = None
    teacher: nn.Module | None = None
    regions: RegionLabels | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def check(self) -> None:
        """Refuse data whose parts do not fit together.

        Raises:
            ValueError: no images, or labels or weights that are not theirs.
        """
        count, labels, weights = len(self.images), self.labels, self.weights
        if not count:
            raise ValueError("there is nothing to train on: 0 images")
        if len(labels) != count or labels.ndim not in (1, 2):
            raise ValueError(f"labels must be (n,) or (n, classes) for {count} images, not {labels.shape}")
        if weights is None:
            return
        if weights.shape != (count,) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise ValueError(f"weights must be {count} finite numbers, none negative and not all 0")


@dataclass(frozen=True)
class TrainingSetup:
    """How a network is trained: all that decides the result besides its initial weights and the data.

    Attributes:
        recipe: epochs, optimiser, augmentation, ….
        seed: the training seed; the order of samples, augmentation and dropout derive from it alone, so that two
            methods with equally many samples see the same streams.
        device: ``cpu`` or ``cuda``.
        precision: ``fp32`` or ``bf16``.
        snapshots: the weights of this many epochs at most are kept.
    """

    recipe: Recipe
    seed: int
    device: str
    precision: str
    snapshots: int = 0


@dataclass(frozen=True)
class Runtime:
    """What happens around a training and never changes its result.

    Attributes:
        workers: processes that decode images for recipes with ``timm``; 0 decodes between the steps.
        scratch: folder for checkpoints: after each epoch of a recipe with ``timm``, after epochs that end a minute
            or more after the last one otherwise; None writes none.
        on_epoch: called with (epoch, epochs) after each epoch.
        on_weights: called with (epoch, weights that count now) after each epoch, before it is saved; where a training
            goes on from a checkpoint, with that epoch first. It must leave torch's global generators alone.
    """

    workers: int = 0
    scratch: Path | None = None
    on_epoch: Callable[[int, int], None] | None = None
    on_weights: Callable[[int, StateDict], None] | None = None
