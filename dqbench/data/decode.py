"""From an image file's bytes to a small square of RGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from dqbench.errors import UsageError

_ORIENTATION = 0x0112
_ON_ITS_SIDE = (5, 6, 7, 8)


class Unreadable(UsageError):
    """An image that cannot be decoded; the message says why."""

    @classmethod
    def because(cls, error: Exception) -> Unreadable:
        """With the first line of what an error says."""
        if isinstance(error, UnidentifiedImageError):  # whose message shows an object in memory
            return cls("it is no image of a kind that Pillow reads, or its beginning is damaged")
        reason = error.strerror if isinstance(error, OSError) else None
        return cls(reason or (str(error).strip() or type(error).__name__).splitlines()[0])


def decode(data: bytes, size: int) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Decode an image, turn it as its EXIF orientation says, and bring it to ``size`` x ``size``.

    The shorter side is resized to ``size`` and the centre is cut out. Gray becomes RGB, 16 bits become 8, the first
    frame of an animation counts, and alpha is dropped.

    Returns:
        The image, shape (size, size, 3), uint8, and its (width, height) before.

    Raises:
        Unreadable: damaged, cut off, too large to be safe, or no image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            return _square(image, size)
    except Exception as error:  # decoders raise all sorts of things on damaged files
        raise Unreadable.because(error) from error


def _square(image: Image.Image, size: int) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    width, height = image.size
    image.draft("RGB", (2 * size, 2 * size))
    upright = ImageOps.exif_transpose(image)
    if (upright.width < upright.height) != (image.width < image.height):
        width, height = height, width
    square = ImageOps.fit(plain_rgb(upright), (size, size), method=Image.Resampling.BICUBIC)
    return np.asarray(square), (width, height)


def upright_rgb(path: Path) -> Image.Image:
    """A whole image file, turned as its EXIF orientation says, as RGB; see :func:`decode`.

    Raises:
        Unreadable: not there, damaged, cut off, too large to be safe, or no image.
    """
    try:
        with Image.open(path) as image:
            return plain_rgb(ImageOps.exif_transpose(image))
    except Exception as error:  # decoders raise all sorts of things on damaged files
        raise Unreadable.because(error) from error


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) of an opened image once it is turned as its EXIF orientation says; decodes nothing."""
    turned = "exif" in image.info and image.getexif().get(_ORIENTATION, 1) in _ON_ITS_SIDE
    return (image.height, image.width) if turned else image.size


def plain_rgb(image: Image.Image) -> Image.Image:
    """RGB: gray in all channels, 16 bits brought to 8, alpha dropped."""
    if image.mode.startswith("I"):
        high: Any = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255)
        return Image.fromarray(high.astype(np.uint8)).convert("RGB")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")
