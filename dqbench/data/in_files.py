"""Data sets whose images stay in their files: the store holds where they are and an index, and reads them lazily."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench.data.content import channel_statistics
from dqbench.data.file_index import FileIndex, files_hash, first_change, read_index
from dqbench.data.folder import Progress
from dqbench.data.image_set import ImageSet, counting
from dqbench.data.info import DatasetInfo, damaged, folder_of, write_info
from dqbench.data.lazy import LazyImages
from dqbench.data.writing import locked, write_folder
from dqbench.errors import UsageError
from dqbench.seeds import generator

SAMPLE = 2_000
"""Training images on which channel means and deviations are estimated."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Channel means and standard deviations."""


@dataclass(frozen=True)
class InFiles:
    """Indexed training and test images of one folder.

    Attributes:
        found: where they are.
        root: the folder that holds both.
        train: the training images.
        test: the test images.
        statistics: channel means and deviations to normalise with; None estimates them.
    """

    found: ImageSet
    root: Path
    train: FileIndex
    test: FileIndex
    statistics: Statistics | None


def index_set(
    found: ImageSet,
    root: Path,
    statistics: Statistics | None = None,
    contents: bool = False,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> InFiles:
    """Look at every file of both splits; see :func:`dqbench.data.file_index.read_index`."""
    first, total = len(found.train.files), len(found.train.files) + len(found.test.files)
    train = read_index(found.train, contents, skip_unreadable, counting(progress, 0, total))
    test = read_index(found.test, contents, skip_unreadable, counting(progress, first, total))
    return InFiles(found, root, train, test, statistics)


def put_files(name: str, indexed: InFiles, side: int) -> DatasetInfo:
    """Store a data set whose images are decoded to ``side`` x ``side`` when they are read.

    Raises:
        UsageError: the data folder cannot be written, or an image of the sample cannot be decoded.
    """
    with locked(name):
        return write_folder(name, partial(_fill, name=name, indexed=indexed, side=side))


def open_split(info: DatasetInfo, split: str) -> tuple[LazyImages, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Images, labels and bytes of each file of ``train`` or ``test``.

    Raises:
        UsageError: the index is damaged, or the folder of the images is not there.
    """
    index, root = _load(info, split), _root(info, split)
    if not root.is_dir():
        raise UsageError(
            f"the images of {info.name} are to be in {root}, which is not there; bring it back, or import {info.name} "
            "again from where it is now"
        )
    return LazyImages(root, index.files, info.shape[0]), index.labels, index.facts[:, 2]


def verify_files(info: DatasetInfo) -> None:
    """Hold the index against its hash, and every file against the index.

    Raises:
        UsageError: what has changed first.
    """
    for split, expected in (("train", info.train_hash), ("test", info.test_hash)):
        index = _load(info, split)
        if files_hash(index, info.class_names, info.shape[0]) != expected:
            raise damaged(info.name, f"the index of its {split} images has changed")
        change = first_change(index, _root(info, split))
        if change:
            raise UsageError(
                f"the images of {info.name} are no longer those that were imported ({change}); bring them back, or "
                f"import {info.name} again"
            )


def _root(info: DatasetInfo, split: str) -> Path:
    return Path(info.root) / info.folders[0 if split == "train" else 1]


def _fill(folder: Path, name: str, indexed: InFiles, side: int) -> DatasetInfo:
    found, names = indexed.found, indexed.found.train.class_names
    hashes = [files_hash(index, names, side) for index in (indexed.train, indexed.test)]
    mean, std = indexed.statistics or _estimated(indexed, side)
    described = DatasetInfo(
        name=name,
        class_names=names,
        shape=(side, side, 3),
        train_count=len(indexed.train.files),
        test_count=len(indexed.test.files),
        train_hash=hashes[0],
        test_hash=hashes[1],
        provenance="imported",
        train_class_counts=_counts(indexed.train, names),
        test_class_counts=_counts(indexed.test, names),
        mean=tuple(mean),
        std=tuple(std),
        note=_note(indexed, side),
        form="files",
        root=str(indexed.root),
        folders=(_below(found.train.root, indexed.root), _below(found.test.root, indexed.root)),
    )
    for split, index, digest in (("train", indexed.train, hashes[0]), ("test", indexed.test, hashes[1])):
        _save(folder, split, index, digest)
    write_info(described, folder)
    return described


def _estimated(indexed: InFiles, side: int) -> Statistics:
    """Channel statistics of a sample of the training images that a fixed seed draws."""
    images = LazyImages(indexed.found.train.root, indexed.train.files, side)
    drawn = generator(0, "channel-statistics").permutation(len(images))[:SAMPLE]
    mean, std = channel_statistics(images.take(np.sort(drawn)))
    return tuple(mean.tolist()), tuple(std.tolist())


def _counts(index: FileIndex, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(np.bincount(index.labels, minlength=len(names)).tolist())


def _note(indexed: InFiles, side: int) -> str:
    sample = min(SAMPLE, len(indexed.train.files))
    skipped = len(indexed.train.skipped) + len(indexed.test.skipped)
    return "; ".join(
        part
        for part in (
            f"images read from their files at {side} px",
            "" if indexed.statistics else f"channel statistics estimated on {sample:,} training images",
            "" if indexed.train.digests is None else "file contents hashed",
            indexed.found.note,
            f"{skipped} unreadable image{'s' * (skipped > 1)} left out" if skipped else "",
        )
        if part
    )


def _below(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix()


def _save(folder: Path, split: str, index: FileIndex, digest: str) -> None:
    text = json.dumps({"files": index.files, "hash": digest, "skipped": index.skipped}, indent=0)
    (folder / f"files_{split}.json").write_text(text + "\n", encoding="utf-8")
    arrays: Mapping[str, npt.NDArray[np.generic] | None] = {
        "labels": index.labels,
        "facts": index.facts,
        "sha256": index.digests,
    }
    for what, array in arrays.items():
        if array is not None:
            np.save(folder / f"{split}_{what}.npy", array, allow_pickle=False)


def _load(info: DatasetInfo, split: str) -> FileIndex:
    folder, count = folder_of(info.name), info.train_count if split == "train" else info.test_count
    try:
        listed = json.loads((folder / f"files_{split}.json").read_text(encoding="utf-8"))
        labels = np.load(folder / f"{split}_labels.npy", allow_pickle=False)
        facts = np.load(folder / f"{split}_facts.npy", allow_pickle=False)
        hashed = folder / f"{split}_sha256.npy"
        digests = np.load(hashed, allow_pickle=False) if hashed.exists() else None
        index = FileIndex(tuple(listed["files"]), labels, facts, digests, tuple(listed["skipped"]))
    except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise damaged(info.name, f"the index of its {split} images cannot be read: {error}") from error
    shapes = [(count,), (count, 3)] + ([] if digests is None else [(count, 32)])
    if len(index.files) != count or [a.shape for a in (labels, facts, digests) if a is not None] != shapes:
        raise damaged(info.name, f"the index of its {split} images does not list {count:,} images")
    return index
