"""The options of the built-in methods; imports neither torch nor NumPy, so that they can be shown and checked fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from dqbench.distill.stitching import crops_in, pool_size
from dqbench.specs import Config


class RandomConfig(Config):
    """Random selection has no options."""


class DMConfig(Config):
    """Options of Distribution Matching."""

    iterations: int = Field(20_000, ge=0, description="updates of the images, each with a new random network")
    lr: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="learning rate on the images; none: 1, or 10 from 100 per class up"
    )
    momentum: float = Field(0.5, ge=0, lt=1, description="momentum on the images")
    batch: int = Field(256, ge=1, description="real images of each class per iteration (all of a smaller class)")
    net: Literal["convnet3-in", "convnet3-bn", "resnet18"] = Field("convnet3-in", description="the random networks")
    width: int | None = Field(None, ge=1, description="channels of a ConvNet's blocks; none: 128")
    init: Literal["real", "noise"] = Field(
        "real", description="start from the images that random keeps, or from normal noise"
    )
    augment: Literal["dsa", "none"] = Field("dsa", description="Siamese augmentation, or none")
    images_per_pass: int | None = Field(
        None, ge=1, description="images at once through a net with instance norm; none: 4096 on a GPU, 128 on a CPU"
    )
    checkpoint_every: int = Field(500, ge=1, description="iterations between checkpoints of a job that may be killed")

    @model_validator(mode="after")
    def _width_is_a_convnets(self) -> DMConfig:
        if self.net == "resnet18" and self.width is not None:
            raise ValueError("width is for ConvNets; leave it out with net=resnet18")
        return self


class GraphCutConfig(Config):
    """Options of greedy graph cut."""

    embedding: Literal["gradient", "feature"] = Field(
        "gradient", description="what is compared: last-layer gradients g ⊗ [1, h], or penultimate features h"
    )
    metric: Literal["cosine", "l2"] = Field("cosine", description="cosine similarity, or squared distance")
    lam: float = Field(1.0, ge=0, allow_inf_nan=False, description="λ: weight of being like the rest of the class")
    double_softmax: bool = Field(
        False, description="take the loss of the softmax of the softmax, as DQ's released code does"
    )
    scope: Literal["class", "dataset"] = Field(
        "class", description="choose inside each class with a balanced budget, or in the whole set at once"
    )


class DQConfig(GraphCutConfig):
    """Options of DQ."""

    bins: int = Field(10, ge=1, description="N: bins of each class (at most as many as it has samples)")
    sampler: Literal["uniform", "first"] = Field(
        "uniform", description="draw uniformly from each bin, or take the first in its greedy order"
    )


class ADQConfig(DQConfig):
    """Options of ADQ."""

    alpha: float = Field(
        0.65, ge=0, le=1, description="α: weight of a bin's importance against its size; 0 is DQ, id for id"
    )
    patch: int = Field(32, ge=3, description="L: side in pixels of the patches whose texture is measured")
    temperature: float = Field(0.07, ge=0.01, allow_inf_nan=False, description="τ of the contrastive discriminator")
    hidden: int = Field(512, ge=1, description="discriminator: hidden units")
    out: int = Field(128, ge=2, description="discriminator: numbers in an embedding")
    epochs: int = Field(20, ge=0, description="discriminator: passes over the source; 0 leaves it untrained")
    views: int = Field(2, ge=1, description="discriminator: augmented views of each image to train on, in turn")
    batch_size: int = Field(256, ge=2, description="discriminator: images per step")
    lr: float = Field(1e-3, gt=0, allow_inf_nan=False, description="discriminator: learning rate of Adam")
    importances: tuple[float, ...] | None = Field(
        None, description="importance of each bin, first bin first, instead of the measured one"
    )

    @model_validator(mode="after")
    def _one_importance_per_bin(self) -> ADQConfig:
        given = self.importances
        if given is None:
            return self
        if len(given) != self.bins:
            raise ValueError(f"importances has {len(given)} values for {self.bins} bins; give one for each bin")
        wrong = [value for value in given if not (math.isfinite(value) and value >= 0)]
        if wrong:
            raise ValueError(f"importances must be finite and not negative, not {wrong[0]}")
        return self


class RDEDConfig(Config):
    """Options of RDED."""

    pool: int = Field(300, ge=1, description="images of a class that are looked at (more where a budget needs more)")
    crops: int = Field(5, ge=1, description="K: random-resized crops of each image, of which the best counts")
    crops_per_image: int | None = Field(
        None, ge=1, description="N: crops stitched into one image, a square number; by default 4 from 64 px up, else 1"
    )
    scoring: Literal["resize", "pad"] = Field(
        "resize", description="crops are scored resized to full size, or with zeros around as in released code"
    )
    stitch: Literal["random", "rank"] = Field(
        "random", description="crops meet at random (the paper), or by rank (released code)"
    )
    batch_size: int = Field(1000, ge=1, description="crops that go through the observer at a time")

    def check_budget(self, per_class: Sequence[int], class_counts: Sequence[int], side: int) -> None:
        """Refuse N·IPC above a class's size, and crops that are no grid of the image."""
        crops = crops_in(side, self.crops_per_image)
        for images, members in zip(per_class, class_counts, strict=True):
            pool_size(members, crops, images, self.pool)
