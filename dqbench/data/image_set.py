"""A whole data set from an image folder: its training and test images are listed, checked, then decoded once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import Arrays, FileList
from dqbench.data.folder import FolderSource, Progress, load_images
from dqbench.data.image_files import TRAIN_FOLDERS, ImageFolder, data_folder, index, named, refuse_undecodable
from dqbench.data.test_split import draw_test, drawn_note
from dqbench.errors import UsageError

TEST_FOLDERS = ("test", "testing", "val", "valid", "validation")
LAYOUT = "expected train/CLASS/IMAGE and val/CLASS/IMAGE (or test/CLASS/IMAGE)"


@dataclass(frozen=True)
class ImageSet:
    """Training and test images of a folder, listed but not decoded.

    Attributes:
        train: the training images.
        test: the test images, of the same classes.
        note: how the test set came about where that is no plain folder of its own; else empty.
    """

    train: ImageFolder
    test: ImageFolder
    note: str = ""


def find_image_set(folder: Path, test_share: float | None = None, test_seed: int = 0) -> ImageSet:
    """List the images of ``folder/train`` and of ``folder/test`` (or ``val``, ``valid``, ``validation``).

    With ``test_share``, where there is none of these, that share of each class is drawn with a fixed seed, and the
    class folders may lie in ``folder`` itself.

    Raises:
        UsageError: wrong layout, classes that only one of the two has, a class too small to be split.
    """
    root = data_folder(folder)
    names, tests = _class_folders(root), test_folders(folder)
    if tests:
        train, test = index(root / named(names, TRAIN_FOLDERS)[0]), index(root / tests[0])
        _check_same_classes(train, test)
        note = f"{tests[0]} is the test set, and {', '.join(tests[1:])} is not used" if tests[1:] else ""
        return ImageSet(train, test, note)
    if test_share is None:
        raise UsageError(
            f"{folder} holds {_listed(names)}; {LAYOUT}; without a test folder --test-share 0.2 draws one from train"
        )
    return _drawn(index(folder), test_share, test_seed)


def test_folders(folder: Path) -> list[str]:
    """The folders beside ``train`` that hold class folders of test images, the one that is used first."""
    root = data_folder(folder)
    names = _class_folders(root)
    found = [name for name in named(names, TEST_FOLDERS) if _class_folders(root / name)]
    return found if named(names, TRAIN_FOLDERS) else []


def decode_image_set(
    found: ImageSet, size: int, room: Path, skip_unreadable: bool = False, progress: Progress | None = None
) -> Arrays:
    """Decode all images to ``size`` x ``size`` RGB, into memory-mapped files below ``room``.

    Args:
        found: the images.
        size: side in pixels.
        room: a folder for the decoded images, wanted as long as the arrays are.
        skip_unreadable: leave out images that cannot be read instead of stopping at the first.
        progress: called after each image, training and test images counted as one.

    Raises:
        UsageError: an unreadable image, which is named, or a class of which none is readable.
    """
    first, total = len(found.train.files), len(found.train.files) + len(found.test.files)
    train = load_images(
        found.train, "train", size, skip_unreadable, cache=room / "train.npy", progress=counting(progress, 0, total)
    )
    test = load_images(
        found.test, "test", size, skip_unreadable, cache=room / "test.npy", progress=counting(progress, first, total)
    )
    return Arrays(
        x_train=np.asarray(train.source.images),
        y_train=train.source.labels,
        x_test=np.asarray(test.source.images),
        y_test=test.source.labels,
        class_names=found.train.class_names,
        provenance="imported",
        train_files=_file_list(train),
        test_files=_file_list(test),
        note=_note(found, size, len(train.skipped) + len(test.skipped)),
    )


def fingerprint(found: ImageSet, size: int) -> str:
    """sha256 over the decoded size, the classes, and the name, label and content of every file. Decodes nothing.

    Raises:
        UsageError: a file that cannot be read.
    """
    splits = [[found.train.class_names, size]]
    for part in (found.train, found.test):
        digests = [_digest(part.root / name) for name in part.files]
        splits.append([list(row) for row in zip(part.files, part.labels, digests, strict=True)])
    return hashlib.sha256(json.dumps(splits, separators=(",", ":")).encode("ascii")).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        raise UsageError(f"image {path} cannot be read ({error.strerror}); repair or remove it") from error


def _class_folders(folder: Path) -> list[str]:
    try:
        names = sorted(e.name for e in folder.iterdir() if e.is_dir() and not e.name.startswith("."))
    except OSError as error:
        raise UsageError(f"image folder {folder} cannot be read: {error.strerror}") from error
    refuse_undecodable(names, folder)
    return names


def _listed(names: list[str]) -> str:
    if not names:
        return "no folder"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"the folder{'s' * (len(names) > 1)} {', '.join(names[:5])}{more}"


def _check_same_classes(train: ImageFolder, test: ImageFolder) -> None:
    for here, there in ((test, train), (train, test)):
        missing = sorted(set(there.class_names) - set(here.class_names))
        if missing:
            raise UsageError(
                f"{here.root} lacks {len(missing)} of the {len(there.class_names)} classes of {there.root} "
                f"({', '.join(missing[:5])}{', …' if len(missing) > 5 else ''}); both need the same class folders"
            )


def _drawn(found: ImageFolder, share: float, seed: int) -> ImageSet:
    test = draw_test(np.array(found.labels, dtype=np.int64), found.class_names, share, seed)
    return ImageSet(_part(found, ~test), _part(found, test), drawn_note(share, seed))


def _part(found: ImageFolder, chosen: npt.NDArray[np.bool_]) -> ImageFolder:
    places = np.flatnonzero(chosen).tolist()
    files, labels = tuple(found.files[i] for i in places), tuple(found.labels[i] for i in places)
    return ImageFolder(found.root, found.class_names, files, labels)


def counting(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Progress of one part of the files, reported as progress of all: ``before`` of ``total`` are done already."""
    return None if progress is None else partial(_count, progress, before, total)


def _count(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def _file_list(opened: FolderSource) -> FileList:
    return FileList(opened.source.files or (), opened.source.content_hash, opened.skipped)


def _note(found: ImageSet, size: int, skipped: int) -> str:
    left_out = f"{skipped} unreadable image{'s' * (skipped > 1)} left out" if skipped else ""
    parts = [f"image files decoded to {size} px", found.note, left_out]
    return "; ".join(part for part in parts if part)
