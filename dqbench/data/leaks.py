"""Test images that are in the training set as well: exactly, and near by a perceptual hash.

The hash is the DCT hash that pHash and imagehash use (C. Zauner, Implementation and Benchmarking of Perceptual Image
Hash Functions, 2010, §3.2.1): luma (ITU-R BT.601), averaged to 32 x 32, its two-dimensional DCT, of which the 8 x 8
lowest frequencies say by a bit each whether they are above their median. Colour, contrast and small crops hardly
change it.

Near is a distance of at most 4 of the 64 bits. Of CIFAR-10's pairs of a test and a training image, all that were looked
at up to 4 bits (91 of 121) show the same picture, or the same car before the same white; at 6 bits about a fifth shows
something else, at 8 bits half. So what is counted are duplicates, and a smaller number than there are: differently
cropped ones are farther apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dqbench.data.lazy import Images
from dqbench.data.leak_counts import NEAR_BITS, SIDE, Leaks

_LUMA = (0.299, 0.587, 0.114)
_LOW = 8
_BATCH = 1000


def count_leaks(train: Images, test: Images) -> Leaks:
    """Count the test images that are in the training set; both of shape (n, height, width, 1 or 3), uint8."""
    there = set(_digests(train))
    exact = np.array([digest in there for digest in _digests(test)], dtype=np.bool_)
    if min(train.shape[1:3]) < SIDE:
        return Leaks(int(exact.sum()), None)
    near = distances(_hashes(test), _hashes(train)) <= NEAR_BITS
    return Leaks(int(exact.sum()), int((near & ~exact).sum()))


def distances(hashes: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """In how many bits each hash, shape (n, 64), differs from the nearest of the others, shape (m, 64): shape (n,)."""
    signs, ours = (2 * bits.astype(np.float32) - 1 for bits in (others, hashes))
    nearest = [(ours[i : i + _BATCH] @ signs.T).max(axis=1) for i in range(0, len(ours), _BATCH)]
    found: npt.NDArray[np.int64] = ((hashes.shape[1] - np.concatenate(nearest)) / 2).round().astype(np.int64)
    return found


def _hashes(images: Images) -> npt.NDArray[np.bool_]:
    return np.concatenate([dct_hash(batch) for batch in _batches(images)])


def dct_hash(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """The hash of each image, shape (n, 64)."""
    from scipy.fft import dctn

    weights = np.array(_LUMA if images.shape[-1] == 3 else (1.0,), dtype=np.float32)
    luma: npt.NDArray[np.float32] = images.astype(np.float32) @ weights
    low = dctn(_averaged(luma), axes=(1, 2))[:, :_LOW, :_LOW].reshape(len(images), -1)
    above: npt.NDArray[np.bool_] = low > np.median(low, axis=1, keepdims=True)
    return above


def _averaged(luma: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Means over the cells of a grid of ``SIDE`` x ``SIDE``; cells may share a pixel in parts."""
    rows, columns = (_shares(side) for side in luma.shape[1:])
    return luma if luma.shape[1:] == (SIDE, SIDE) else (rows @ luma @ columns.T).astype(np.float32)


def _shares(side: int) -> npt.NDArray[np.float32]:
    """Which share of each of the pixels in a row belongs to each cell, shape (SIDE, side); rows sum to 1."""
    cells, pixels = np.arange(SIDE + 1) * side / SIDE, np.arange(side)
    ends, starts = np.minimum(cells[1:, None], pixels + 1), np.maximum(cells[:-1, None], pixels)
    shares: npt.NDArray[np.float32] = (np.clip(ends - starts, 0, None) * SIDE / side).astype(np.float32)
    return shares


def _digests(images: Images) -> Iterator[bytes]:
    for batch in _batches(images):
        yield from (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in batch)


def _batches(images: Images) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, len(images), _BATCH):
        yield np.asarray(images[start : start + _BATCH])
