"""Features that the user made elsewhere, e.g. CLIP's or DINO's, and labels beside them, as they are in files.

A file is a ``.npy`` array of shape (n, d), or an ``.npz`` with ``features`` (or ``embeddings``) and, if there,
``labels`` and ``files``, the images' names. Nothing pickled is loaded.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.npz import damaged, opened
from dqbench.errors import UsageError

KEYS = ("features", "embeddings")
NAME_KEYS = ("files", "filenames", "paths")
ROWS = 8192
_DAMAGE = (OSError, ValueError, EOFError)


@dataclass(frozen=True)
class Features:
    """Features, one row a sample.

    Attributes:
        values: shape (n, d), float32 or float64.
        what: where they come from, for messages.
        labels: as they came, whole numbers or text, shape (n,), or None.
        files: the name of each row's image, or None.
    """

    values: npt.NDArray[np.floating]
    what: str
    labels: npt.NDArray[Any] | None = None
    files: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def hash(self) -> str:
        """sha256 over the shape, the type and the values."""
        digest = hashlib.sha256(f"{self.values.dtype.str}{self.values.shape}".encode())
        for start in range(0, len(self), ROWS):
            digest.update(np.ascontiguousarray(self.values[start : start + ROWS]).tobytes())
        return digest.hexdigest()


def read_features(path: Path) -> Features:
    """The features in a ``.npy`` or ``.npz`` file.

    Raises:
        UsageError: no such file, another kind, or what :func:`checked` refuses.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        return _read_npz(path)
    if kind != ".npy":
        raise UsageError(
            f"features {path} are neither .npy nor .npz; save them with numpy.save, e.g. "
            "np.save('emb.npy', embeddings.cpu().numpy())"
        )
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; give the features as a .npy or .npz file") from None
    except _DAMAGE as error:
        raise damaged(path, error) from error
    return checked(values, str(path))


def checked(
    values: npt.NDArray[Any], what: str, labels: npt.NDArray[Any] | None = None, files: Sequence[str] | None = None
) -> Features:
    """Features of a fitting shape and type; what the rows hold is checked when they are matched with samples.

    Raises:
        UsageError: another shape or type, no rows, labels or names of another number, or a name twice.
    """
    if values.ndim != 2 or not values.shape[1]:
        raise UsageError(f"{what}: features have the shape {values.shape}, not (n, d): a row for each sample")
    if values.dtype.kind not in "fiu":
        raise UsageError(f"{what}: features are {values.dtype}, not numbers; save an array of float32")
    if not len(values):
        raise UsageError(f"{what} has no rows; give features of at least one sample")
    for name, column in (("labels", labels), ("files", files)):
        if column is not None and np.shape(column)[:1] != (len(values),):
            raise UsageError(
                f"{what} has {len(values):,} rows and {name} of shape {np.shape(column)}; give one a sample"
            )
    repeated = [name for name, times in Counter(files or ()).items() if times > 1]
    if repeated:
        raise UsageError(f"{what} has {repeated[0]} twice; give each image one row")
    kept = np.float64 if values.dtype.itemsize > 4 else np.float32
    return Features(values.astype(kept), what, labels, None if files is None else tuple(files))


def _read_npz(path: Path) -> Features:
    with opened(path) as file:
        key = next((key for key in KEYS if key in file.files), None)
        if key is None:
            has = ", ".join(file.files[:12]) or "no arrays"
            raise UsageError(f"{path} has {has}; expected features (n, d) and, if there, labels and files")
        try:
            values = file[key]
            labels = file["labels"] if "labels" in file.files else None
            named = next((name for name in NAME_KEYS if name in file.files), None)
            files = None if named is None else _texts(path, named, file[named])
        except (*_DAMAGE, KeyError, RuntimeError) as error:
            raise damaged(path, error) from error
    return checked(values, str(path), labels, files)


def _texts(path: Path, key: str, raw: npt.NDArray[Any]) -> tuple[str, ...]:
    if raw.ndim != 1 or raw.dtype.kind not in "US":
        raise UsageError(f"{path}: {key} is {raw.dtype} of shape {raw.shape}; expected text of shape (n,)")
    return tuple(one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in raw.tolist())


def read_labels(path: Path) -> npt.NDArray[Any]:
    """Labels from a ``.npy`` file, or from a text file with one in each line.

    Raises:
        UsageError: no such file, or another kind.
    """
    try:
        if path.suffix.lower() == ".npy":
            labels: npt.NDArray[Any] = np.load(path, allow_pickle=False)
            return labels
        if path.suffix.lower() in (".txt", ".csv"):
            return np.array([line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()])
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; give labels as a .npy file, or as text with one in each line") from None
    except _DAMAGE as error:
        raise damaged(path, error) from error
    raise UsageError(f"labels {path} are neither .npy nor .txt; save them with numpy.save, or one in each line")
