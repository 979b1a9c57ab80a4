"""Reads ``.npz`` files from anywhere: nothing in them is trusted, and pickled objects are never loaded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import Arrays
from dqbench.data.content import check_arrays, check_images, check_labels, check_names
from dqbench.data.test_split import draw_test, drawn_note
from dqbench.errors import UsageError
from dqbench.specs import DatasetSpec

KEYS = ("x_train", "y_train", "x_test", "y_test")
TRAIN_KEYS = (("x_train", "y_train"), ("images", "labels"), ("x", "y"))
_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError, RuntimeError)


@dataclass(frozen=True)
class Images:
    """Images with labels and no test set: shape (n, height, width, channels) uint8, and (n,) int64."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]


def read_npz(path: Path, expected_classes: int | None = None, class_names: Sequence[str] | None = None) -> Arrays:
    """A whole data set from ``x_train``, ``y_train``, ``x_test``, ``y_test`` and, if there, ``class_names``.

    Images are uint8, N×H×W×C or N×H×W; labels are whole numbers, (N,) or (N, 1). Every class has images in both
    sets. Other keys are not read.

    Args:
        path: the file.
        expected_classes: how many classes there must be; without it as many as the labels or names say.
        class_names: the names there must be; without them the file's, else ``"0"``, ``"1"``, ...

    Raises:
        UsageError: the file is damaged or unsuited; the message names the file and what is wrong.
    """
    with opened(path) as file:
        _require(path, file, KEYS)
        arrays = {key: _read(path, file, key, images=key.startswith("x")) for key in KEYS}
        names = _names(path, file, class_names)
    x_train, x_test = _with_channels(arrays["x_train"]), _with_channels(arrays["x_test"])
    y_train, y_test = _labels(path, "y_train", arrays["y_train"]), _labels(path, "y_test", arrays["y_test"])
    if names is None:
        names = _numbered(path, expected_classes or 1 + max(_largest(y_train), _largest(y_test)))
    if expected_classes is not None and len(names) != expected_classes:
        raise UsageError(f"{path}: class_names has {len(names)} names, expected {expected_classes}")
    read = Arrays(x_train, y_train, x_test, y_test, names, "imported")
    _naming(path, check_arrays, read)
    return read


def read_for(spec: DatasetSpec, path: Path) -> tuple[Arrays, list[str]]:
    """A file that is to stand for a known data set, and where it differs from the official one, in words.

    Image shape and classes must be those of ``spec``; the numbers of images may differ.

    Raises:
        UsageError: see :func:`read_npz`, and where shape or classes differ.
    """
    arrays = read_npz(path, spec.classes, spec.class_names or None)
    shape = arrays.x_train.shape[1:]
    if shape != spec.shape:
        raise UsageError(
            f"{path}: images are {_by(shape)}, but those of {spec.name} are {_by(spec.shape)}; "
            "import it under another name"
        )
    counts = {"training": len(arrays.y_train), "test": len(arrays.y_test)}
    official = zip(counts.items(), spec.counts, strict=True)
    notes = [f"{n:,} {what} images; the official set has {all_:,}" for (what, n), all_ in official if n != all_]
    return arrays, notes


def read_own_npz(path: Path, test_share: float) -> Arrays:
    """The user's own data set: as :func:`read_npz`; without ``x_test`` as :func:`read_images`, and a share drawn.

    Raises:
        UsageError: the file is damaged or unsuited, or a class is too small to be split.
    """
    with opened(path) as file:
        whole = "x_test" in file.files
    if whole:
        return read_npz(path)
    read = read_images(path)
    test = draw_test(read.labels, read.class_names, test_share)
    return Arrays(
        read.images[~test], read.labels[~test], read.images[test], read.labels[test], read.class_names, "imported",
        note=drawn_note(test_share),
    )  # fmt: skip


def read_images(path: Path) -> Images:
    """Images to compress: (``x_train``, ``y_train``), (``images``, ``labels``) or (``x``, ``y``); no test set is read.

    Raises:
        UsageError: the file is damaged or unsuited.
    """
    with opened(path) as file:
        found = [pair for pair in TRAIN_KEYS if set(pair) <= set(file.files)]
        if not found:
            expected = " or ".join(f"({x}, {y})" for x, y in TRAIN_KEYS)
            raise UsageError(f"{path} has {_has(file)}; expected arrays {expected}")
        x_key, y_key = found[0]
        images, raw = _with_channels(_read(path, file, x_key, images=True)), _read(path, file, y_key)
        names = _names(path, file, None)
    labels = _labels(path, y_key, raw)
    names = names or _numbered(path, 1 + _largest(labels))
    _naming(path, check_names, names)
    _naming(path, check_images, x_key, images)
    _naming(path, check_labels, y_key, labels, x_key, len(images), names)
    return Images(images, labels, names)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise UsageError(f"{path} is not there; give the path of an .npz file") from error
    except OSError as error:
        raise damaged(path, error) from error
    with stream:
        if not zipfile.is_zipfile(stream):
            raise UsageError(f"{path} is no .npz file, or a damaged one; save it with numpy.savez")
        stream.seek(0)
        try:
            file = np.load(stream, allow_pickle=False)
        except _DAMAGE as error:
            raise damaged(path, error) from error
        with file:
            yield file


def _require(path: Path, file: Any, keys: Sequence[str]) -> None:
    missing = [key for key in keys if key not in file.files]
    if missing:
        raise UsageError(f"{path} has no {', '.join(missing)}: it has {_has(file)}; expected {', '.join(keys)}")


def _has(file: Any) -> str:
    return ", ".join(file.files[:12]) or "no arrays"


def _read(path: Path, file: Any, key: str, images: bool = False) -> npt.NDArray[Any]:
    try:
        shape, dtype = _header(file, key)
        if dtype.hasobject:
            raise UsageError(f"{path}: {key} holds pickled Python objects, which are never loaded; save plain arrays")
        if images:
            _naming(path, check_images, key, _empty_like(shape, dtype))
        read: npt.NDArray[Any] = file[key]
    except _DAMAGE as error:
        raise damaged(path, error, key) from error
    return read


def _header(file: Any, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type from the array's header alone, so that unsuited data is refused before it is read."""
    member = key if key in file.zip.namelist() else f"{key}.npy"
    with file.zip.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(stream)
        size = stream.tell() + int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
    if not dtype.hasobject and file.zip.getinfo(member).file_size != size:
        raise ValueError(f"{size} bytes expected, {file.zip.getinfo(member).file_size} there")
    return tuple(int(n) for n in shape), dtype


def _empty_like(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array of this shape that takes no memory, with channels where they are left out."""
    return np.broadcast_to(np.zeros((), dtype=dtype), shape + (1,) * (len(shape) == 3))


def _names(path: Path, file: Any, expected: Sequence[str] | None) -> tuple[str, ...] | None:
    if "class_names" not in file.files:
        return tuple(expected) if expected else None
    raw = _read(path, file, "class_names")
    if raw.ndim != 1 or raw.dtype.kind not in "US":
        raise UsageError(f"{path}: class_names is {raw.dtype} of shape {raw.shape}; expected text of shape (classes,)")
    names = tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in raw.tolist())
    if expected and names != tuple(expected):
        raise UsageError(f"{path}: class_names is {', '.join(names)}; expected {', '.join(expected)}, in this order")
    return names


def _with_channels(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return images[..., np.newaxis] if images.ndim == 3 else images


def _labels(path: Path, key: str, raw: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    flat = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
    if flat.ndim != 1 or not np.issubdtype(flat.dtype, np.integer):
        raise UsageError(f"{path}: {key} must be whole numbers of shape (N,), not {raw.dtype} of shape {raw.shape}")
    return flat.astype(np.int64)


def _largest(labels: npt.NDArray[np.int64]) -> int:
    return int(labels.max(initial=0))


def _numbered(path: Path, classes: int) -> tuple[str, ...]:
    if classes > 100_000:
        raise UsageError(f"{path}: labels go up to {classes - 1}; number the classes from 0 without gaps")
    return tuple(str(label) for label in range(classes))


def _naming(path: Path, check: Any, *values: Any) -> None:
    try:
        check(*values)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def damaged(path: Path, error: BaseException, key: str = "") -> UsageError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UsageError(f"{path}: {key or 'the file'} cannot be read ({reason}); get or save the file again")


def _by(shape: Sequence[int]) -> str:
    return "×".join(str(side) for side in shape)
