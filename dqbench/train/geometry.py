"""Geometric augmentation in two halves: parameters are drawn, then applied, so that a view can be stored and replayed.

Batches are uint8, or normalised floats, of shape (b, h, w, c); nothing synchronises with the host.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from dqbench.recipe import augmentation
from dqbench.train.draws import Draws
from dqbench.train.resample import resample

TRIES = 10
RATIO = (3 / 4, 4 / 3)


class Geometry(Protocol):
    """One operation."""

    def draw(self, count: int, side: int, generator: torch.Generator) -> torch.Tensor:
        """Parameters for ``count`` square images of ``side`` px, samples along the first axis."""

    def apply(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """The images as these parameters change them."""


def named(name: str) -> Geometry | None:
    """The operation of this name; None if the augmentation is no geometric one.

    Raises:
        UsageError: a name that is no augmentation.
    """
    kind, numbers = augmentation(name)
    kinds: dict[str, Callable[..., Geometry]] = {
        "flip": Flip,
        "altflip": AlternatingFlip,
        "crop": Shift,
        "shift": Shift,
        "translate": Translation,
        "rrc": lambda percent: Region(percent / 100),
        "patches": Patches,
    }
    return kinds[kind](*numbers) if kind in kinds else None


@dataclass(frozen=True)
class Flip:
    """Mirrored left to right with probability 1/2; drawn: bool, (n,)."""

    def draw(self, count: int, side: int, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(count, 1, 1, 1, generator=generator, device=generator.device).flatten() < 0.5

    def apply(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        return torch.where(drawn[:, None, None, None], images.flip(2), images)


@dataclass(frozen=True)
class AlternatingFlip(Flip):
    """Mirrored in every other epoch, beginning with the first or the second by a coin for each image.

    Two epochs show both sides of every image (Jordan, arXiv:2404.00498, section 3.6).
    """

    def at(self, draws: Draws) -> torch.Tensor:
        """Who is mirrored in an epoch, bool, (n,)."""
        mirrored = draws.mirrored if draws.positions is None else draws.mirrored.index_select(0, draws.positions)
        return mirrored if draws.epoch % 2 else ~mirrored


def drawn(step: Geometry, count: int, side: int, draws: Draws) -> torch.Tensor:
    """The parameters of an operation for so many images at a place in a training."""
    return step.at(draws) if isinstance(step, AlternatingFlip) else step.draw(count, side, draws.device)


@dataclass(frozen=True)
class Shift:
    """Moved by up to ``pad`` pixels along both axes, what comes in being 0; drawn: rows and columns, int16, (n, 2)."""

    pad: int

    def draw(self, count: int, side: int, generator: torch.Generator) -> torch.Tensor:
        offsets = torch.randint(0, 2 * self.pad + 1, (2, count, 1), generator=generator, device=generator.device)
        return offsets[:, :, 0].T.to(torch.int16)

    def apply(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        count, height, width, _ = images.shape
        padded = functional.pad(images, (0, 0) + (self.pad,) * 4)
        rows = drawn[:, :1] + torch.arange(height, device=images.device)
        columns = drawn[:, 1:] + torch.arange(width, device=images.device)
        sample = torch.arange(count, device=images.device)[:, None, None]
        return padded[sample, rows[:, :, None], columns[:, None, :]]


@dataclass(frozen=True)
class Translation(Shift):
    """Moved by up to ``pad`` pixels along both axes, what comes in being the image mirrored at its edge."""

    def apply(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        rows, columns = (self._places(drawn[:, axis : axis + 1], images.shape[1 + axis]) for axis in range(2))
        sample = torch.arange(len(images), device=images.device)[:, None, None]
        return images[sample, rows[:, :, None], columns[:, None, :]]

    def _places(self, drawn: torch.Tensor, side: int) -> torch.Tensor:
        """The pixel that comes to each place along one axis, (n, side)."""
        places = (drawn - self.pad + torch.arange(side, device=drawn.device)).abs()
        return torch.where(places < side, places, 2 * (side - 1) - places)


@dataclass(frozen=True)
class Region:
    """A random-resized crop: area share U(``least``, 1), ratio log-uniform in [3/4, 4/3], resized back to full size.

    The first of ten draws that fits inside the image counts, else the whole image (torchvision's rule on squares).
    Drawn: top, left, height, width, int16, (n, 4).
    """

    least: float
    ratio: tuple[float, float] = RATIO

    def draw(self, count: int, side: int, generator: torch.Generator) -> torch.Tensor:
        device = generator.device
        chance = torch.rand(4, count, TRIES, generator=generator, device=device, dtype=torch.float64)
        area = side**2 * (self.least + (1 - self.least) * chance[0])
        low, high = (math.log(value) for value in self.ratio)
        ratio = torch.exp(low + (high - low) * chance[1])
        height, width = (area / ratio).sqrt().round(), (area * ratio).sqrt().round()
        fits = (height >= 1) & (height <= side) & (width >= 1) & (width <= side)
        first = fits.to(torch.uint8).argmax(1, keepdim=True)
        chosen = [value.gather(1, first)[:, 0] for value in (height, width, chance[2], chance[3])]
        height, width = (torch.where(fits.any(1), value, side) for value in chosen[:2])
        top, left = (chosen[2] * (side - height + 1)).floor(), (chosen[3] * (side - width + 1)).floor()
        return torch.stack([top, left, height, width], 1).to(torch.int16)

    def apply(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        return resample(images, drawn, images.shape[1])


@dataclass(frozen=True)
class Patches:
    """Rows and columns of a ``grid`` x ``grid`` cut in random order; drawn: both permutations, uint8, (n, 2 grid).

    What does not divide stays with the last row and column.
    """

    grid: int

    def draw(self, count: int, side: int, generator: torch.Generator) -> torch.Tensor:
        chance = torch.rand(2, count, self.grid, generator=generator, device=generator.device)
        return torch.cat(list(chance.argsort(2)), dim=1).to(torch.uint8)

    def apply(self, images: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        sample = torch.arange(len(images), device=images.device)[:, None, None]
        rows = self._places(drawn[:, : self.grid].long(), images.shape[1])
        columns = self._places(drawn[:, self.grid :].long(), images.shape[2])
        return images[sample, rows[:, :, None], columns[:, None, :]]

    def _places(self, order: torch.Tensor, side: int) -> torch.Tensor:
        """The pixel that comes to each place along one axis, (n, side)."""
        strip = side // self.grid
        inside = (order[:, :, None] * strip + torch.arange(strip, device=order.device)).flatten(1)
        rest = torch.arange(strip * self.grid, side, device=order.device).expand(len(order), -1)
        return torch.cat([inside, rest], dim=1)
