"""CIFAR-10 and CIFAR-100: downloaded, or read from a folder of their official archives.

The archives for Python hold pickles. torchvision opens them, after it has checked the md5 of each file against the
official one; those for C are plain bytes and are read here.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import Arrays
from dqbench.errors import UsageError

_PIXELS = 3 * 32 * 32
_PYTHON = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
_BINARY = {"cifar10": "cifar-10-batches-bin", "cifar100": "cifar-100-binary"}
_TRAIN = {"cifar10": tuple(f"data_batch_{i}.bin" for i in range(1, 6)), "cifar100": ("train.bin",)}
_TEST = {"cifar10": "test_batch.bin", "cifar100": "test.bin"}
_NAMES = {"cifar10": "batches.meta.txt", "cifar100": "fine_label_names.txt"}


def load_cifar10() -> Arrays:
    """Download CIFAR-10: 50,000 training and 10,000 test images of shape (32, 32, 3), in the official order.

    Raises:
        UsageError: it could not be downloaded, or what came was not the official archive.
    """
    return _download("cifar10")


def load_cifar100() -> Arrays:
    """Download CIFAR-100 with its 100 fine labels, as :func:`load_cifar10` does."""
    return _download("cifar100")


def read_cifar10(folder: Path, class_names: Sequence[str]) -> Arrays | None:
    """CIFAR-10 from the folder that its archive for Python or for C unpacks to, or from the one above it.

    Another folder gives None.

    Raises:
        UsageError: a file is missing, is cut, or, in the archive for Python, is not the official one by its md5.
    """
    return _read("cifar10", folder, class_names)


def read_cifar100(folder: Path, class_names: Sequence[str]) -> Arrays | None:
    """CIFAR-100 from a folder, as :func:`read_cifar10` reads CIFAR-10."""
    return _read("cifar100", folder, class_names)


def _download(name: str) -> Arrays:
    folder = Path(tempfile.mkdtemp(prefix=f"dqbench-{name}-"))
    try:
        with _progress_only_on_a_terminal():
            return _through_torchvision(name, folder, download=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise _not_downloaded(name, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _through_torchvision(name: str, root: Path, download: bool) -> Arrays:
    from torchvision import datasets

    made: Any = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    train, test = made(str(root), train=True, download=download), made(str(root), train=False)
    return Arrays(
        x_train=np.ascontiguousarray(train.data),
        y_train=np.array(train.targets, dtype=np.int64),
        x_test=np.ascontiguousarray(test.data),
        y_test=np.array(test.targets, dtype=np.int64),
        class_names=tuple(train.classes),
        provenance="verified",
    )


def _read(name: str, folder: Path, class_names: Sequence[str]) -> Arrays | None:
    for place in (folder, folder / _BINARY[name]):
        if (place / _TEST[name]).is_file():
            return _binary(name, place, tuple(class_names))
    inner = folder if folder.resolve().name == _PYTHON[name] else folder / _PYTHON[name]
    if not inner.is_dir():
        return None
    try:
        return _through_torchvision(name, inner.resolve().parent, download=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"{inner} is not the official folder: a file is missing, or its md5 is another; unpack the archive again"
        ) from error


def _binary(name: str, folder: Path, names: tuple[str, ...]) -> Arrays:
    if _lines(folder / _NAMES[name]) != names:
        raise UsageError(f"{folder / _NAMES[name]} does not list the {len(names)} classes of {name}; unpack it again")
    train = [_records(folder / file, name, len(names)) for file in _TRAIN[name]]
    x_test, y_test = _records(folder / _TEST[name], name, len(names))
    return Arrays(
        x_train=np.concatenate([images for images, _ in train]),
        y_train=np.concatenate([labels for _, labels in train]),
        x_test=x_test,
        y_test=y_test,
        class_names=names,
        provenance="imported",
    )


def _lines(path: Path) -> tuple[str, ...]:
    try:
        return tuple(line.strip() for line in path.read_text(encoding="ascii").splitlines() if line.strip())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}); unpack the archive again") from error


def _records(path: Path, name: str, classes: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images and (fine) labels of one file: a record is a label, or coarse and fine, and an image, plane by plane."""
    head = 2 if name == "cifar100" else 1
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); unpack the archive again") from error
    if not len(data) or len(data) % (head + _PIXELS):
        raise UsageError(
            f"{path} has {len(data):,} bytes, no multiple of the {head + _PIXELS:,} of one image; unpack it again"
        )
    rows = data.reshape(-1, head + _PIXELS)
    labels = rows[:, head - 1].astype(np.int64)
    if labels.max() >= classes:
        raise UsageError(f"{path} has the label {labels.max()}, but {name} has {classes} classes; unpack it again")
    return np.ascontiguousarray(rows[:, head:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels


def _not_downloaded(name: str, error: Exception) -> UsageError:
    cause = getattr(error, "reason", None) or error
    reason = (str(cause).strip() or type(error).__name__).splitlines()[0]
    return UsageError(
        f"{name} could not be downloaded ({reason}); with a network run it again, "
        f"without one run: dqbench data import {name} FILE.npz"
    )


@contextlib.contextmanager
def _progress_only_on_a_terminal() -> Iterator[None]:
    if sys.stderr.isatty():
        yield
        return
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield
