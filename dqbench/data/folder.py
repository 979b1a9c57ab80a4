"""The user's own images, from an image folder or an ``.npz`` file, as a source."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench import byte_sizes
from dqbench.data.content import channel_statistics, content_hash
from dqbench.data.decode import Unreadable, decode
from dqbench.data.image_files import ImageFolder, index
from dqbench.data.lazy import machine_memory
from dqbench.data.npz import read_images
from dqbench.data.source import Source
from dqbench.errors import UsageError

DEFAULT_SIZE = 64
"""Side in pixels to which images are decoded where none is asked for."""

COPIES = 2
"""An import decodes into one file and stores another."""

Progress = Callable[[int, int], None]
"""Told how many images are done, of how many."""


@dataclass(frozen=True)
class FolderSource:
    """A source with what is known of the files behind it.

    Attributes:
        source: the images. Ids are places in the sorted list of all files, so skipped files leave gaps.
        root: what ``source.files`` is relative to; None for an ``.npz`` file.
        skipped: each file that could not be read, with the reason.
        file_sizes: bytes of each image's file, shape (n,), int64; for an ``.npz`` bytes of each image's pixels.
        image_sizes: (width, height) of each image before it was resized, shape (n, 2), int64.
        digests: sha256 of each image's file; empty for an ``.npz`` file.
    """

    source: Source
    root: Path | None
    skipped: tuple[str, ...]
    file_sizes: npt.NDArray[np.int64]
    image_sizes: npt.NDArray[np.int64]
    digests: tuple[str, ...] = ()

    def hash_at(self, size: int) -> str:
        """The content hash that these images would have, had they been decoded to ``size`` x ``size``."""
        source = self.source
        if not source.files:
            return source.content_hash
        return folder_hash(source.class_names, size, source.files, self.digests, source.labels)


def open_user_data(
    path: Path | str, *, size: int | None = None, skip_unreadable: bool = False, progress: Progress | None = None
) -> FolderSource:
    """Open what the user has: an image folder, or an ``.npz`` file (whose images keep their size).

    Raises:
        UsageError: neither, something is wrong in it, or a size for an ``.npz`` file.
    """
    path = Path(path)
    if path.is_dir():
        return load_folder(path, DEFAULT_SIZE if size is None else size, skip_unreadable, progress=progress)
    if not path.exists():
        raise UsageError(f"{path} is not there; give an image folder or an .npz file")
    if path.suffix.lower() != ".npz":
        raise UsageError(f"{path} is neither a folder nor an .npz file; give one of these")
    if size is not None or skip_unreadable:
        what = "a size" if size is not None else "skipping unreadable images"
        raise UsageError(f"{what} is for image folders; the images of {path} are decoded already: leave it out")
    read = read_images(path)
    count, height, width, channels = read.images.shape
    source = _source(
        path.stem,
        read.images,
        read.labels,
        read.class_names,
        np.arange(count),
        content_hash(read.images, read.labels, read.class_names),
    )
    sizes = np.tile(np.array([width, height], dtype=np.int64), (count, 1))
    return FolderSource(source, None, (), np.full(count, height * width * channels, dtype=np.int64), sizes)


def load_folder(
    folder: Path,
    size: int = DEFAULT_SIZE,
    skip_unreadable: bool = False,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> FolderSource:
    """Decode an image folder (see :func:`dqbench.data.image_files.index`) to ``size`` x ``size`` RGB, with threads.

    The content hash covers class names, the decoded size, and of each file its relative name, its sha256 and its label.

    Args:
        folder: holds one folder per class, perhaps below ``train``.
        size: side of the decoded images in pixels.
        skip_unreadable: leave out images that cannot be read instead of stopping at the first.
        cache: a file to keep the decoded images in (``.npy``, memory-mapped); None keeps them in memory.
        progress: called after each image.

    Raises:
        UsageError: wrong layout, a class without (readable) images, or an unreadable image, which is named.
    """
    check_size(size)
    return load_images(index(folder), folder.resolve().name, size, skip_unreadable, cache=cache, progress=progress)


def check_size(size: int) -> None:
    """The side of decoded images must be positive (UsageError)."""
    if size < 1:
        raise UsageError(f"image size {size} is below 1; give pixels, e.g. 64")


def load_images(
    found: ImageFolder,
    name: str,
    size: int,
    skip_unreadable: bool = False,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> FolderSource:
    """Decode listed images as :func:`load_folder` does, into a source of this name.

    Raises:
        UsageError: a class without readable images, or an unreadable image, which is named.
    """
    images = _room(cache, (len(found.files), size, size, 3))
    kept, skipped = _fill(images, found, skip_unreadable, progress)
    source = _folder_source(found, name, images[: len(kept)], kept)
    file_sizes = np.array([one.bytes for one in kept], dtype=np.int64)
    image_sizes = np.array([one.size for one in kept], dtype=np.int64)
    digests = tuple(one.digest for one in kept)
    return FolderSource(source, found.root, tuple(skipped), file_sizes, image_sizes, digests)


@dataclass(frozen=True)
class _File:
    id: int
    digest: str
    bytes: int
    size: tuple[int, int]


def _fill(
    images: npt.NDArray[np.uint8], found: ImageFolder, skip_unreadable: bool, progress: Progress | None
) -> tuple[list[_File], list[str]]:
    """Decode into the first rows of ``images``, in order; gives what was kept, and what was not and why."""
    kept: list[_File] = []
    skipped: list[str] = []
    for i, result in enumerate(_decoded(found, images.shape[1])):
        if not isinstance(result, Unreadable):
            pixels, facts = result
            images[len(kept)] = pixels
            kept.append(_File(i, *facts))
        elif skip_unreadable:
            skipped.append(f"{found.files[i]}: {result}")
        else:
            raise UsageError(
                f"image {found.root / found.files[i]} cannot be read ({result}); "
                "repair or remove it, or go on with --skip-unreadable"
            )
        if progress is not None:
            progress(i + 1, len(found.files))
    return kept, skipped


_Facts = tuple[str, int, tuple[int, int]]


def _decoded(found: ImageFolder, size: int) -> Iterator[tuple[npt.NDArray[np.uint8], _Facts] | Unreadable]:
    """Each file decoded, in order, a bounded number ahead of the reader."""

    def one(name: str) -> tuple[npt.NDArray[np.uint8], _Facts] | Unreadable:
        try:
            data = (found.root / name).read_bytes()
            pixels, before = decode(data, size)
        except OSError as error:
            return Unreadable(error.strerror or str(error))
        except Unreadable as error:
            return error
        return pixels, (hashlib.sha256(data).hexdigest(), len(data), before)

    workers = min(16, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(found.files), 64 * workers):
            yield from pool.map(one, found.files[start : start + 64 * workers])


def _room(cache: Path | None, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    count, size = shape[:2]
    if cache is None:
        check_room(count, size, 1, machine_memory(), "this machine's memory")
        return np.empty(shape, dtype=np.uint8)
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        check_room(count, size, COPIES, shutil.disk_usage(cache.parent).free, f"what is free in {cache.parent.parent}")
        room: npt.NDArray[np.uint8] = np.lib.format.open_memmap(cache, mode="w+", dtype=np.uint8, shape=shape)
    except OSError as error:
        raise UsageError(f"{cache} cannot be written ({error.strerror}); choose another folder") from error
    return room


def check_room(count: int, size: int, copies: int, room: int, what: str) -> None:
    """Refuse to decode more than fits.

    Args:
        count: images.
        size: their side in pixels once they are decoded.
        copies: how many of them there are at a time.
        room: bytes that there are for it.
        what: that room, for the message.

    Raises:
        UsageError: it is too little.
    """
    needed = count * size**2 * 3 * copies
    if needed > room:
        raise UsageError(
            f"{count:,} images decoded to {size} px take {byte_sizes.rounded(needed)}, more than {what} "
            f"({byte_sizes.rounded(room)}); give a smaller --size"
        )


def _folder_source(found: ImageFolder, name: str, images: npt.NDArray[np.uint8], kept: Sequence[_File]) -> Source:
    ids = np.array([one.id for one in kept], dtype=np.int64)
    labels = np.array(found.labels, dtype=np.int64)[ids]
    empty = np.flatnonzero(np.bincount(labels, minlength=len(found.class_names)) == 0)
    if len(empty):
        raise UsageError(f"class folder {found.root / found.class_names[empty[0]]} has no readable image; remove it")
    files = tuple(found.files[i] for i in ids)
    hashed = folder_hash(found.class_names, images.shape[1], files, [one.digest for one in kept], labels)
    return _source(name, images, labels, found.class_names, ids, hashed, files)


def folder_hash(
    class_names: Sequence[str], size: int, files: Sequence[str], digests: Sequence[str], labels: npt.NDArray[np.int64]
) -> str:
    """The content hash of an image folder: class names, decoded size, and of each file its name, sha256 and label."""
    rows = [list(row) for row in zip(files, digests, labels.tolist(), strict=True)]
    text = json.dumps({"classes": list(class_names), "decoded": [size, size, 3], "files": rows}, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _source(
    name: str,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    class_names: tuple[str, ...],
    ids: npt.NDArray[np.int64],
    hashed: str,
    files: tuple[str, ...] | None = None,
) -> Source:
    mean, std = channel_statistics(images)
    return Source(name, images, labels, class_names, ids.astype(np.int64), hashed, mean, std, files)
