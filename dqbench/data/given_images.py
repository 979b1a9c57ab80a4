"""An image folder that a user gives as a compressed set, packed into one file that jobs anywhere can read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dqbench import whole_file
from dqbench.data.decode import Unreadable, upright_rgb
from dqbench.data.image_files import index
from dqbench.errors import UsageError


def pack(folder: Path, into: Path) -> Path:
    """Write ``into/NAME-HASH.npz`` with ``images`` (k, h, w, c) uint8 ``classes`` and ``name``; gives its path.

    Images without colour are stored with one channel.

    Args:
        folder: class folders with images, all of one size.
        into: made if need be.

    Raises:
        UsageError: no such folder, an image that cannot be read or is of another size, or nowhere to write.
    """
    found = index(folder)
    images = np.stack(_equal([(name, _pixels(found.root / name)) for name in found.files]))
    if (images == images[..., :1]).all():
        images = images[..., :1]
    classes = np.array([found.class_names[label] for label in found.labels])
    digest = hashlib.sha256(f"{images.shape}{classes.tolist()}".encode() + images.tobytes()).hexdigest()
    path = into / f"{folder.resolve().name}-{digest[:10]}.npz"
    try:
        into.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with whole_file.appearing(path) as temporary:
                np.savez_compressed(temporary, images=images, classes=classes, name=folder.resolve().name)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _pixels(file: Path) -> npt.NDArray[np.uint8]:
    try:
        return np.asarray(upright_rgb(file))
    except Unreadable as error:
        raise UsageError(f"--ids {file} cannot be read: {error}") from error


def _equal(images: list[tuple[str, npt.NDArray[np.uint8]]]) -> list[npt.NDArray[np.uint8]]:
    """The pixels of images of one size.

    Raises:
        UsageError: one differs from the first.
    """
    name, (height, width) = images[0][0], images[0][1].shape[:2]
    for other, pixels in images:
        if pixels.shape[:2] != (height, width):
            raise UsageError(
                f"--ids: {other} is {pixels.shape[1]} × {pixels.shape[0]} px, {name} {width} × {height}; all "
                "images have one size"
            )
    return [pixels for _, pixels in images]
