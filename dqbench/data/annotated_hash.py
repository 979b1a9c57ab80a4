"""What is known of a part of a detection or segmentation set once its files were gone through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from dqbench.data.decode import Unreadable
from dqbench.errors import UsageError

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PartFacts:
    """Attributes:
    images: how many.
    class_counts: annotated objects, or pixels, of each class.
    hash: over the annotations' sha256 and the images' names and sizes in bytes.
    """

    images: int
    class_counts: tuple[int, ...]
    hash: str


@dataclass(frozen=True)
class ImageFile:
    """An image: its name below the images' folder, bytes, width and height."""

    name: str
    bytes: int
    size: tuple[int, int]


def image_file(folder: Path, name: str) -> ImageFile:
    """Read an image's header.

    Raises:
        UsageError: the file is not there, or is no image that can be read.
    """
    path = folder / name
    try:
        with Image.open(path) as image:
            return ImageFile(name, path.stat().st_size, image.size)
    except FileNotFoundError:
        raise UsageError(f"image {path} is not there") from None
    except Exception as error:  # decoders raise all sorts of things on damaged files
        raise UsageError(f"image {path} cannot be read ({Unreadable.because(error)}); repair it") from error


def part_hash(values: Sequence[str], annotations: Any, images: Sequence[ImageFile]) -> str:
    """sha256 of ASCII JSON without spaces: names of the values, hashes of annotations, names and bytes of images."""
    data = {"values": list(values), "annotations": annotations, "images": [[one.name, one.bytes] for one in images]}
    return hashlib.sha256(json.dumps(data, separators=(",", ":")).encode("ascii")).hexdigest()
