"""Features in the place of images: matched with the images of a source, or a source of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.feature_files import ROWS, Features
from dqbench.data.file_index import read_index
from dqbench.data.folder import DEFAULT_SIZE, FolderSource, Progress, check_size, folder_hash
from dqbench.data.image_files import index
from dqbench.data.lazy import LazyImages
from dqbench.data.source import Source
from dqbench.errors import UsageError

Values = npt.NDArray[np.floating]


class NoImages(LazyImages):
    """In the place of images where features stand for them: nothing can be read of them."""

    def __getitem__(self, where: Any) -> npt.NDArray[np.uint8]:
        raise UsageError("there are features in the place of the images, and this method reads the images; give them")

    def take(self, positions: npt.NDArray[np.integer] | Sequence[int]) -> NoImages:
        """As many of none."""
        chosen = np.asarray(positions, dtype=np.int64).tolist()
        return replace(self, files=tuple(self.files[i] for i in chosen))


def undecoded(
    folder: Path, size: int | None = None, skip_unreadable: bool = False, progress: Progress | None = None
) -> FolderSource:
    """An image folder as :func:`dqbench.data.folder.load_folder` opens it, but for the images, which nothing decodes.

    Raises:
        UsageError: wrong layout, or a file that is no image.
    """
    side = DEFAULT_SIZE if size is None else size
    check_size(side)
    found = index(folder)
    looked = read_index(found, True, skip_unreadable, progress)
    digests = () if looked.digests is None else tuple(row.tobytes().hex() for row in looked.digests)
    place = {name: i for i, name in enumerate(found.files)}
    source = Source(
        name=folder.resolve().name,
        images=NoImages(found.root, looked.files, side),
        labels=looked.labels,
        class_names=found.class_names,
        ids=np.array([place[name] for name in looked.files], dtype=np.int64),
        content_hash=folder_hash(found.class_names, side, looked.files, digests, looked.labels),
        mean=np.full(3, 0.5),
        std=np.full(3, 0.25),
        files=looked.files,
    )
    return FolderSource(source, found.root, looked.skipped, looked.facts[:, 2], looked.facts[:, :2], digests)


def of_images(features: Features, source: Source, listed: int) -> Values:
    """The features of each image of a source, shape (n, d), in its order: by name where rows have names, else by id.

    Args:
        features: of these images, perhaps of more where the rows have names.
        source: the images.
        listed: images that there were before unreadable ones were left out.

    Raises:
        UsageError: rows that don't match the images, or whose order cannot be known.
    """
    rows: Any = source.ids
    if features.files is not None:
        rows = _rows_by_name(features, features.files, source)
    elif len(features) != listed:
        order = "in the order of their sorted paths, or an .npz file with the images' names as files"
        raise UsageError(
            f"{features.what} has {len(features):,} rows, but there are {listed:,} images of {source.name}; give a row "
            f"for each, {order if source.files else 'in their order'}"
        )
    else:
        _check_one_order(features, source)
    values: Values = features.values[rows]
    check_rows(values, features.what, lambda i: f"row {rows[i]} ({source.files[i]})" if source.files else f"row {i}")
    return values


def _rows_by_name(features: Features, names: Sequence[str], source: Source) -> list[int]:
    if source.files is None:
        raise UsageError(f"{features.what} names files, but {source.name} has none; give the features alone, in order")
    depth = max(name.count("/") + 1 for name in source.files)
    places = {"/".join(name.replace("\\", "/").split("/")[-depth:]): row for row, name in enumerate(names)}
    missing = [name for name in source.files if name not in places]
    if missing:
        raise UsageError(
            f"{features.what} has no row for {len(missing):,} of {len(source.files):,} images of {source.name} "
            f"({', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}); its first row is of {names[0]}"
        )
    return [places[name] for name in source.files]


def _check_one_order(features: Features, source: Source) -> None:
    """Loaders sort classes before images, which is another order where a class's name goes on from another's."""
    files = source.files or ()
    if list(files) != sorted(files, key=lambda name: name.split("/")):
        at = next(a for a, b in zip(files, sorted(files, key=lambda name: name.split("/")), strict=True) if a != b)
        raise UsageError(
            f"{features.what} has rows without names, and image loaders do not agree where {at} comes in the order; "
            "save an .npz file with features and, as files, the name of each row's image"
        )


def open_features(features: Features, labels: npt.NDArray[Any] | None = None) -> tuple[FolderSource, Values]:
    """Features as a source of their own, with the bytes of each row, and the rows; see :func:`alone`.

    Raises:
        UsageError: as :func:`alone`.
    """
    source = alone(features, labels)
    each = np.full(len(source), features.values[0].nbytes, dtype=np.int64)
    return FolderSource(source, None, (), each, np.ones((len(source), 2), dtype=np.int64)), features.values


def alone(features: Features, labels: npt.NDArray[Any] | None = None) -> Source:
    """Features as a source of their own, without images; ids are their rows.

    Without labels all samples are of one class, ``all``.

    Raises:
        UsageError: labels that are no classes, or of another number.
    """
    given = features.labels if labels is None else labels
    count, names_of = len(features), features.files
    check_rows(features.values, features.what, lambda i: f"row {i} ({names_of[i]})" if names_of else f"row {i}")
    if given is None:
        given = np.full(count, "all")
    classes, names = classes_of(given, count, features.what)
    digest = hashlib.sha256(f"{features.hash}{list(names)}".encode())
    digest.update(np.ascontiguousarray(classes, dtype="<i8").tobytes())
    files = features.files or tuple(f"row {i}" for i in range(count))
    return Source(
        name=Path(features.what).stem,
        images=NoImages(Path(), files, 1),
        labels=classes,
        class_names=names,
        ids=np.arange(count, dtype=np.int64),
        content_hash=digest.hexdigest(),
        mean=np.full(3, 0.5),
        std=np.full(3, 0.25),
        files=features.files,
    )


def classes_of(labels: npt.NDArray[Any], count: int, what: str) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Class indices, shape (n,), and class names of labels as they came: whole numbers or text, with gaps or not.

    Raises:
        UsageError: another shape, number or type.
    """
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1 or flat.dtype.kind not in "iuUSb":
        raise UsageError(f"labels must be whole numbers or text of shape (n,), not {labels.dtype} of {labels.shape}")
    if len(flat) != count:
        raise UsageError(f"{what} has {count:,} samples, but there are {len(flat):,} labels; give one for each")
    values, places = np.unique(flat, return_inverse=True)
    names = [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in values.tolist()]
    return places.reshape(-1).astype(np.int64), tuple(names)


def check_rows(values: Values, what: str, name_of: Callable[[int], str]) -> None:
    """Refuse rows that nothing can be compared with.

    Args:
        values: shape (n, d).
        what: where they come from, for messages.
        name_of: what a row is called in messages.

    Raises:
        UsageError: a row is not finite, or all zeros.
    """
    for wanted, fault in ((_not_finite, "not finite (NaN or infinite)"), (_all_zero, "all zeros")):
        wrong = [
            start + int(row)
            for start in range(0, len(values), ROWS)
            for row in np.flatnonzero(wanted(values[start : start + ROWS]))
        ]
        if wrong:
            more = f" ({len(wrong):,} such rows)" if len(wrong) > 1 else ""
            raise UsageError(f"{what}: {name_of(wrong[0])} is {fault}{more}; make it again, or leave the sample out")


def _not_finite(rows: Values) -> npt.NDArray[np.bool_]:
    return np.logical_not(np.isfinite(rows).all(axis=1))


def _all_zero(rows: Values) -> npt.NDArray[np.bool_]:
    return np.logical_not(rows.any(axis=1))
