"""Images on the device: uint8 in, normalised floats out, in the network's memory format and precision.

Distilled images may come as float32, already normalised; they stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dqbench.errors import UsageError


def resident(images: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """A copy of uint8 or float32 images (n, h, w, c) on the device.

    Raises:
        ValueError: another dtype or shape.
    """
    if images.dtype not in (np.uint8, np.float32) or images.ndim != 4:
        raise ValueError(
            f"images must be uint8 or float32 of shape (n, h, w, c), not {images.dtype} of shape {images.shape}"
        )
    return torch.from_numpy(np.array(images, order="C")).to(device)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[None]:
    """The context in which forward passes run: bfloat16 matrix products with ``bf16``, nothing with ``fp32``.

    Raises:
        UsageError: another precision.
    """
    if precision not in ("fp32", "bf16"):
        raise UsageError(f"precision {precision!r} is neither fp32 nor bf16")
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


class Normalise:
    """Turns batches (b, h, w, c) into normalised float32 (b, c, h, w) in one memory format.

    Args:
        mean: channel means in [0, 1].
        std: channel standard deviations in [0, 1].
        device: where the batches are.
        memory_format: ``torch.channels_last`` or ``torch.contiguous_format``.
    """

    def __init__(
        self,
        mean: npt.NDArray[np.float64],
        std: npt.NDArray[np.float64],
        device: torch.device,
        memory_format: torch.memory_format,
    ) -> None:
        scale = 1.0 / (255.0 * np.asarray(std, np.float64))
        self.scale = torch.tensor(scale, dtype=torch.float32, device=device)
        self.shift = torch.tensor(np.asarray(mean) * 255.0 * scale, dtype=torch.float32, device=device)
        self.memory_format = memory_format

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(images / 255 - mean) / std, channel by channel; float images only change their layout."""
        values = images if images.is_floating_point() else images * self.scale - self.shift
        return values.permute(0, 3, 1, 2).contiguous(memory_format=self.memory_format)


def shuffled(count: int, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Positions 0..count-1 in random order, in batches; the last may be smaller. Drawn at once for a whole epoch."""
    order = torch.randperm(count, generator=generator, device=generator.device)
    return iter(torch.split(order, batch_size))
