"""Segmentation sets: a folder of images and one of label maps, PNG files of the same names, for each part."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from dqbench.data.annotated import Annotated, Part
from dqbench.data.annotated_hash import ImageFile, PartFacts, Progress, image_file, part_hash
from dqbench.data.decode import Unreadable
from dqbench.data.image_files import refuse_undecodable
from dqbench.errors import UsageError

LAYOUT = (
    "expected images/training, images/validation, annotations/training and annotations/validation with "
    "objectInfo150.txt, as in ADEChallengeData2016, or images/train, images/val, annotations/train and annotations/val "
    "with classes.txt, whose lines are e.g. '0 Sky', and '11 Unlabelled (ignore)' for what is not to be learned"
)
NOT_LABELLED = 255
"""A value that always means nothing."""

_PARTS = (("training", "validation"), ("train", "val"))
_ADE_CLASSES = 150


def looks_segmented(folder: Path) -> bool:
    """Whether there are folders where label maps would be."""
    return any((folder / "annotations" / name).is_dir() for pair in _PARTS for name in pair)


def find_label_maps(folder: Path) -> Annotated:
    """Find the parts and the classes of a segmentation set; no image is opened.

    Raises:
        UsageError: another layout, or no readable list of classes.
    """
    for names in _PARTS:
        if (folder / "annotations" / names[0]).is_dir():
            break
    train, test = (Part(f"images/{name}", f"annotations/{name}") for name in names)
    for part in (train, test):
        for path in (part.images, part.annotations):
            if not (folder / path).is_dir():
                raise UsageError(f"{folder / path} is not there; {LAYOUT}")
    values, unlabelled = _values(folder)
    return Annotated("segmentation", folder.resolve(), train, test, values, unlabelled)


def _values(folder: Path) -> tuple[tuple[str, ...], int | None]:
    try:
        if (folder / "objectInfo150.txt").is_file():
            return _ade_values(folder / "objectInfo150.txt"), 0
        return _listed_values(folder / "classes.txt")
    except FileNotFoundError:
        raise UsageError(f"{folder} holds neither objectInfo150.txt nor classes.txt; {LAYOUT}") from None
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"the list of classes in {folder} cannot be read ({error}); {LAYOUT}") from error


def _ade_values(file: Path) -> tuple[str, ...]:
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    if [int(row[0]) for row in rows] != list(range(1, _ADE_CLASSES + 1)):
        raise ValueError(f"{file.name} does not number {_ADE_CLASSES} classes from 1 up")
    return ("unlabelled", *(row[-1].strip() for row in rows))


def _listed_values(file: Path) -> tuple[tuple[str, ...], int | None]:
    rows = [line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not rows or [int(row[0]) for row in rows] != list(range(len(rows))):
        raise ValueError(f"{file.name} does not number its classes from 0 up")
    ignored = [value for value, row in enumerate(rows) if row[1].strip().endswith("(ignore)")]
    if len(ignored) > 1:
        raise ValueError(f"{file.name} has more than one class to ignore")
    names = tuple(row[1].replace("(ignore)", "").strip() for row in rows)
    if len(set(names)) < len(names):
        raise ValueError(f"{file.name} has a class twice")
    return names, ignored[0] if ignored else None


def scan_label_maps(found: Annotated, part: Part, progress: Progress | None = None) -> PartFacts:
    """Check every image and label map of one part, and count the pixels of each class.

    Raises:
        UsageError: the first thing that is wrong: no images, an image without a map or the other way round, a file that
            cannot be read, sizes that differ, or a value that no class has.
    """
    names = _paired(found.root / part.images, found.root / part.annotations)
    counts = np.zeros(NOT_LABELLED + 1, dtype=np.int64)
    files, digests = [], []
    for done, (image, digest, pixels) in enumerate(_read_all(found, part, names), start=1):
        counts += pixels
        files.append(image)
        digests.append(digest)
        if progress is not None:
            progress(done, len(names))
    class_counts = tuple(int(counts[value]) for value in range(len(found.values)) if value != found.unlabelled)
    return PartFacts(len(files), class_counts, part_hash(found.values, [found.unlabelled, *digests], files))


def _paired(images: Path, maps: Path) -> list[str]:
    stems, drawn = (
        {path.stem for path in folder.glob(f"*{suffix}") if not path.name.startswith(".")}
        for folder, suffix in ((images, ".jpg"), (maps, ".png"))
    )
    for folder, names in ((images, stems), (maps, drawn)):
        refuse_undecodable(names, folder)
    if not stems:
        raise UsageError(f"{images} holds no .jpg image; {LAYOUT}")
    if stems - drawn:
        raise UsageError(
            f"image {min(stems - drawn)}.jpg in {images} has no label map {min(stems - drawn)}.png in {maps}"
        )
    if drawn - stems:
        raise UsageError(
            f"label map {min(drawn - stems)}.png in {maps} has no image {min(drawn - stems)}.jpg in {images}"
        )
    return sorted(stems)


def _read_all(found: Annotated, part: Part, names: list[str]) -> Iterator[tuple[ImageFile, str, npt.NDArray[np.int64]]]:
    def one(name: str) -> tuple[ImageFile, str, npt.NDArray[np.int64]]:
        image = image_file(found.root / part.images, f"{name}.jpg")
        digest, counts = _label_map(found.root / part.annotations / f"{name}.png", image.size, len(found.values))
        return image, digest, counts

    workers = min(16, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(names), 64 * workers):
            yield from pool.map(one, names[start : start + 64 * workers])


def _label_map(path: Path, size: tuple[int, int], values: int) -> tuple[str, npt.NDArray[np.int64]]:
    """sha256 of the file, and how many pixels have each of the values 0 to 255."""
    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image)
            drawn = image.size
    except Exception as error:  # decoders raise all sorts of things on damaged files
        raise UsageError(f"label map {path} cannot be read ({Unreadable.because(error)}); repair it") from error
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise UsageError(f"label map {path} has pixels of {pixels.dtype} and shape {pixels.shape}, not one byte each")
    if drawn != size:
        raise UsageError(f"label map {path} is {drawn[0]}×{drawn[1]}, its image {size[0]}×{size[1]}")
    counts = np.bincount(pixels.ravel(), minlength=NOT_LABELLED + 1)
    strange = np.flatnonzero(counts[values:NOT_LABELLED])
    if len(strange):
        raise UsageError(f"label map {path} has the value {values + strange[0]}; its classes go from 0 to {values - 1}")
    return hashlib.sha256(data).hexdigest(), counts.astype(np.int64)
