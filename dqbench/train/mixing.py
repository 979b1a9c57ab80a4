"""Mixup and CutMix of a pass by timm, drawn from a seed; labels are mixed alike, be they classes or probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from timm.data.mixup import Mixup
from torch.nn import functional

from dqbench.specs import TimmRecipe
from dqbench.train.views import drawing_from


@dataclass(frozen=True)
class Shares:
    """How the images of a pass were mixed: each with the one at its mirrored place among the first ``even``.

    Attributes:
        own: share of each image's own label.
        even: so many images are mixed; the last of an odd number is not.
    """

    own: float
    even: int

    def targets(self, targets: torch.Tensor, classes: int) -> torch.Tensor:
        """Probabilities (b, classes) of the mixed images; ``targets`` are classes (b,) or probabilities."""
        dense = targets if targets.ndim == 2 else functional.one_hot(targets, classes).float()
        mixed = dense[: self.even]
        return torch.cat([self.own * mixed + (1 - self.own) * mixed.flip(0), dense[self.even :]])


class Mixing:
    """The mixing of a recipe; does nothing where both its α are 0."""

    def __init__(self, recipe: TimmRecipe) -> None:
        self._mixup = (
            Mixup(  # type: ignore[no-untyped-call]
                mixup_alpha=recipe.mixup,
                cutmix_alpha=recipe.cutmix,
                switch_prob=recipe.switch,
                label_smoothing=0.0,
                num_classes=2,
            )
            if recipe.mixup or recipe.cutmix
            else None
        )

    def __call__(self, images: torch.Tensor, seed: int) -> Shares | None:
        """Mix images (b, c, h, w) in place."""
        even = len(images) - len(images) % 2
        if self._mixup is None or not even:
            return None
        halves = (torch.arange(even) >= even // 2).long()  # so that the first answer shows the shares
        with drawing_from(seed):
            _, shares = self._mixup(images[:even], halves)
        return Shares(float(shares[0, 0]), even)
