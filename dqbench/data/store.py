"""The data sets on disk: written whole or not at all, described by JSON, read through memory maps.

A data set is a folder below :func:`data_root`: ``train_images.npy``, ``train_labels.npy``, ``test_images.npy``,
``test_labels.npy`` and ``dataset.json``, and ``files_train.json`` and ``files_test.json`` where the images came from an
image folder. Images may also stay where they are (:mod:`dqbench.data.in_files`).
Reading the description needs no NumPy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dqbench.data import seal
from dqbench.data.arrays import Arrays, Provenance, TestSet
from dqbench.data.info import FILE, DatasetInfo, damaged, data_root, folder_of, present, read_info, write_info
from dqbench.data.writing import locked, write
from dqbench.errors import PLUGIN_FAULTS, UsageError, fault_of, unknown_name
from dqbench.specs import load_target

if TYPE_CHECKING:
    from dqbench.alteration import Alteration
    from dqbench.data.source import Source
    from dqbench.plugins import Registry
    from dqbench.specs import DatasetSpec

__all__ = [
    "Arrays",
    "DatasetInfo",
    "Provenance",
    "TestSet",
    "data_root",
    "fetch",
    "import_command",
    "info",
    "open_test",
    "open_train",
    "present",
    "put",
    "read_info",
    "verify",
]


def put(name: str, arrays: Arrays) -> DatasetInfo:
    """Check the arrays and store them under ``name``, in place of what was there.

    Raises:
        UsageError: something is wrong with the arrays, or the folder cannot be written.
    """
    from dqbench.data.content import check_arrays

    check_arrays(arrays)
    with locked(name):
        return write(name, arrays)


def fetch(spec: DatasetSpec, code: str = "") -> DatasetInfo:
    """Store a data set that is not there yet: bundled ones are made, others are downloaded.

    Two processes that fetch the same one do the work once.

    Args:
        spec: the data set.
        code: hash of the source code of its loader, where that is a plugin's (:meth:`dqbench.plugins.Registry.code`);
            what another code made is made again.

    Raises:
        UsageError: it cannot be downloaded, its loader fails, or the folder cannot be written.
    """
    with locked(spec.name):
        found = read_info(spec.name)
        if found is not None and not outdated(found, spec, code):
            return found
        return read_by(write(spec.name, _loaded(spec)), code)


def outdated(found: DatasetInfo, spec: DatasetSpec, code: str) -> bool:
    """Whether a plugin's loader has changed since it stored this data set."""
    if not code or found.loader == code:
        return False
    return bool(found.loader) or (spec.origin != "import" and found.provenance != "imported")


def read_by(found: DatasetInfo, code: str) -> DatasetInfo:
    """Note in a data set's description which source code of a plugin read it."""
    if found.loader == code:
        return found
    noted = replace(found, loader=code)
    write_info(noted, folder_of(found.name))
    return noted


def current(name: str, registry: Registry) -> DatasetInfo | None:
    """What is known of a data set that is stored, and was read by the code that would read it now; else None."""
    found = read_info(name)
    if found is None or name not in registry.datasets:
        return found
    spec = registry.datasets[name]
    return None if outdated(found, spec, registry.code(spec)) else found


def info(name: str, registry: Registry, tell: Callable[[str], None] = lambda text: None) -> DatasetInfo:
    """What is known of a data set. Bundled ones are made on first use, and again where a plugin's loader has changed.

    ``tell`` is told when one is made again.

    Raises:
        UsageError: it is not there (the message says what to run), not known, damaged, or read by a plugin's loader
            that has changed since.
    """
    found = current(name, registry)
    if found is not None:
        return found
    if name not in registry.datasets:
        raise unknown_name("data set", name, {*present(), *(spec.name for spec in registry.datasets)})
    spec, is_there = registry.datasets[name], read_info(name) is not None
    if spec.origin == "bundled":
        if is_there:
            tell(f"data set {name} is made again: the source code of its loader has changed")
        return fetch(spec, registry.code(spec))
    import_ = import_command(spec)
    if is_there:
        run = f"dqbench data get {name}" if spec.origin == "download" else import_
        raise UsageError(f"the source code that read {name} has changed since it was stored; run: {run}")
    raise _missing(name, import_ if spec.origin == "import" else f"dqbench data get {name}, or {import_}")


def import_command(spec: DatasetSpec) -> str:
    """What to run to import a known data set."""
    return f"dqbench data import {spec.name} {'FILE.json' if spec.form == 'texts' else 'DIR (or FILE.npz)'}"


def verify(name: str) -> DatasetInfo:
    """Compute the content hashes and channel statistics of a stored data set anew and compare.

    Raises:
        UsageError: it is not there, or a file is not what it was when it was stored.
    """
    from dqbench.data.content import channel_statistics, content_hash

    found = _read_or_missing(name)
    if found.form == "texts":
        from dqbench.data.text_store import verify_texts

        verify_texts(found)
        return found
    if found.form == "files":
        from dqbench.data.in_files import verify_files

        verify_files(found)
        return found
    for split, expected in (("train", found.train_hash), ("test", found.test_hash)):
        images, labels, _ = _open(found, split)
        _file_names(found, split)
        if content_hash(images, labels, found.class_names) != expected:
            raise damaged(name, f"the content of its {split} files or class names has changed")
        if split == "train" and not _statistics_agree(found, channel_statistics(images)):
            raise damaged(name, f"the channel statistics in {FILE} are not those of its images")
    return _with_leaks(found)


def _with_leaks(found: DatasetInfo) -> DatasetInfo:
    """What is known of an intact data set, with its leaks, which one that was stored before they were does not have."""
    from dqbench.data.leaks import count_leaks

    leaks = count_leaks(_open(found, "train")[0], _open(found, "test")[0])
    if found.leaks not in (None, leaks):
        raise damaged(found.name, f"the leaks in {FILE} are not those of its images")
    counted = replace(found, leaks=leaks)
    if found.leaks is None:
        with suppress(OSError):  # where the folder is not ours to write, they are counted again next time
            write_info(counted, folder_of(found.name))
    return counted


def open_train(name: str, per_class: int | None = None, alteration: Alteration | None = None) -> Source:
    """The training set, memory-mapped, or the first ``per_class`` images of each class by native index.

    The ids of a part are the native ones. A class with fewer images gives all that it has. With ``alteration`` labels
    are replaced and samples left out (:mod:`dqbench.data.altering`); content hash and statistics stay those of the
    whole set.

    Raises:
        UsageError: the data set is not there, or damaged.
    """
    import numpy as np

    from dqbench.data.altering import altered
    from dqbench.data.content import first_of_each_class
    from dqbench.data.lazy import LazyImages, take
    from dqbench.data.source import Source

    found = _read_or_missing(name)
    if found.form == "texts":
        raise UsageError(f"{name} holds texts, not images; methods and tasks for images cannot read it")
    images, labels, sizes = _open(found, "train")
    files = images.files if isinstance(images, LazyImages) else _file_names(found, "train")
    ids = np.arange(len(labels), dtype=np.int64)
    if per_class is not None:
        ids = first_of_each_class(labels, per_class)
    classes = labels[ids]
    if alteration is not None:
        left, classes = altered(classes, found.classes, alteration)
        ids = ids[left]
    if len(ids) < len(labels):
        images, sizes = take(images, ids), sizes if sizes is None else sizes[ids]
        files = tuple(files[i] for i in ids) if files else None
    return Source(
        name=name,
        images=images,
        labels=classes,
        class_names=found.class_names,
        ids=ids,
        content_hash=found.train_hash,
        mean=np.array(found.mean, dtype=np.float64),
        std=np.array(found.std, dtype=np.float64),
        files=files,
        file_sizes=sizes,
    )


def open_test(name: str, per_class: int | None = None) -> TestSet:
    """The test set, or the first ``per_class`` images of each class. Only the evaluate job calls
    this, and jobs that make test images of it (``corrupt``).

    Raises:
        UsageError: the seal is not broken (:mod:`dqbench.data.seal`), or the data set is not there, or damaged.
    """
    seal.note_read(name)
    from dqbench.data.content import first_of_each_class
    from dqbench.data.lazy import take

    found = _read_or_missing(name)
    images, labels, _ = _open(found, "test")
    if per_class is not None:
        part = first_of_each_class(labels, per_class)
        images, labels = take(images, part), labels[part]
    return TestSet(images, labels, found.test_hash)


def _loaded(spec: DatasetSpec) -> Arrays:
    """What the loader of a data set gives, checked."""
    from dqbench.data.content import check_arrays

    what = f"the loader of {spec.name}, {spec.target},"
    try:
        arrays = load_target(spec.target)()
    except UsageError:
        raise
    except PLUGIN_FAULTS as error:
        raise UsageError(f"{what} failed: {fault_of(error)}") from error
    if not isinstance(arrays, Arrays):
        kind = type(arrays).__name__
        raise UsageError(f"{what} must return dqbench.data.store.Arrays, not {kind}")
    check_arrays(arrays)
    _check_against(spec, arrays, what)
    return arrays


def _check_against(spec: DatasetSpec, arrays: Arrays, what: str) -> None:
    """Refuse what is not what the spec says it is; a count of 0 there says nothing."""
    counts = (len(arrays.x_train), len(arrays.x_test))
    said = tuple(given or found for given, found in zip(spec.counts, counts, strict=True))
    facts: dict[str, tuple[object, object]] = {
        "shape": (tuple(arrays.x_train.shape[1:]), tuple(spec.shape)),
        "classes": (len(arrays.class_names), spec.classes),
        "counts": (counts, said),
    }
    for name, (found, wanted) in facts.items():
        if found != wanted:
            raise UsageError(f"{what} gives {name} {found}, and its spec says {wanted}; correct one of them")


def _read_or_missing(name: str) -> DatasetInfo:
    found = read_info(name)
    if found is None:
        raise _missing(name, f"dqbench data get {name}, or dqbench data import {name} FILE.npz")
    return found


def _open(found: DatasetInfo, split: str) -> tuple[Any, Any, Any]:
    """Images, labels, and bytes of each file where the images stay in files, else None."""
    if found.form == "files":
        from dqbench.data.in_files import open_split

        return open_split(found, split)
    import numpy as np

    folder = folder_of(found.name)
    count = found.train_count if split == "train" else found.test_count
    try:
        images = np.load(folder / f"{split}_images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / f"{split}_labels.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(found.name, f"its {split} files cannot be read: {error}") from error
    if images.shape != (count, *found.shape) or labels.shape != (count,):
        raise damaged(found.name, f"{split} images {images.shape} and labels {labels.shape} are not as {FILE} says")
    if images.dtype != np.uint8 or labels.dtype != np.int64:
        raise damaged(found.name, f"{split} images are {images.dtype} and labels {labels.dtype}")
    return images, labels, None


def _file_names(found: DatasetInfo, split: str) -> tuple[str, ...] | None:
    """Relative path of each image, or None where the data set did not come from an image folder."""
    path = folder_of(found.name) / f"files_{split}.json"
    count = found.train_count if split == "train" else found.test_count
    try:
        names = tuple(json.loads(path.read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise damaged(found.name, f"{path.name} cannot be read: {error}") from error
    if len(names) != count:
        raise damaged(found.name, f"{path.name} names {len(names)} files for {count} images")
    return names


def _statistics_agree(found: DatasetInfo, computed: tuple[Any, Any]) -> bool:
    mean, std = computed
    return tuple(mean.tolist()) == found.mean and tuple(std.tolist()) == found.std


def _missing(name: str, command: str) -> UsageError:
    return UsageError(f"{name} is not in {data_root()}; run: {command}")
