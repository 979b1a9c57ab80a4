"""A data set in memory: training and test arrays. Needs no NumPy at import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dqbench.data.lazy import Images

Provenance = Literal["verified", "imported", "bundled"]
"""How data came: by a checked download of the official files, from the user's own file, or inside a dependency."""


@dataclass(frozen=True)
class FileList:
    """The image files behind the images of a training or test set.

    Attributes:
        names: relative path of each image, with ``/``.
        hash: over class names, decoded size, and name, sha256 and label of each file.
        skipped: files that could not be read, each with the reason.
    """

    names: tuple[str, ...]
    hash: str
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrays:
    """A whole data set.

    Attributes:
        x_train: training images, shape (n, height, width, channels), uint8, 1 or 3 channels.
        y_train: class index of each training image, shape (n,), int64.
        x_test: test images, shape (m, height, width, channels), uint8.
        y_test: class index of each test image, shape (m,), int64.
        class_names: one per class.
        provenance: see :data:`Provenance`.
        train_files: where the training images came from an image folder.
        test_files: where the test images came from an image folder.
        note: what must be known of how the arrays were made, in words; empty where there is nothing to say.
    """

    x_train: npt.NDArray[np.uint8]
    y_train: npt.NDArray[np.int64]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    provenance: Provenance
    train_files: FileList | None = None
    test_files: FileList | None = None
    note: str = ""


@dataclass(frozen=True)
class TestSet:
    """A test set, or a fixed part of one.

    Attributes:
        images: shape (m, height, width, channels), uint8, perhaps in files.
        labels: class index of each image, shape (m,), int64.
        content_hash: of the whole test set, whatever the part.
    """

    __test__ = False

    images: Images
    labels: npt.NDArray[np.int64]
    content_hash: str

    def __len__(self) -> int:
        return len(self.labels)
