"""Bytes that must be stored so that a network can be trained, part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from dqbench.compressed import Compressed, Subset

_FILES = {
    "images": "images.npy",
    "patches": "patches.npy",
    "masks": "masks.npy",
    "labels": "labels.npy",
    "weights": "weights.npy",
    "keys": "key.npy",
}


def stored_parts(
    kept: Compressed | None,
    folder: Path | None,
    images: npt.NDArray[Any],
    labels: npt.NDArray[Any],
) -> dict[str, int]:
    """Bytes of images, patches, masks, labels, weights and keys, where there are any.

    Of kept samples, and of the whole source: pixels, labels in the fewest whole bytes, weights as float32. Of what a
    method made: the sizes of its files.

    Args:
        kept: the compressed set; None for the whole source.
        folder: where it is saved.
        images: what is trained on, (k, h, w, c).
        labels: their classes, (k,).
    """
    if kept is None or folder is None or isinstance(kept, Subset):
        width = 1 if int(labels.max(initial=0)) < 256 else 2
        weights = {"weights": 4 * len(labels)} if isinstance(kept, Subset) and kept.weights is not None else {}
        return {"images": int(images.nbytes), "labels": width * len(labels), **weights}
    files = {part: folder / name for part, name in _FILES.items()}
    return {part: path.stat().st_size for part, path in files.items() if path.exists()}


def with_taught_labels(parts: dict[str, int], regions: Path | None, teacher: Path | None) -> dict[str, int]:
    """The parts where labels are stored for regions, or come from a live teacher: classes are needed no more."""
    if regions is None and teacher is None:
        return parts
    others = {part: size for part, size in parts.items() if part != "labels"}
    if regions is not None:
        others["labels"] = sum(path.stat().st_size for path in regions.iterdir() if path.stem not in ("job", "result"))
    if teacher is not None:
        others["teacher"] = (teacher / "model.safetensors").stat().st_size
    return others
