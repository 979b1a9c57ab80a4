"""Augmentation of whole batches on the device, with no host synchronisation.

Batches are uint8 of shape (b, h, w, c). Draws come from two seeded generators: one on the device for crops and flips,
one on the host where the order of work depends on the draw (random augment), so that nothing is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from dqbench.errors import UsageError
from dqbench.recipe import Recipe, augmentation, check_augment
from dqbench.train.draws import Draws
from dqbench.train.dsa import OPERATIONS, SHARES
from dqbench.train.geometry import Geometry, drawn, named
from dqbench.train.randaugment import RandAugment

Augmentation = Callable[[torch.Tensor, Draws], torch.Tensor]


def pipeline(names: Sequence[str]) -> Augmentation:
    """The augmentations of a recipe, to be applied in order; ``dsa`` is left to :func:`normalised_pipeline`.

    Raises:
        UsageError: a name that is no augmentation, or one after ``dsa``.
    """
    check_augment(names)
    return _in_turn([_named(name) for name in names if name not in NORMALISED])


def normalised_pipeline(names: Sequence[str]) -> Augmentation:
    """Those of a recipe's augmentations that work on normalised images (b, c, h, w), to be applied in order."""
    return _in_turn([NORMALISED[name] for name in names if name in NORMALISED])


def dsa(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """One operation of the Siamese augmentation for the batch, with a strength of its own for each image (b, c, h, w).

    So trains the released code of DSA and DM; the papers do not say whether an operation is drawn for each image.
    """
    kind = int(torch.randint(0, len(OPERATIONS), (1,), generator=draws.host))
    shares = torch.rand(len(images), SHARES, generator=draws.device, device=images.device)
    return list(OPERATIONS.values())[kind](images, shares)


NORMALISED: Mapping[str, Augmentation] = {"dsa": dsa}


def _in_turn(steps: Sequence[Augmentation]) -> Augmentation:
    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        for step in steps:
            images = step(images, draws)
        return images

    return apply


def _named(name: str) -> Augmentation:
    if geometry := named(name):
        return lambda images, draws: geometry.apply(images, drawn(geometry, len(images), images.shape[1], draws))
    return RandAugment(*augmentation(name)[1]).on_draws


@dataclass(frozen=True)
class Views:
    """The augmentations of a recipe whose views can be stored: geometric ones only.

    Attributes:
        steps: the operations in order.
    """

    steps: tuple[Geometry, ...]

    @classmethod
    def of(cls, recipe: Recipe) -> Views:
        """The views of a recipe.

        Raises:
            UsageError: one of its augmentations cannot be stored.
        """
        steps = [(name, named(name)) for name in recipe.augment]
        for name, step in steps:
            if step is None:
                raise UsageError(
                    f"recipe {recipe.name} has the augmentation {name}, whose views cannot be stored with labels; "
                    "use another recipe (--recipe), or --labels teacher"
                )
        return cls(tuple(step for _, step in steps if step))

    def draw(self, count: int, side: int, draws: Draws) -> list[torch.Tensor]:
        """Parameters of each step for so many images."""
        return [drawn(step, count, side, draws) for step in self.steps]

    def apply(self, images: torch.Tensor, views: Sequence[torch.Tensor]) -> torch.Tensor:
        """The images as these parameters show them."""
        for step, parameters in zip(self.steps, views, strict=True):
            images = step.apply(images, parameters)
        return images
