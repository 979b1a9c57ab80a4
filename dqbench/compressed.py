"""Compressed sets: a ``Subset`` of the source, ``Distilled`` images or ``Patches``. Arrays and JSON, no pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.errors import UsageError

Arrays = Mapping[str, npt.NDArray[Any]]
"""What a method's ``prepare`` returns and its ``compress`` gets: arrays by name."""


@dataclass(frozen=True)
class Subset:
    """Kept samples of a source.

    Attributes:
        ids: native indices into the source's training set in the order of selection, shape (k,), int64, no repeats.
        bins: bin of each sample, shape (k,), int64, or None.
        ranks: place of each sample in its bin's greedy order, shape (k,), int64, or None.
        weights: weight of each sample in the training loss, shape (k,), float64, or None for 1 each.
        notes: small facts that the method wants in the record (JSON values).
    """

    ids: npt.NDArray[np.int64]
    bins: npt.NDArray[np.int64] | None = None
    ranks: npt.NDArray[np.int64] | None = None
    weights: npt.NDArray[np.float64] | None = None
    notes: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        ids = np.asarray(self.ids)
        if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
            raise ValueError(f"ids must be whole numbers of shape (k,), not {ids.dtype} of shape {ids.shape}")
        if len(np.unique(ids)) != len(ids):
            raise ValueError(f"ids must not repeat: {len(ids) - len(np.unique(ids))} of {len(ids)} do")
        for name in ("bins", "ranks", "weights"):
            column = getattr(self, name)
            if column is not None and np.shape(column) != ids.shape:
                raise ValueError(f"{name} must have the shape of ids, {ids.shape}, not {np.shape(column)}")
        if self.weights is not None and not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise ValueError("weights must be finite and not negative")
        if self.weights is not None and len(ids) and not np.any(self.weights):
            raise ValueError(f"the weights of all {len(ids)} samples are 0; a training would learn nothing from them")

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Distilled:
    """Images made by a method.

    Attributes:
        images: shape (k, height, width, channels), uint8, or float32 in normalised space.
        labels: hard labels, shape (k,), int64, or soft ones, shape (k, classes), float32.
        notes: small facts that the method wants in the record (JSON values).
    """

    images: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    notes: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or len(self.images) != len(self.labels):
            raise ValueError(
                f"images must be (k, h, w, c) with k labels, not {self.images.shape} with {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Patches:
    """Kept patches of kept samples, as :mod:`dqbench.pixels.packing` packs them.

    Attributes:
        patches: shape (k * p, side, side, channels), uint8: p patches of each image, row by row, or shuffled.
        masks: which patches of the grid these are, one bit each, shape (k, ceil(P / 8)), uint8.
        labels: shape (k,), in the smallest unsigned type.
        ids: native indices of the samples, shape (k,), int64; not needed for training.
        grid: (rows, columns) of patches of an image, P = rows * columns.
        weights: weight of each sample in the training loss, shape (k,), float64, or None for 1 each.
        shuffled: whether the patches of several images are mixed, so that only ``key`` tells which are whose.
        key: place of each image's patches among those of its group, shape (k, p), unsigned, or None.
        notes: small facts for the record (JSON values).
    """

    patches: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    labels: npt.NDArray[Any]
    ids: npt.NDArray[np.int64]
    grid: tuple[int, int]
    weights: npt.NDArray[np.float64] | None = None
    shuffled: bool = False
    key: npt.NDArray[Any] | None = None
    notes: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.patches.ndim != 4 or self.patches.shape[1] != self.patches.shape[2]:
            raise ValueError(f"patches must be (k * p, side, side, channels), not {self.patches.shape}")
        width = -(-self.grid[0] * self.grid[1] // 8)
        if self.masks.shape != (len(self.ids), width) or self.labels.shape != self.ids.shape:
            raise ValueError(f"{len(self.ids)} ids do not fit masks {self.masks.shape} and labels {self.labels.shape}")
        if int(np.unpackbits(self.masks).sum()) != len(self.patches):
            raise ValueError(f"the masks count {int(np.unpackbits(self.masks).sum())} of {len(self.patches)} patches")

    def __len__(self) -> int:
        return len(self.ids)


Compressed = Subset | Distilled | Patches

_COLUMNS: dict[str, tuple[str, ...]] = {
    "subset": ("ids", "bins", "ranks", "weights"),
    "distilled": ("images", "labels"),
    "patches": ("patches", "masks", "labels", "ids", "weights", "key"),
}
_KINDS: dict[str, type[Subset] | type[Distilled] | type[Patches]] = {
    "subset": Subset,
    "distilled": Distilled,
    "patches": Patches,
}


def save(compressed: Compressed, folder: Path) -> None:
    """Write a compressed set into ``folder`` (made if need be): one ``.npy`` per column and ``compressed.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = next(name for name, made in _KINDS.items() if isinstance(compressed, made))
    columns = [name for name in _COLUMNS[kind] if getattr(compressed, name) is not None]
    for name in columns:
        np.save(folder / f"{name}.npy", np.asarray(getattr(compressed, name)), allow_pickle=False)
    description = {"kind": kind, "columns": columns, "samples": len(compressed), "notes": compressed.notes or {}}
    if isinstance(compressed, Patches):
        description |= {"grid": list(compressed.grid), "shuffled": compressed.shuffled}
    (folder / "compressed.json").write_text(json.dumps(description, indent=1, sort_keys=True) + "\n")


def load(folder: Path) -> Compressed:
    """Read what :func:`save` wrote.

    Raises:
        UsageError: no compressed set there.
    """
    try:
        description = json.loads((folder / "compressed.json").read_text())
        columns: dict[str, Any] = {
            name: np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in description["columns"]
            if name != "key" or (folder / "key.npy").exists()
        }
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{folder} holds no readable compressed set ({error}); make it again") from error
    if description["kind"] == "patches":
        columns |= {"grid": tuple(description["grid"]), "shuffled": description["shuffled"]}
    made: Compressed = _KINDS[description["kind"]](**columns, notes=description["notes"])
    return made


def content_hash(kept: Compressed) -> str:
    """sha256 of what is kept: ids and weights, images and labels, or patches and all that goes with them.

    The order of ids counts.
    """
    digest = hashlib.sha256()
    for column in _identifying(kept):
        if column is not None:
            value = np.ascontiguousarray(column)
            digest.update(f"{value.dtype.str}{value.shape}".encode())
            digest.update(value.tobytes())
    return digest.hexdigest()


def _identifying(kept: Compressed) -> tuple[np.ndarray[Any, Any] | None, ...]:
    if isinstance(kept, Subset):
        return kept.ids, kept.weights
    if isinstance(kept, Distilled):
        return kept.images, kept.labels
    return kept.patches, kept.masks, kept.labels, kept.ids, kept.weights, kept.key
