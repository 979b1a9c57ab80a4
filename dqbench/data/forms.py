"""Labelled images in the forms that people have them: a table of paths, parquet, tars, MNIST's and CIFAR's own files.

Every form gives the same: samples of a training part and, where the form has one, of a test part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import Arrays
from dqbench.data.content import channel_statistics, check_names, content_hash
from dqbench.data.features import classes_of
from dqbench.data.folder import DEFAULT_SIZE, FolderSource, check_room, check_size
from dqbench.data.form_files import (
    CIFAR,
    IDX,
    PARQUET,
    TABLE,
    TARS,
    Form,
    Sample,
    decoded,
    form_of,
    read_cifar,
    read_idx,
    read_parquet,
    read_table,
    read_tars,
)
from dqbench.data.lazy import machine_memory
from dqbench.data.source import Source
from dqbench.data.test_split import draw_test, drawn_note
from dqbench.errors import UsageError
from dqbench.hashing import sha256_of

WHAT = (
    "an image folder, an .npz file, a .csv of paths and labels, .parquet with image bytes, WebDataset .tar files, "
    "MNIST's idx files or CIFAR's archive"
)
_READERS: dict[Form, Callable[[Path], tuple[list[Sample], list[Sample]]]] = {
    TABLE: read_table,
    PARQUET: read_parquet,
    TARS: read_tars,
}


@dataclass(frozen=True)
class Part:
    """Decoded samples: images (n, h, w, channels) uint8, and class indices (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def is_form(path: Path) -> bool:
    """Whether it is one of these forms, and neither an image folder nor an ``.npz`` file."""
    return form_of(path) is not None


def read_form(path: Path, size: int | None = None) -> tuple[Part, Part | None, tuple[str, ...]]:
    """Training part, test part or None, and class names.

    Args:
        path: of a file or folder of one of these forms.
        size: side in pixels to which images are decoded, by default 64; arrays keep their size.

    Raises:
        UsageError: none of these forms, something is wrong in it, or a size for arrays.
    """
    form = form_of(path)
    if form in (IDX, CIFAR):
        if size is not None:
            raise UsageError(f"--size is for images in files; those of {path} are of one size: leave it out")
        return _of_arrays(read_idx(path) if form == IDX else read_cifar(path))
    if form is None:
        raise UsageError(f"{path} is none of: {WHAT}")
    side = DEFAULT_SIZE if size is None else size
    check_size(side)
    train, test = _READERS[form](path)
    if not train:
        raise UsageError(f"{path} has no image with a label" + (" to train on" if test else ""))
    labels, names = classes_of(np.array([one.label for one in [*train, *test]]), len(train) + len(test), str(path))
    check_names(names)
    check_room(len(labels), side, 1, machine_memory(), "this machine's memory")
    parts = [Part(decoded(part, side), labels[where]) for part, where in _places(train, test)]
    return parts[0], parts[1] if test else None, names


def form_arrays(path: Path, size: int | None, test_share: float | None, test_seed: int = 0) -> Arrays:
    """A whole data set of one of these forms; without a test part a share of each class is drawn.

    Raises:
        UsageError: as :func:`read_form`, a share where there is a test part, or none where there is not.
    """
    train, test, names = read_form(path, size)
    if test is not None and test_share is not None:
        raise UsageError(f"--test-share {test_share:g} has no effect: {path} has a test set; leave it out")
    if test is None and test_share is None:
        raise UsageError(f"{path} has no test set; --test-share 0.2 draws one")
    return _joined(path, train, test, names, test_share or 0.0, test_seed)


def own_form(path: Path, size: int | None, test_share: float) -> Arrays:
    """The same for the user's own data, of which a share is drawn where there is no test part.

    Raises:
        UsageError: as :func:`read_form`.
    """
    train, test, names = read_form(path, size)
    return _joined(path, train, test, names, test_share, 0)


def _joined(path: Path, train: Part, test: Part | None, names: tuple[str, ...], share: float, seed: int) -> Arrays:
    note = f"read from {path.name}"
    if test is not None:
        return Arrays(train.images, train.labels, test.images, test.labels, names, "imported", note=note)
    drawn = draw_test(train.labels, names, share, seed)
    return Arrays(
        train.images[~drawn], train.labels[~drawn], train.images[drawn], train.labels[drawn], names, "imported",
        note=f"{note}; {drawn_note(share, seed)}",
    )  # fmt: skip


def fingerprint(path: Path, size: int | None) -> str:
    """sha256 over all that such a form holds, and the size to which it is decoded. Decodes nothing.

    Raises:
        UsageError: a file that cannot be read.
    """
    digest = hashlib.sha256(f"{size}".encode())
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    if form_of(path) == TABLE:
        files += [Path(sample.name) for part in read_table(path) for sample in part]
    for file in files:
        try:
            digest.update(sha256_of(file).encode())
        except OSError as error:
            raise UsageError(f"{file} cannot be read ({error.strerror}); repair or remove it") from error
    return digest.hexdigest()


def form_source(path: Path, size: int | None) -> FolderSource:
    """The training part as a source; ids are the places of its samples.

    Raises:
        UsageError: as :func:`read_form`.
    """
    train, _, names = read_form(path, size)
    count, height, width, channels = train.images.shape
    mean, std = channel_statistics(train.images)
    hashed, ids = content_hash(train.images, train.labels, names), np.arange(count, dtype=np.int64)
    source = Source(path.name.partition(".")[0], train.images, train.labels, names, ids, hashed, mean, std)
    sizes = np.tile(np.array([width, height], dtype=np.int64), (count, 1))
    return FolderSource(source, None, (), np.full(count, height * width * channels, dtype=np.int64), sizes)


def _of_arrays(arrays: Arrays) -> tuple[Part, Part | None, tuple[str, ...]]:
    test = Part(arrays.x_test, arrays.y_test) if len(arrays.y_test) else None
    return Part(arrays.x_train, arrays.y_train), test, arrays.class_names


def _places(train: Sequence[Sample], test: Sequence[Sample]) -> list[tuple[Sequence[Sample], slice]]:
    return [(train, slice(0, len(train))), (test, slice(len(train), None))]
