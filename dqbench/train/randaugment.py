"""RandAugment (Cubuk et al. 2020) on batches: at each round every image gets one of 14 operations, drawn per image.

The operations and their strengths are torchvision's; images are sorted by operation so that each runs once per batch,
and the five geometric ones, being affine maps, run as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional
from torchvision.transforms.v2 import functional as vision

from dqbench.errors import UsageError
from dqbench.train.draws import Draws

STRENGTHS = 31
GEOMETRIC = ("shear-x", "shear-y", "translate-x", "translate-y", "rotate")
SIGNED = ("brightness", "color", "contrast", "sharpness")
UNSIGNED = ("posterize", "solarize", "autocontrast", "equalize", "identity")
OPERATIONS = GEOMETRIC + SIGNED + UNSIGNED


class RandAugment:
    """``rounds`` operations of the given ``strength``, each operation equally likely, each sign with probability 1/2.

    Args:
        rounds: operations per image.
        strength: 0 to 30.

    Raises:
        UsageError: strength outside 0..30, or no rounds.
    """

    def __init__(self, rounds: int, strength: int) -> None:
        if not 0 <= strength < STRENGTHS or rounds < 1:
            raise UsageError(f"randaugment-{rounds}-{strength}: give at least 1 round and a strength from 0 to 30")
        self.rounds = rounds
        self.share = strength / (STRENGTHS - 1)
        self._thetas: dict[tuple[torch.device, int, int], torch.Tensor] = {}

    def on_draws(self, images: torch.Tensor, draws: Draws) -> torch.Tensor:
        """uint8 images (b, h, w, c) augmented with draws from ``draws.host``.

        Raises:
            UsageError: float images, for which the operations are not defined.
        """
        if images.is_floating_point():
            raise UsageError("randaugment needs uint8 images, not normalised floats; choose another recipe")
        for _ in range(self.rounds):
            operation = torch.randint(0, len(OPERATIONS), (len(images),), generator=draws.host)
            sign = torch.randint(0, 2, (len(images),), generator=draws.host)
            images = self.apply(images, operation, sign)
        return images

    def apply(self, images: torch.Tensor, operation: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
        """One round: to each uint8 image (b, h, w, c) its operation (b,) with its sign (b,), both on the host."""
        kind = 2 * operation + sign
        order = torch.argsort(kind, stable=True)
        sizes = torch.bincount(kind, minlength=2 * len(OPERATIONS)).tolist()
        there = order.to(images.device, non_blocking=True)
        by_kind = images.index_select(0, there).permute(0, 3, 1, 2)
        geometric = 2 * len(GEOMETRIC)
        affine_count = sum(sizes[:geometric])
        parts = [self._affine(by_kind[:affine_count], kind[order[:affine_count]])] if affine_count else []
        for index, part in enumerate(torch.split(by_kind[affine_count:], sizes[geometric:])):
            if len(part):
                name, negative = OPERATIONS[len(GEOMETRIC) + index // 2], bool(index % 2)
                parts.append(self._colour(name, negative)(part))
        sorted_images = torch.cat([part.permute(0, 2, 3, 1) for part in parts])
        return torch.empty_like(images).index_copy_(0, there, sorted_images)

    def _colour(self, name: str, negative: bool) -> Callable[[torch.Tensor], torch.Tensor]:
        factor = 1.0 + 0.9 * self.share * (-1.0 if negative else 1.0)
        bits = 8 - round(self.share * 4)
        threshold = 255.0 * (1.0 - self.share)
        operations: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
            "brightness": lambda x: vision.adjust_brightness(x, factor),
            "color": lambda x: vision.adjust_saturation(x, factor),
            "contrast": lambda x: vision.adjust_contrast(x, factor),
            "sharpness": lambda x: _sharpness(x, factor),
            "posterize": lambda x: vision.posterize(x, bits),
            "solarize": lambda x: vision.solarize(x, threshold),
            "autocontrast": vision.autocontrast,
            "equalize": vision.equalize,
            "identity": lambda x: x,
        }
        return operations[name]

    def _affine(self, images: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        key = (images.device, height, width)
        if key not in self._thetas:
            self._thetas[key] = self._all_thetas(height, width).to(images.device)
        theta = self._thetas[key][kind.to(images.device, non_blocking=True)]
        grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
        moved = functional.grid_sample(images.float(), grid, mode="nearest", align_corners=False)
        return moved.to(torch.uint8)

    def _all_thetas(self, height: int, width: int) -> torch.Tensor:
        """The maps from output to input pixels in normalised coordinates, (10, 2, 3): each operation with + and -."""
        thetas = [_theta(name, sign * self.share, height, width) for name in GEOMETRIC for sign in (1.0, -1.0)]
        return torch.tensor(thetas, dtype=torch.float32)


def _sharpness(images: torch.Tensor, factor: float) -> torch.Tensor:
    """torchvision's, whose kernel would be copied from the host at every call: the border stays as it is."""
    values = images.float()
    inner = values[..., 1:-1, 1:-1]
    blurred = ((functional.avg_pool2d(values, 3, stride=1) * 9.0 + inner * 4.0) / 13.0).round()
    inner.add_(blurred.sub_(inner), alpha=1.0 - factor)
    return values.clamp_(0.0, 255.0).to(torch.uint8)


def _theta(name: str, share: float, height: int, width: int) -> list[list[float]]:
    shear, angle = 0.3 * share, math.radians(30.0 * share)
    pixels_x, pixels_y = int(150.0 / 331.0 * width * share), int(150.0 / 331.0 * height * share)
    cos, sin = math.cos(angle), math.sin(angle)
    # torchvision shears about the top left corner, hence the shifts of shear-x and shear-y
    return {
        "shear-x": [[1.0, shear * height / width, shear * height / width], [0.0, 1.0, 0.0]],
        "shear-y": [[1.0, 0.0, 0.0], [shear * width / height, 1.0, shear * width / height]],
        "translate-x": [[1.0, 0.0, -2.0 * pixels_x / width], [0.0, 1.0, 0.0]],
        "translate-y": [[1.0, 0.0, 0.0], [0.0, 1.0, -2.0 * pixels_y / height]],
        "rotate": [[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]],
    }[name]
