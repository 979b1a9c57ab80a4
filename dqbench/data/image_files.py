"""Finds the images of a folder: one folder per class, perhaps below ``train``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dqbench.data.content import check_names
from dqbench.errors import UsageError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
TRAIN_FOLDERS = ("train", "training")
LAYOUT = "expected CLASS/IMAGE or train/CLASS/IMAGE with images " + ", ".join(e[1:] for e in EXTENSIONS)


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder.

    Attributes:
        root: the folder that holds the class folders.
        class_names: names of the class folders, sorted.
        files: paths of all images relative to ``root`` with ``/``, sorted; an image's place here is its id.
        labels: class index of each.
    """

    root: Path
    class_names: tuple[str, ...]
    files: tuple[str, ...]
    labels: tuple[int, ...]


def index(folder: Path) -> ImageFolder:
    """List the images of ``folder``, or of its ``train`` or ``Training``, in any capitals, if that has class folders.

    A folder that holds nothing but one folder of folders stands for that one. Names that begin with a dot and files of
    other kinds are passed over.

    Raises:
        UsageError: no such folder, no class folders, or a class without images.
    """
    root = data_folder(folder)
    folders, images = _entries(root)
    train = named(folders, TRAIN_FOLDERS)
    if train:
        inner_folders, inner_images = _entries(root / train[0])
        if inner_folders and not inner_images:
            root, folders, images = root / train[0], inner_folders, inner_images
    if not folders:
        found = f"{len(images)} images and no folder" if images else "no image and no folder"
        raise UsageError(f"{root} holds {found}; {LAYOUT}")
    check_names(folders)
    listed: list[tuple[str, int]] = []
    for label, name in enumerate(folders):
        listed += [(f"{name}/{image}", label) for image in _images_of_class(root / name)]
    listed.sort()
    files, labels = zip(*listed, strict=True)
    return ImageFolder(root, tuple(folders), files, labels)


def data_folder(folder: Path) -> Path:
    """The folder itself, or the only folder in it where it holds nothing else and that one holds folders alone.

    Raises:
        UsageError: it cannot be read.
    """
    folders, images = _entries(folder)
    if len(folders) != 1 or images or named(folders, TRAIN_FOLDERS):
        return folder
    inner_folders, inner_images = _entries(folder / folders[0])
    several = len(inner_folders) > 1 or named(inner_folders, TRAIN_FOLDERS)
    return data_folder(folder / folders[0]) if several and not inner_images else folder


def named(folders: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those of the folders that have one of these names, in any capitals, in the order of the names."""
    return [folder for name in names for folder in folders if folder.lower() == name]


def _images_of_class(folder: Path) -> list[str]:
    deeper, images = _entries(folder)
    if not images:
        found = f"only folders ({', '.join(deeper[:3])})" if deeper else "none"
        raise UsageError(f"class folder {folder} has no images, {found}; {LAYOUT}; add images or remove the folder")
    return images


def refuse_undecodable(names: Iterable[str], folder: Path) -> None:
    """Refuse a name of a file or folder that is no UTF-8, which no list or record could hold.

    Raises:
        UsageError: there is one.
    """
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise UsageError(f"{folder} holds {os.fsencode(name)!r}, a name that is not UTF-8; rename it")


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the images directly in ``folder``, each sorted."""
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if not entry.name.startswith((".", "__MACOSX"))]
            folders = [entry.name for entry in entries if entry.is_dir()]
    except OSError as error:
        raise UsageError(f"image folder {folder} cannot be read: {error.strerror}") from error
    refuse_undecodable((entry.name for entry in entries), folder)
    images = [entry.name for entry in entries if entry.name.lower().endswith(EXTENSIONS)]
    return sorted(folders), sorted(set(images) - set(folders))
