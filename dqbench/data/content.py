"""What arrays hold: checks, the content hash, channel statistics and fixed parts."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import Arrays
from dqbench.data.lazy import Images, batches
from dqbench.errors import UsageError

CHUNK_BYTES = 1 << 22
_UNFIT = re.compile(r"[/\\\x00-\x1f\x7f]")


def content_hash(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], class_names: Sequence[str]) -> str:
    """sha256, in hexadecimal, of three things in this order.

    1. A line of ASCII JSON without spaces, ``{"classes":[names],"shape":[n,height,width,channels]}``, and a newline;
    2. the images, shape (n, height, width, channels), uint8, in C order;
    3. the labels, shape (n,), as little-endian 64-bit integers.
    """
    header = {"classes": list(class_names), "shape": list(images.shape)}
    digest = hashlib.sha256((json.dumps(header, separators=(",", ":")) + "\n").encode("ascii"))
    for part in batches(images, CHUNK_BYTES):
        digest.update(np.ascontiguousarray(part).data)
    digest.update(np.ascontiguousarray(labels, dtype="<i8").data)
    return digest.hexdigest()


def channel_statistics(images: Images) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation of each channel in [0, 1], both of shape (channels,), float64.

    They come from exact counts of the 256 values, so no order of summation can change them. The deviation of a
    constant channel is given as 1, so that it can be divided by.
    """
    channels = images.shape[3]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for part in batches(images, CHUNK_BYTES):
        for channel in range(channels):
            counts[channel] += np.bincount(part[..., channel].ravel(), minlength=256)
    moments = [_moments([int(count) for count in row]) for row in counts]
    mean, std = zip(*moments, strict=True)
    return np.array(mean), np.array(std)


def _moments(counts: list[int]) -> tuple[float, float]:
    n = sum(counts)
    first = sum(value * count for value, count in enumerate(counts))
    second = sum(value * value * count for value, count in enumerate(counts))
    spread = n * second - first * first
    return first / n / 255, math.sqrt(spread) / n / 255 if spread else 1.0


def first_of_each_class(labels: npt.NDArray[np.int64], per_class: int) -> npt.NDArray[np.int64]:
    """Positions of the first ``per_class`` samples of each class, increasing, int64.

    A class that has fewer gives all that it has.
    """
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[np.arange(len(labels)) - starts < per_class]).astype(np.int64)


def check_arrays(arrays: Arrays) -> None:
    """Check types, shapes, labels and class names.

    Raises:
        UsageError: the first thing that is wrong.
    """
    check_names(arrays.class_names)
    check_images("x_train", arrays.x_train)
    check_images("x_test", arrays.x_test)
    train_shape, test_shape = arrays.x_train.shape[1:], arrays.x_test.shape[1:]
    if train_shape != test_shape:
        raise UsageError(f"x_train's images are {_by(train_shape)} and x_test's {_by(test_shape)}; they must agree")
    check_labels("y_train", arrays.y_train, "x_train", len(arrays.x_train), arrays.class_names)
    check_labels("y_test", arrays.y_test, "x_test", len(arrays.x_test), arrays.class_names)


def check_names(class_names: Sequence[str]) -> None:
    """Class names must be there, not repeat, and be fit to name a folder (UsageError)."""
    if not class_names:
        raise UsageError("there are no class names; give one per class")
    repeated = [name for name, times in Counter(class_names).items() if times > 1]
    if repeated:
        raise UsageError(f"class name {repeated[0]!r} occurs twice; each class needs a name of its own")
    unfit = [name for name in class_names if name in ("", ".", "..") or _UNFIT.search(name)]
    if unfit:
        raise UsageError(f"class name {unfit[0]!r} cannot name a folder; use letters, digits, spaces, - and _")


def check_images(what: str, images: npt.NDArray[np.uint8]) -> None:
    """Images must be uint8 of shape (n, height, width, 1 or 3) and there must be some (UsageError)."""
    if images.dtype != np.uint8:
        raise UsageError(f"{what} is {images.dtype}, not uint8; give pixels as whole numbers from 0 to 255")
    shape = images.shape
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise UsageError(f"{what} has shape {_by(shape)}, channels first; transpose it to N×H×W×C")
    if len(shape) != 4 or shape[3] not in (1, 3) or 0 in shape[1:]:
        raise UsageError(f"{what} has shape {_by(shape)}; expected N×H×W×C with 1 or 3 channels")
    if not len(images):
        raise UsageError(f"{what} has no images")


def check_labels(
    what: str, labels: npt.NDArray[np.int64], images: str, count: int, class_names: Sequence[str], whole: bool = True
) -> None:
    """Labels must be ``count`` class indices that, if ``whole``, leave no class empty (UsageError)."""
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise UsageError(f"{what} must be whole numbers of shape (N,), not {labels.dtype} of shape {_by(labels.shape)}")
    if len(labels) != count:
        raise UsageError(f"{what} has {len(labels)} labels and {images} {count} images; the counts must agree")
    classes = len(class_names)
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise UsageError(f"{what} has the label {wrong[0]}; with {classes} classes labels go from 0 to {classes - 1}")
    empty = np.flatnonzero(np.bincount(labels, minlength=classes) == 0)
    if whole and len(empty):
        raise UsageError(
            f"class {empty[0]} ({class_names[empty[0]]}) has no image in {images}: "
            f"{classes - len(empty)} of {classes} classes are there; add images of it or remove the class"
        )


def _by(shape: Sequence[int]) -> str:
    return "×".join(str(side) for side in shape) or "()"
