"""Folders of shards of images: parquet with image bytes or WebDataset tars, one file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.data.content import channel_statistics
from dqbench.data.features import classes_of
from dqbench.data.form_files import PARQUET, TARS, Sample, decoded, form_of, read_parquet, read_tars
from dqbench.data.shards import Shard, Shards, check_unchanged, state_of
from dqbench.data.source import Source
from dqbench.errors import UsageError

_READERS = {".parquet": read_parquet, ".tar": read_tars}


def are_image_shards(path: Path) -> bool:
    """Whether it is a folder of parquet files or of tars."""
    return path.is_dir() and form_of(path) in (PARQUET, TARS)


def open_image_shards(folder: Path) -> Shards:
    """Read the labels of all images, a file at a time; files of a test set by their names are refused.

    Raises:
        UsageError: another kind of files among them, or what a reader refuses.
    """
    shards: list[Shard] = []
    labels: list[Any] = []
    size = first = 0
    for file in _files(folder):
        state = state_of(file)
        samples = read_samples(folder, Shard(state, 0, 0))
        if not samples:
            raise UsageError(f"{file} has no image with a label; leave it out")
        labels += [one.label for one in samples]
        shards.append(Shard(state, len(samples), first))
        first, size = first + len(samples), size + state.size
    classes, names = classes_of(np.array(labels), len(labels), str(folder))
    return Shards(folder.absolute(), tuple(shards), 0, max(1, size // first), classes, names, images=True)


def read_samples(folder: Path, shard: Shard) -> list[Sample]:
    """Every image of a shard: its bytes and its label, as ``dqbench data import`` reads them.

    Raises:
        UsageError: the file has changed since it was planned, or what its reader refuses.
    """
    check_unchanged(folder, shard.state)
    file = folder / shard.state.file
    train, test = _READERS[file.suffix.lower()](file)
    return [*train, *test]


def images_of(
    samples: Sequence[Sample], names: Sequence[str], side: int, statistics: Mapping[str, Sequence[float]] | None = None
) -> Source:
    """Samples as a source, decoded to ``side`` x ``side``.

    Args:
        samples: at least one.
        names: of all classes.
        side: in pixels.
        statistics: ``mean`` and ``std`` to normalise with; None takes the images' own.

    Raises:
        UsageError: an image that cannot be decoded.
    """
    images = decoded(samples, side)
    mean, std = channel_statistics(images) if statistics is None else _stated(statistics)
    ids = np.arange(len(samples), dtype=np.int64)
    return Source("shards", images, _numbers(samples, names), tuple(names), ids, "of shards", mean, std)


def _stated(statistics: Mapping[str, Sequence[float]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return np.array(statistics["mean"], dtype=np.float64), np.array(statistics["std"], dtype=np.float64)


def _numbers(samples: Sequence[Sample], names: Sequence[str]) -> npt.NDArray[np.int64]:
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[str(sample.label)] for sample in samples], dtype=np.int64)


def _files(folder: Path) -> Iterator[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (*_READERS, ".npy"))
    kinds = sorted({path.suffix.lower() for path in found})
    if len(kinds) != 1:
        raise UsageError(f"{folder} has {' and '.join(kinds) or 'no'} files; give a folder of shards of one kind")
    held_out = [path.name for path in found if _of_test(path)]
    if held_out and len(held_out) < len(found):
        raise UsageError(f"{folder} has {held_out[0]}, of a test set by its name; leave it out of what is chosen from")
    yield from found


def _of_test(path: Path) -> bool:
    words = path.stem.lower().replace(".", "-").replace("_", "-").split("-")
    return any(word in ("test", "val", "valid", "validation") for word in words)
