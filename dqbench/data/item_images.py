"""One image of a data set in Python, whatever it came as: Pillow's, an array, a tensor, or a file's bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from dqbench.data.decode import plain_rgb
from dqbench.errors import UsageError

IMAGE_KEYS = ("image", "img", "pixel_values")
LABEL_KEYS = ("label", "labels", "target", "class")


class Other(Exception):
    """An image of another size or with colour, where all were taken to be alike."""


def with_image(item: Mapping[Any, Any], place: int) -> tuple[Any, Any]:
    """Image and label of a sample that is a mapping.

    Raises:
        UsageError: it has no image.
    """
    image = next((item[key] for key in IMAGE_KEYS if key in item), None)
    if image is None:
        raise UsageError(f"sample {place} has {', '.join(map(str, item))}; expected one of {', '.join(IMAGE_KEYS)}")
    return image, next((item[key] for key in LABEL_KEYS if key in item), None)


def pixels_of(image: Any, side: int, channels: int, alike: bool, place: int) -> npt.NDArray[np.uint8]:
    """The pixels, shape (side, side, channels), uint8: the shorter side resized and the centre cut out.

    Args:
        image: as it came.
        side: in pixels.
        channels: 1 or 3.
        alike: whether it must be of that size as it is.
        place: of the sample, for messages.

    Raises:
        Other: it is of another size, or of colour where gray is wanted.
        UsageError: it is no image.
    """
    pil = as_pil(image, place)
    if (alike and pil.size != (side, side)) or (channels == 1 and pil.mode not in ("L", "1")):
        raise Other
    shown = pil.convert("L") if channels == 1 else plain_rgb(pil)
    if shown.size != (side, side):
        shown = ImageOps.fit(shown, (side, side), method=Image.Resampling.BICUBIC)
    return np.asarray(shown).reshape(side, side, channels)


def as_pil(image: Any, place: int) -> Image.Image:
    """The image as Pillow's, upright.

    Raises:
        UsageError: it is no image, or its pixels are not those of one.
    """
    try:
        if isinstance(image, Mapping) and image.get("bytes"):
            image = Image.open(io.BytesIO(image["bytes"]))
        if isinstance(image, bytes):
            image = Image.open(io.BytesIO(image))
        if isinstance(image, Image.Image):
            return ImageOps.exif_transpose(image)
    except Exception as error:  # decoders raise all sorts of things on damaged files
        raise UsageError(f"the image of sample {place} cannot be read: {error}") from error
    array = image.detach().cpu().numpy() if hasattr(image, "detach") else np.asarray(image)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.dtype.kind == "f":
        array = _whole(array, place)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise UsageError(
            f"the image of sample {place} is {type(image).__name__} of {array.dtype} and shape {array.shape}; expected "
            "a Pillow image, or uint8 or float in [0, 1] of shape (h, w), (h, w, 3) or (3, h, w)"
        )
    return Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def _whole(array: npt.NDArray[Any], place: int) -> npt.NDArray[np.uint8]:
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (low >= 0 and high <= 1):
        raise UsageError(
            f"the pixels of sample {place} go from {low:.3g} to {high:.3g}, not from 0 to 1: they are normalised; give "
            "the data set without that transform"
        )
    whole: npt.NDArray[np.uint8] = np.rint(array * 255).astype(np.uint8)
    return whole
