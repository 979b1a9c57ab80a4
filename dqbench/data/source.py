"""The source: the full training set as methods see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.lazy import Images


@dataclass(frozen=True)
class Source:
    """A training set, or a fixed part of one.

    Attributes:
        name: the data set.
        images: shape (n, height, width, channels), uint8: memory-mapped where it is large, or files that
            are decoded when they are asked for (:class:`dqbench.data.lazy.LazyImages`).
        labels: class index of each image, shape (n,), int64.
        class_names: one per class.
        ids: stable native index of each image in the whole training set, shape (n,), int64, increasing; what a
            method returns. Not a position in ``images`` when this is a part.
        files: relative file name of each image where the source is an image folder, else None.
        content_hash: sha256 over the whole set's images, labels and class names, whatever the part.
        mean: channel means of the whole training set in [0, 1], shape (channels,).
        std: channel standard deviations in [0, 1], shape (channels,).
        file_sizes: bytes of each image's file where images stay in their files, shape (n,), int64, else None.
    """

    name: str
    images: Images
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    ids: npt.NDArray[np.int64]
    content_hash: str
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    files: tuple[str, ...] | None = None
    file_sizes: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """Samples of each class, shape (classes,), int64."""
        return np.bincount(self.labels, minlength=self.classes).astype(np.int64)

    def positions(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Positions in ``images`` of the samples with these ids, shape of ``ids``.

        Raises:
            ValueError: an id is not in this source.
        """
        where = np.searchsorted(self.ids, ids)
        wrong: Any = (where >= len(self.ids)) | (self.ids[np.minimum(where, len(self.ids) - 1)] != ids)
        if wrong.any():
            raise ValueError(f"id {np.asarray(ids)[wrong][0]} is not in {self.name}")
        return where
