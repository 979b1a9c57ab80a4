"""From kept patches to images that a network trains on, and how far these are from the originals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dqbench.compressed import Patches
from dqbench.pixels.options import Fill
from dqbench.pixels.packing import join, split, unpack

if TYPE_CHECKING:
    from dqbench.pixels.mae import Mae

Bytes = npt.NDArray[np.uint8]
PEAK = 255.0


def rebuild(kept: Patches, fill: Fill, mae: Mae | None = None) -> Bytes:
    """Images (k, h, w, c): kept patches as they were, the rest rebuilt by ``mae``, mean colour, or black.

    The mean is that of the image's own kept pixels, channel by channel.

    Raises:
        UsageError: the patches are shuffled and there is no key, or the MAE is for other images.
    """
    images, mask = unpack(kept)
    if fill == "zero" or mask.all():
        return images
    if fill == "mean":
        return _mean_filled(images, mask, kept)
    if mae is None:
        raise ValueError("fill='mae' needs the MAE")
    return mae.rebuild(images, mask, kept.patches.shape[1])


def psnr(rebuilt: npt.NDArray[np.uint8], originals: Iterable[npt.NDArray[np.uint8]]) -> float | None:
    """Peak signal-to-noise ratio in dB, 10·log10(255² / MSE), of the mean squared error over all pixels of all images.

    None where there is no error at all.
    """
    squares = sum(float(np.square(a.astype(np.float64) - b).sum()) for a, b in zip(rebuilt, originals, strict=True))
    return None if squares == 0 else 10 * math.log10(PEAK**2 / (squares / rebuilt.size))


def _mean_filled(images: Bytes, mask: npt.NDArray[np.bool_], kept: Patches) -> Bytes:
    patches = split(images, kept.patches.shape[1])
    shown = mask.sum(axis=1) * patches.shape[2] ** 2
    mean: npt.NDArray[Any] = patches.sum(axis=(1, 2, 3), dtype=np.int64) / shown[:, None]
    colour = np.rint(mean).astype(np.uint8)[:, None, None, None, :]
    filled = np.where(mask[:, :, None, None, None], patches, colour)
    return join(filled, kept.grid)
