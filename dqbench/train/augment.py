"""Augmentation of whole batches on the device, with no host synchronisation.

Batches are uint8 of shape (b, h, w, c). Draws come from two seeded generators: one on the device for crops and flips,
one on the host where the order of work depends on the draw (random augment), so that nothing is read back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from dqbench.errors import UsageError
from dqbench.seeds import derive
from dqbench.train.randaugment import RandAugment


@dataclass(frozen=True)
class Draws:
    """The generators that augmentation draws from."""

    device: torch.Generator
    host: torch.Generator

    @classmethod
    def seeded(cls, seed: int, device: torch.device) -> Draws:
        """Generators for ``device`` and the host, seeded for augmentation by the training seed."""
        on_device = torch.Generator(device).manual_seed(derive(seed, "augment"))
        return cls(on_device, torch.Generator().manual_seed(derive(seed, "augment", "host")))


Augmentation = Callable[[torch.Tensor, Draws], torch.Tensor]


def pipeline(names: Sequence[str]) -> Augmentation:
    """The augmentations of a recipe, to be applied in order.

    Raises:
        UsageError: a name that is no augmentation.
    """
    steps = [_named(name) for name in names]

    def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
        for step in steps:
            images = step(images, draws)
        return images

    return apply


def _named(name: str) -> Augmentation:
    if name == "flip":
        return flip
    if shift := re.fullmatch(r"(?:crop|shift)(\d+)", name):
        pad = int(shift[1])
        return lambda images, draws: crop(images, draws, pad)
    if random := re.fullmatch(r"randaugment-(\d+)-(\d+)", name):
        return RandAugment(int(random[1]), int(random[2])).on_draws
    raise UsageError(f"unknown augmentation {name!r}; known: flip, crop4, shift1, randaugment-2-14")


def flip(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Each image mirrored left to right with probability 1/2."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=draws.device, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(2), images)


def crop(images: torch.Tensor, draws: Draws, pad: int) -> torch.Tensor:
    """Each image moved by up to ``pad`` pixels along both axes, what comes in being 0."""
    count, height, width, _ = images.shape
    padded = functional.pad(images, (0, 0, pad, pad, pad, pad))
    offsets = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=draws.device, device=images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)
    columns = offsets[1] + torch.arange(width, device=images.device)
    sample = torch.arange(count, device=images.device)[:, None, None]
    return padded[sample, rows[:, :, None], columns[:, None, :]]
