"""Folders of shards of embeddings: what each holds, and rows of it without reading the others.

A shard is ``NAME.npy``, embeddings (n, d). Labels are in ``NAME.labels.npy`` beside each, or for all shards in one
``labels.npy``, in the order of the shards' sorted names. Nothing pickled is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.feature_files import checked
from dqbench.data.features import check_rows, classes_of
from dqbench.errors import UsageError

LABELS = "labels.npy"
OF_ONE = ".labels.npy"
OTHER_SHARDS = (".parquet", ".tar")


@dataclass(frozen=True)
class State:
    """A file as it was when the work was planned: another one under its name is not read."""

    file: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Shard:
    """One file of embeddings.

    Attributes:
        state: the file.
        rows: embeddings in it.
        first: rows in the shards before it.
        labels: the file that holds its labels; None where there are none.
    """

    state: State
    rows: int
    first: int
    labels: State | None = None

    @property
    def words(self) -> dict[str, Any]:
        """What a job's spec says of it, as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Shard:
        """What :attr:`words` made."""
        labels = words["labels"]
        return cls(State(**words["state"]), words["rows"], words["first"], State(**labels) if labels else None)


@dataclass(frozen=True)
class Shards:
    """All shards of a folder, by name.

    Attributes:
        folder: absolute.
        shards: at least one.
        width: d of every embedding; 0 of images, whose features are made.
        bytes_each: of an embedding as it is stored; of images the mean.
        labels: class index of each row of all shards, shape (n,), int64; all 0 where there are no labels.
        class_names: one per class; ``all`` where there are no labels.
        images: whether the shards hold images.
    """

    folder: Path
    shards: tuple[Shard, ...]
    width: int
    bytes_each: int
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    images: bool = False

    def __len__(self) -> int:
        return len(self.labels)

    def place(self, row: int) -> tuple[str, int]:
        """The shard's file and the row in it of a row of all shards."""
        firsts = [shard.first for shard in self.shards]
        shard = self.shards[int(np.searchsorted(firsts, row, side="right")) - 1]
        return shard.state.file, row - shard.first


def are_shards(path: Path) -> bool:
    """Whether it is a folder with ``.npy`` files; one with folders of classes beside them is an image folder."""
    if not path.is_dir() or any(entry.is_dir() and not entry.name.startswith(".") for entry in path.iterdir()):
        return False
    return any(path.glob("*.npy"))


def open_shards(folder: Path) -> Shards:
    """Read the headers of all shards, and their labels.

    Raises:
        UsageError: no shards, shards of images among them, or of another width or type, or labels that do not fit.
    """
    files = _files(folder)
    shards: list[Shard] = []
    arrays: list[npt.NDArray[Any]] = []
    first = 0
    whole = state_of(folder / LABELS) if (folder / LABELS).exists() else None
    for file in files:
        array = _mapped(file)
        _check_like(file, array, files[0], arrays[0] if arrays else array)
        own = file.with_name(file.name.removesuffix(".npy") + OF_ONE)
        labels = state_of(own) if own.exists() else whole
        shards.append(Shard(state_of(file), len(array), first, labels))
        arrays.append(array)
        first += len(array)
    classes, names = _classes(folder, shards, whole)
    width = int(arrays[0].shape[1])
    return Shards(folder.absolute(), tuple(shards), width, arrays[0].itemsize * width, classes, names)


def state_of(file: Path) -> State:
    """The file as it is now.

    Raises:
        UsageError: it is not there.
    """
    try:
        found = file.stat()
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}); bring it back, or leave it out") from error
    return State(file.name, found.st_size, found.st_mtime_ns)


def read_rows(
    folder: Path, shard: Shard, of_class: str | None = None
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
    """Rows of a shard, (m, d) float32 or float64, and which of all shards' rows they are; only they are read.

    Args:
        folder: of the shards.
        shard: which, as it was planned.
        of_class: the name of the class whose rows are wanted; None for all.

    Raises:
        UsageError: a file has changed since it was planned, or a row is not finite or all zeros.
    """
    check_unchanged(folder, shard.state)
    stored = _mapped(folder / shard.state.file)
    places = np.arange(shard.rows)
    if of_class is not None:
        places = np.flatnonzero(_labels_of(folder, shard).astype(str) == of_class)
    values = checked(stored if of_class is None else stored[places], str(folder / shard.state.file)).values
    check_rows(values, str(folder / shard.state.file), lambda i: f"row {places[i]}")
    return values, places + shard.first


def check_unchanged(folder: Path, planned: State) -> None:
    """Refuse a file that is another than when the work was planned.

    Raises:
        UsageError: it is.
    """
    if state_of(folder / planned.file) != planned:
        raise UsageError(f"{folder / planned.file} changed since this was planned; run the command again")


def _files(folder: Path) -> list[Path]:
    others = sorted(path.name for path in folder.iterdir() if path.name.endswith(OTHER_SHARDS))
    files = sorted(path for path in folder.glob("*.npy") if path.name != LABELS and not path.name.endswith(OF_ONE))
    if files and others:
        raise UsageError(
            f"{folder} has embeddings ({files[0].name}) and images ({others[0]}); give a folder of one kind"
        )
    if not files:
        raise UsageError(f"{folder} has no shards; expected .npy files of embeddings (n, d)")
    return files


def _mapped(file: Path) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{file} cannot be read ({error}); save it again with numpy.save") from error
    return array


def _check_like(file: Path, array: npt.NDArray[Any], other: Path, model: npt.NDArray[Any]) -> None:
    checked(array[:1], str(file))
    if array.shape[1] != model.shape[1] or array.dtype != model.dtype:
        raise UsageError(
            f"{file} holds {array.dtype} of width {array.shape[1]}, but {other.name} {model.dtype} of width "
            f"{model.shape[1]}; all shards of a folder are of one model"
        )


def _classes(
    folder: Path, shards: Sequence[Shard], whole: State | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    count = shards[-1].first + shards[-1].rows
    own = [shard for shard in shards if shard.labels not in (None, whole)]
    if not own and whole is None:
        return np.zeros(count, dtype=np.int64), ("all",)
    if own and (whole is not None or len(own) < len(shards)):
        lacks = LABELS if whole else next(one.state.file for one in shards if one.labels is None)
        fault = f"{lacks} for all" if whole else f"none for {lacks}"
        raise UsageError(f"{folder} has labels of {own[0].state.file} and {fault}; give a file for each or one for all")
    if whole is not None and len(_mapped(folder / LABELS)) != count:
        found = len(_mapped(folder / LABELS))
        raise UsageError(f"{folder / LABELS} has {found:,} labels, but the shards have {count:,} rows; give one a row")
    return classes_of(np.concatenate(list(_all_labels(folder, shards))), count, str(folder))


def _all_labels(folder: Path, shards: Sequence[Shard]) -> Iterator[npt.NDArray[Any]]:
    for shard in shards:
        yield _labels_of(folder, shard)


def _labels_of(folder: Path, shard: Shard) -> npt.NDArray[Any]:
    assert shard.labels is not None, "rows of a class are asked of shards with labels alone"
    check_unchanged(folder, shard.labels)
    stored = _mapped(folder / shard.labels.file)
    if shard.labels.file == LABELS:
        stored = stored[shard.first : shard.first + shard.rows]
    if len(stored) != shard.rows:
        raise UsageError(
            f"{folder / shard.labels.file} has {len(stored):,} labels, but {shard.state.file} has {shard.rows:,} rows; "
            "give one a row"
        )
    flat = np.asarray(stored[:, 0] if stored.ndim == 2 and stored.shape[1] == 1 else stored)
    return np.char.decode(flat, "utf-8", "replace") if flat.dtype.kind == "S" else flat
