"""The user's own image folders and ``.npz`` files in the store, each by a name made from what it holds."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench.data import store
from dqbench.data.arrays import Arrays
from dqbench.data.folder import COPIES, DEFAULT_SIZE, Progress, check_room, check_size
from dqbench.data.form_files import CIFAR, IDX, form_of
from dqbench.data.forms import WHAT, is_form, own_form
from dqbench.data.forms import fingerprint as form_fingerprint
from dqbench.data.image_set import ImageSet, find_image_set, fingerprint
from dqbench.data.importing import decode_and_store
from dqbench.data.info import DatasetInfo, data_root, read_info
from dqbench.data.npz import read_own_npz
from dqbench.errors import UsageError
from dqbench.hashing import sha256_of

TEST_SHARE = 0.2
"""Of each class, drawn as the test set where there is none."""

HASH_DIGITS = 10


def list_own(path: Path, size: int = DEFAULT_SIZE) -> tuple[DatasetInfo, bool]:
    """What is known of the user's image folder or ``.npz`` file, and whether it is in the store. Stores nothing.

    Where it is not, hashes and channel statistics are not known yet, and unreadable images are counted, too.

    Raises:
        UsageError: the data is not usable, or there is too little room to import it.
    """
    if not path.exists():
        raise UsageError(f"{path} is not there; give {WHAT}")
    if is_form(path):
        return _list_form(path, size)
    if path.is_dir():
        check_size(size)
        found = find_image_set(path, TEST_SHARE)
        name = _own_name(path.resolve().name, fingerprint(found, size))
    else:
        name = _npz_name(path)
    stored = read_info(name)
    if stored is not None:
        return stored, True
    return (_listed(name, found, size) if path.is_dir() else _listed_npz(name, path)), False


def import_own(
    path: Path, size: int = DEFAULT_SIZE, skip_unreadable: bool = False, progress: Progress | None = None
) -> DatasetInfo:
    """The user's image folder or ``.npz`` file in the store, under its own name and a hash of its content.

    What was stored before is not decoded again. Without a test set :data:`TEST_SHARE` of each class is drawn.

    Raises:
        UsageError: the data is not usable, or the data folder cannot be written.
    """
    listed, is_there = list_own(path, size)
    if is_there:
        return listed
    if is_form(path):
        return store.put(listed.name, own_form(path, _side(path, size), TEST_SHARE))
    if not path.is_dir():
        return store.put(listed.name, read_own_npz(path, TEST_SHARE))
    return decode_and_store(listed.name, find_image_set(path, TEST_SHARE), size, skip_unreadable, progress)[0]


def _list_form(path: Path, size: int) -> tuple[DatasetInfo, bool]:
    side = _side(path, size)
    name = _own_name(path.resolve().name.partition(".")[0], form_fingerprint(path, side))
    stored = read_info(name)
    return (stored, True) if stored is not None else (_listed_arrays(name, own_form(path, side, TEST_SHARE)), False)


def _side(path: Path, size: int) -> int | None:
    """The size to which a form's images are decoded; None where they are arrays."""
    return None if form_of(path) in (IDX, CIFAR) else size


def _npz_name(path: Path) -> str:
    if path.suffix.lower() != ".npz":
        raise UsageError(f"{path} is none of: {WHAT}")
    return _own_name(path.stem, sha256_of(path))


def _listed(name: str, found: ImageSet, size: int) -> DatasetInfo:
    images = len(found.train.files) + len(found.test.files)
    check_room(images, size, COPIES, _free_bytes(), f"what is free in {data_root()}")
    splits = [np.array(part.labels, dtype=np.int64) for part in (found.train, found.test)]
    return _unread(name, found.train.class_names, (size, size, 3), *splits)


def _listed_npz(name: str, path: Path) -> DatasetInfo:
    return _listed_arrays(name, read_own_npz(path, TEST_SHARE))


def _listed_arrays(name: str, arrays: Arrays) -> DatasetInfo:
    height, width, channels = arrays.x_train.shape[1:]
    return _unread(name, arrays.class_names, (height, width, channels), arrays.y_train, arrays.y_test)


def _unread(
    name: str,
    class_names: Sequence[str],
    shape: tuple[int, int, int],
    train: npt.NDArray[np.int64],
    test: npt.NDArray[np.int64],
) -> DatasetInfo:
    counts = [tuple(np.bincount(labels, minlength=len(class_names)).tolist()) for labels in (train, test)]
    return DatasetInfo(
        name=name,
        class_names=tuple(class_names),
        shape=shape,
        train_count=len(train),
        test_count=len(test),
        train_hash="",
        test_hash="",
        provenance="imported",
        train_class_counts=counts[0],
        test_class_counts=counts[1],
        mean=(0.0,) * shape[2],
        std=(1.0,) * shape[2],
        note="not imported yet",
    )


def _own_name(word: str, digest: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:40] or "data"
    return f"{plain}-{digest[:HASH_DIGITS]}"


def _free_bytes() -> int:
    """What is free where the data folder is, or will be."""
    place = next(place for place in (data_root(), *data_root().resolve().parents) if place.exists())
    return shutil.disk_usage(place).free
