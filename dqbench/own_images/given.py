"""What ``dqbench.compress`` is given, opened: samples and, where there are some, features of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dqbench.data.feature_files import Features, checked, read_features
from dqbench.data.features import Values, alone, of_images, undecoded
from dqbench.data.folder import FolderSource
from dqbench.data.in_python import is_array, open_given
from dqbench.data.open_any import open_any
from dqbench.data.source import Source
from dqbench.errors import UsageError


def open_samples(
    source: Any, features: Any = None, labels: Any = None, size: int | None = None, decode: bool = True
) -> tuple[Source, Values | None]:
    """The samples, and the features in the place of an observer, shape (n, d), or None.

    Args:
        source: as :func:`dqbench.compress` takes it.
        features: of these samples, an array or a file's path, or None.
        labels: of an array that came without, or None.
        size: side in pixels of decoded images, or None.
        decode: whether a folder's images are decoded though there are features of them.

    Raises:
        UsageError: something is wrong with one of them, or they don't fit each other.
    """
    given = None if features is None else _features(features)
    if isinstance(source, FolderSource | Source):
        if size is not None:
            raise UsageError(f"size={size} is for images in files; what was given is open already: leave it out")
        first, own = source, None
    elif isinstance(source, Path | str):
        first, own = _path(Path(source), labels, size, given is None or decode)
    else:
        first, own = open_given(source, size, labels)
    if labels is not None and own is None and not is_array(source):
        raise UsageError("labels are for an array without any; what was given has its own: leave labels out")
    plain = first.source if isinstance(first, FolderSource) else first
    if given is None:
        return plain, own
    if own is not None:
        raise UsageError("the source is features already; leave features= out")
    skipped = len(first.skipped) if isinstance(first, FolderSource) else 0
    return plain, of_images(given, plain, len(plain) + skipped)


def _features(features: Any) -> Features:
    if isinstance(features, Path | str):
        return read_features(Path(features))
    array = features.detach().cpu().numpy() if hasattr(features, "detach") else np.asarray(features)
    return checked(array, "the features given")


def _path(path: Path, labels: Any, size: int | None, decode: bool) -> tuple[FolderSource | Source, Values | None]:
    if path.suffix.lower() == ".npy" and path.is_file():
        features = read_features(path)
        return alone(features, None if labels is None else np.asarray(labels)), features.values
    opening = open_any if decode or not path.is_dir() else undecoded
    return opening(path, size=size), None
