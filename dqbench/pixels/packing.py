"""Images to kept patches and back: a grid of patches, a bit mask each, and on request a shuffled order with its key."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.compressed import Patches
from dqbench.errors import UsageError
from dqbench.seeds import generator

GROUP = 16
"""Images whose patches are mixed; the key's numbers then fit in two bytes."""

Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]


def split(images: Bytes, side: int) -> Bytes:
    """Images (k, h, w, c) as patches (k, P, side, side, c), row by row.

    Raises:
        UsageError: ``side`` does not divide the images.
    """
    count, height, width, channels = images.shape
    if side < 1 or height % side or width % side:
        raise UsageError(f"patches of {side} px do not divide images of {height}×{width} px; choose a side that does")
    parts = images.reshape(count, height // side, side, width // side, side, channels).transpose(0, 1, 3, 2, 4, 5)
    return np.ascontiguousarray(parts).reshape(count, -1, side, side, channels)


def join(patches: Bytes, grid: tuple[int, int]) -> Bytes:
    """Patches (k, P, side, side, c) of a grid (rows, columns) as images (k, h, w, c)."""
    count, _, side, _, channels = patches.shape
    rows, columns = grid
    parts = patches.reshape(count, rows, columns, side, side, channels).transpose(0, 1, 3, 2, 4, 5)
    return np.ascontiguousarray(parts).reshape(count, rows * side, columns * side, channels)


def highest(scores: npt.NDArray[np.floating[Any]], ids: npt.NDArray[np.int64], kept: int, seed: int) -> Bools:
    """True for the ``kept`` highest scores of each row (k, P); equal scores are ranked by a draw per id."""
    order = np.lexsort((random_scores(ids, scores.shape[1], seed), -scores), axis=-1)
    mask = np.zeros(scores.shape, dtype=np.bool_)
    np.put_along_axis(mask, order[:, :kept], True, axis=1)
    return mask


def random_scores(ids: npt.NDArray[np.int64], patches: int, seed: int) -> npt.NDArray[np.float64]:
    """A score for every patch (k, P), drawn for each id: the same whatever else is kept."""
    return np.stack([generator(seed, "patches", int(i)).random(patches) for i in ids])


def pack(
    images: Bytes,
    mask: Bools,
    side: int,
    labels: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64] | None = None,
    shuffle_seed: int | None = None,
) -> Patches:
    """The patches where ``mask`` (k, P) is true, the same number in each image; shuffled if a seed is given.

    The key is a function of the seed, so that a set can be made again: who knows the seed needs no key.

    Raises:
        UsageError: ``side`` does not divide the images.
        ValueError: images keep different numbers of patches.
    """
    if len(set(mask.sum(axis=1).tolist())) > 1:
        raise ValueError("every image must keep the same number of patches")
    patches = split(images, side)[mask]
    key = None
    if shuffle_seed is not None:
        order, key = _shuffled(len(images), int(mask[0].sum()), shuffle_seed)
        patches = patches[order]
    return Patches(
        patches=patches,
        masks=np.packbits(mask, axis=1),
        labels=labels.astype(np.min_scalar_type(int(labels.max(initial=0)))),
        ids=ids,
        grid=(images.shape[1] // side, images.shape[2] // side),
        weights=weights,
        shuffled=shuffle_seed is not None,
        key=key,
    )


def unpack(kept: Patches) -> tuple[Bytes, Bools]:
    """Images (k, h, w, c), black where patches are missing, and the mask (k, P) of those that are there.

    Raises:
        UsageError: the patches are shuffled and the key is not there.
    """
    rows, columns = kept.grid
    mask = np.unpackbits(kept.masks, axis=1, count=rows * columns).astype(np.bool_)
    ordered = kept.patches if not kept.shuffled else kept.patches[_positions(kept)]
    whole = np.zeros((*mask.shape, *kept.patches.shape[1:]), dtype=np.uint8)
    whole[mask] = ordered
    return join(whole, kept.grid), mask


def _groups(count: int) -> list[npt.NDArray[np.int64]]:
    return np.array_split(np.arange(count), max(1, count // GROUP))


def _shuffled(count: int, kept: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """The order in which patches are stored, and for each (image, patch) its place among those of its group."""
    orders, keys = [], []
    for number, group in enumerate(_groups(count)):
        order = generator(seed, "patch-order", number).permutation(len(group) * kept)
        orders.append(group[0] * kept + order)
        keys.append(np.argsort(order))
    key = np.concatenate(keys).reshape(count, kept)
    return np.concatenate(orders), key.astype(np.min_scalar_type(int(key.max(initial=0))))


def _positions(kept: Patches) -> npt.NDArray[np.int64]:
    if kept.key is None:
        raise UsageError("the patches are shuffled and key.npy is not there; without it no image can be put together")
    starts = [np.full(len(group), group[0] * kept.key.shape[1]) for group in _groups(len(kept))]
    positions: npt.NDArray[np.int64] = (np.concatenate(starts)[:, None] + kept.key.astype(np.int64)).ravel()
    return positions
