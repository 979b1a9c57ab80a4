"""Writes a data set's folder: whole or not at all, by one process at a time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dqbench.data.arrays import Arrays
from dqbench.data.info import FILE, DatasetInfo, data_root, folder_of, write_info
from dqbench.errors import UsageError


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other processes from writing this data set meanwhile; makes the data folder.

    Raises:
        UsageError: the data folder cannot be written.
    """
    from filelock import FileLock

    folder = folder_of(name)
    lock = FileLock(folder.with_name(f".{name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise unwritable(error) from error
    try:
        yield
    finally:
        lock.release()


def write(name: str, arrays: Arrays) -> DatasetInfo:
    """Write checked arrays; see :func:`write_folder`."""
    return write_folder(name, lambda folder: _fill(folder, name, arrays))


def write_folder(name: str, fill: Callable[[Path], DatasetInfo]) -> DatasetInfo:
    """Let ``fill`` write into a temporary folder and move it into place. Call it inside :func:`locked`.

    Raises:
        UsageError: something else lies in that place, or the folder cannot be written.
    """
    target = folder_of(name)
    if target.exists() and not (target / FILE).is_file():
        raise UsageError(f"{target} is there but holds no data set of dqbench; move it, or set DQBENCH_DATA elsewhere")
    for leftover in target.parent.glob(f".{name}.*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = target.with_name(f".{name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        described = fill(temporary)
        _move_into_place(temporary, target)
    except OSError as error:
        raise unwritable(error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return described


def _fill(folder: Path, name: str, arrays: Arrays) -> DatasetInfo:
    import numpy as np

    from dqbench.data.content import channel_statistics, content_hash
    from dqbench.data.leaks import count_leaks

    splits = {"train": (arrays.x_train, arrays.y_train), "test": (arrays.x_test, arrays.y_test)}
    hashes = {}
    for split, (images, labels) in splits.items():
        np.save(folder / f"{split}_images.npy", np.ascontiguousarray(images), allow_pickle=False)
        np.save(folder / f"{split}_labels.npy", labels.astype(np.int64), allow_pickle=False)
        hashes[split] = content_hash(images, labels.astype(np.int64), arrays.class_names)
    mean, std = channel_statistics(arrays.x_train)
    height, width, channels = (int(side) for side in arrays.x_train.shape[1:])
    described = DatasetInfo(
        name=name,
        class_names=tuple(arrays.class_names),
        shape=(height, width, channels),
        train_count=len(arrays.y_train),
        test_count=len(arrays.y_test),
        train_hash=hashes["train"],
        test_hash=hashes["test"],
        provenance=arrays.provenance,
        train_class_counts=_class_counts(arrays.y_train, arrays.class_names),
        test_class_counts=_class_counts(arrays.y_test, arrays.class_names),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        note=arrays.note,
        leaks=count_leaks(arrays.x_train, arrays.x_test),
    )
    for split, files in (("train", arrays.train_files), ("test", arrays.test_files)):
        if files is not None:
            text = json.dumps({"files": files.names, "hash": files.hash, "skipped": files.skipped}, indent=0)
            (folder / f"files_{split}.json").write_text(text + "\n", encoding="utf-8")
    write_info(described, folder)
    return described


def _class_counts(labels: Any, class_names: tuple[str, ...]) -> tuple[int, ...]:
    import numpy as np

    return tuple(np.bincount(labels.astype(np.int64), minlength=len(class_names)).tolist())


def _move_into_place(temporary: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.{os.getpid()}.old.tmp")
    if target.exists():
        target.rename(aside)
    try:
        temporary.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def unwritable(error: OSError) -> UsageError:
    """The error for a data folder that cannot be written."""
    reason = error.strerror or str(error)
    return UsageError(f"data folder {data_root()} cannot be written ({reason}); set DQBENCH_DATA to one that can")
