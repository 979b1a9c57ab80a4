"""Official folder layouts of ImageNet and Tiny ImageNet, and every way in which a folder can miss them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from dqbench.data.image_files import EXTENSIONS, ImageFolder, refuse_undecodable
from dqbench.data.image_set import ImageSet
from dqbench.errors import UsageError

IMAGENET_LAYOUT = "expected train/WNID/*.JPEG and val/WNID/*.JPEG, e.g. train/n01440764/n01440764_10026.JPEG"
TINY_LAYOUT = (
    "expected wnids.txt, train/WNID/images/*.JPEG, val/images/*.JPEG and val/val_annotations.txt, as the archive "
    "tiny-imagenet-200 unpacks"
)


def find_imagenet(folder: Path, wnids: Sequence[str]) -> ImageSet:
    """List the images of these classes in ``folder/train/WNID`` and ``folder/val/WNID``; other classes are passed over.

    Class indices follow the sorted ids.

    Raises:
        UsageError: another layout, or classes without a folder or images.
    """
    _need_folders(folder, ("train", "val"), IMAGENET_LAYOUT)
    names = tuple(sorted(wnids))
    train, test = (_listed(folder / part, names) for part in ("train", "val"))
    return ImageSet(train, test)


def find_tiny_imagenet(folder: Path, wnids: Sequence[str]) -> ImageSet | None:
    """List the images of Tiny ImageNet's own layout; its ``val`` is the test set (its ``test`` has no labels).

    A folder without ``wnids.txt`` and annotations has another layout: None.

    Raises:
        UsageError: classes other than the official ones, or missing folders, images or annotations.
    """
    if not any((folder / name).exists() for name in ("wnids.txt", "val/val_annotations.txt", "val/images")):
        return None
    _need_folders(folder, ("train", "val"), TINY_LAYOUT)
    names = tuple(sorted(wnids))
    train = _listed(folder / "train", names, "images")
    return ImageSet(train, _annotated(folder / "val", names))


def _annotated(folder: Path, names: tuple[str, ...]) -> ImageFolder:
    """The images that ``val_annotations.txt`` names, with its classes."""
    path = folder / "val_annotations.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}); {TINY_LAYOUT}") from error
    places = {name: label for label, name in enumerate(names)}
    rows = []
    for number, line in enumerate(lines, 1):
        image, _, rest = line.partition("\t")
        wnid = rest.partition("\t")[0]
        if not image or wnid not in places:
            raise UsageError(f"{path}, line {number}: {line[:60]!r} does not name an image and one of the 200 classes")
        rows.append((f"images/{image}", places[wnid]))
    there = {f"images/{name}" for name in _names(folder / "images")[1]}
    missing = [image for image, _ in rows if image not in there]
    if missing:
        raise UsageError(f"{path} names {len(missing):,} images that are not in {folder} ({_some(missing)})")
    _need_classes(folder, names, {names[label] for _, label in rows})
    files, labels = zip(*sorted(rows), strict=True)
    return ImageFolder(folder, names, files, labels)


def _listed(folder: Path, names: tuple[str, ...], inner: str = "") -> ImageFolder:
    folders, files = _names(folder)
    if not set(folders) & set(names):
        raise UsageError(
            f"{folder} holds {_what(folders, files)} and none of the {len(names):,} class folders; {_hint(files)}"
        )
    _need_classes(folder, names, folders)
    listed: list[tuple[str, int]] = []
    for label, name in enumerate(names):
        images = _images(folder / name / inner)
        if not images:
            found = _what(*_names(folder / name / inner))
            raise UsageError(f"class folder {folder / name / inner} holds {found}, no image; unpack the class again")
        start = f"{name}/{inner}/" if inner else f"{name}/"
        listed += [(start + image, label) for image in images]
    files_, labels = zip(*listed, strict=True)
    return ImageFolder(folder, names, files_, labels)


def _need_folders(folder: Path, needed: Iterable[str], layout: str) -> None:
    missing = [name for name in needed if not (folder / name).is_dir()]
    if missing:
        raise UsageError(
            f"{folder} has no folder {' and no '.join(missing)}; it holds {_what(*_names(folder))}; {layout}"
        )


def _need_classes(folder: Path, names: Sequence[str], there: Iterable[str]) -> None:
    missing = sorted(set(names) - set(there))
    if missing:
        raise UsageError(f"{folder} lacks {len(missing):,} of the {len(names):,} classes ({_some(missing)}); add them")


def _hint(files: Sequence[str]) -> str:
    if files and all(name.endswith(".tar") for name in files[:100]):
        return f"unpack each archive into a folder of its class; {IMAGENET_LAYOUT}"
    if any(name.startswith("ILSVRC2012_val_") for name in files[:100]):
        return (
            "move each image into a folder of its class, which the devkit's ILSVRC2012_validation_ground_truth.txt "
            f"gives; {IMAGENET_LAYOUT}"
        )
    return IMAGENET_LAYOUT


def _images(folder: Path) -> list[str]:
    return [name for name in _names(folder)[1] if name.lower().endswith(EXTENSIONS)]


def _names(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the files directly in ``folder``, each sorted, without hidden ones."""
    try:
        with os.scandir(folder) as found:
            entries = [(entry.name, entry.is_dir()) for entry in found if not entry.name.startswith(".")]
    except OSError as error:
        raise UsageError(f"image folder {folder} cannot be read: {error.strerror}") from error
    refuse_undecodable((name for name, _ in entries), folder)
    return sorted(name for name, is_dir in entries if is_dir), sorted(name for name, is_dir in entries if not is_dir)


def _what(folders: Sequence[str], files: Sequence[str]) -> str:
    parts = [
        f"{len(names):,} {kind} ({_some(names)})" for kind, names in (("folders", folders), ("files", files)) if names
    ]
    return " and ".join(parts) or "nothing"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
