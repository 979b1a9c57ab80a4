"""CutMix (Yun et al. 2019) on the device: a box of another image of the batch is pasted in, labels mix by area.

One box per batch, as in RDED's released code. Box and share are drawn on the host and partners on the device, so that
nothing is read back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn import functional

from dqbench.seeds import derive, generator


@dataclass(frozen=True)
class Mix:
    """One batch's mixing.

    Attributes:
        partners: whose box each image gets, positions in the batch, (b,).
        box: top, bottom, left, right in pixels; the end is not inside.
        own: share of the area that stays each image's own.
    """

    partners: torch.Tensor
    box: tuple[int, int, int, int]
    own: float

    def images(self, images: torch.Tensor) -> torch.Tensor:
        """Images (b, c, h, w) with their partners' pixels inside the box."""
        top, bottom, left, right = self.box
        mixed = images.clone(memory_format=torch.preserve_format)
        mixed[:, :, top:bottom, left:right] = images[self.partners, :, top:bottom, left:right]
        return mixed

    def targets(self, targets: torch.Tensor, classes: int) -> torch.Tensor:
        """Probabilities (b, classes): own targets and those of the partners by area; ``targets`` as in the loss."""
        shares = targets if targets.ndim == 2 else functional.one_hot(targets, classes).float()
        return self.own * shares + (1 - self.own) * shares[self.partners]


class CutMix:
    """Draws the mixing of batch after batch from the training seed.

    Args:
        alpha: of Beta(α, α), from which the share λ that stays is drawn; the box has sides √(1 - λ), its centre is
            uniform, and it is cut off at the borders.
        seed: the training seed.
        device: where partners are drawn.
    """

    def __init__(self, alpha: float, seed: int, device: torch.device) -> None:
        self.alpha = alpha
        self._host = generator(seed, "cutmix")
        self._device = torch.Generator(device).manual_seed(derive(seed, "cutmix", "partners"))

    def draw(self, count: int, height: int, width: int) -> Mix:
        """The mixing of a batch of ``count`` images."""
        partners = torch.randperm(count, generator=self._device, device=self._device.device)
        side = math.sqrt(1 - float(self._host.beta(self.alpha, self.alpha)))
        rows, columns = (self._span(length, int(length * side)) for length in (height, width))
        area = (rows[1] - rows[0]) * (columns[1] - columns[0])
        return Mix(partners, (*rows, *columns), 1 - area / (height * width))

    def random_state(self) -> dict[str, torch.Tensor]:
        """Where both generators are."""
        host = json.dumps(self._host.bit_generator.state).encode()
        return {
            "cutmix": torch.frombuffer(bytearray(host), dtype=torch.uint8),
            "partners": self._device.get_state(),
        }

    def go_on(self, states: Mapping[str, torch.Tensor]) -> None:
        """Bring both generators to where they were."""
        self._host.bit_generator.state = json.loads(bytes(states["cutmix"].tolist()))
        self._device.set_state(states["partners"])

    def _span(self, length: int, cut: int) -> tuple[int, int]:
        centre = int(self._host.integers(length))
        return max(centre - cut // 2, 0), min(centre + cut // 2, length)
