"""Folders into the store: decoded once, or left where they are, under a name or one made from the user's own files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from dqbench.data import store
from dqbench.data.arrays import Arrays
from dqbench.data.folder import DEFAULT_SIZE, Progress, check_size
from dqbench.data.image_set import ImageSet, decode_image_set, find_image_set, test_folders
from dqbench.data.in_files import index_set, put_files
from dqbench.data.info import DatasetInfo, data_root, folder_of
from dqbench.data.writing import unwritable
from dqbench.errors import UsageError
from dqbench.specs import DatasetSpec, load_target

DEFAULT_SIZE_IN_PLACE = 224


def import_folder(
    name: str,
    folder: Path,
    spec: DatasetSpec | None = None,
    *,
    size: int | None = None,
    test_share: float | None = None,
    test_seed: int = 0,
    skip_unreadable: bool = False,
    in_place: bool = False,
    contents: bool = False,
    siblings: Iterable[DatasetSpec] = (),
    progress: Progress | None = None,
) -> tuple[DatasetInfo, list[str]]:
    """Store a folder as a data set, and say what there is to know of it.

    Args:
        name: what it is to be called.
        folder: ``train/CLASS/IMAGE`` and ``val/CLASS/IMAGE`` (see :func:`dqbench.data.image_set.find_image_set`), or
            the official layout of ``spec``.
        spec: the known data set that it is to stand for, whose classes and size it must have.
        size: side in pixels; by default that of ``spec``, or 64, or 224 where images stay in place.
        test_share: without a test folder, draw this share of each class.
        test_seed: of that draw.
        skip_unreadable: leave out images that cannot be read instead of stopping at the first.
        in_place: leave the images in their files, and decode them when they are read.
        contents: with images in place, hash what the files hold, not only their names and sizes.
        siblings: with images in place, known data sets of the same files at other sizes, stored with it.
        progress: called after each image.

    Raises:
        UsageError: wrong layout, classes or size, an unreadable image, or a data folder that cannot be written.
    """
    folder_of(name)
    folder = folder.resolve()
    in_place = in_place or (spec is not None and spec.form == "files")
    if contents and not in_place:
        raise UsageError(f"--hash is for images that stay in place; {name} is decoded and hashed anyway")
    side = _side(spec, size, DEFAULT_SIZE_IN_PLACE if in_place else DEFAULT_SIZE)
    official = _official(spec, folder)
    if test_share is not None and (official is not None or test_folders(folder)):
        raise UsageError(f"--test-share {test_share:g} has no effect: {folder} has a test set of its own; leave it out")
    found = official or find_image_set(folder, test_share, test_seed)
    skipped: Sequence[str] = ()
    if isinstance(found, Arrays):
        stored = store.put(name, found)
    else:
        if spec is not None:
            _check_classes(spec, found)
        if in_place:
            statistics = spec.statistics if spec else None
            indexed = index_set(found, folder, statistics, contents, skip_unreadable, progress)
            for one in siblings:
                put_files(one.name, indexed, one.shape[0])
            stored, skipped = put_files(name, indexed, side), (*indexed.train.skipped, *indexed.test.skipped)
        else:
            stored, skipped = decode_and_store(name, found, side, skip_unreadable, progress)
    notes = [stored.note, *_differences(stored, spec), *(f"skipped, unreadable: {one}" for one in skipped)]
    return stored, [note for note in notes if note]


def decode_and_store(
    name: str, found: ImageSet, side: int, skip_unreadable: bool = False, progress: Progress | None = None
) -> tuple[DatasetInfo, list[str]]:
    """Decode listed images into the store; gives what was stored, and each file that was left out with the reason.

    Raises:
        UsageError: an unreadable image, too little room, or a data folder that cannot be written.
    """
    try:
        data_root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=data_root()) as room:
            arrays = decode_image_set(found, side, Path(room), skip_unreadable, progress)
            lists = (arrays.train_files, arrays.test_files)
            return store.put(name, arrays), [one for files in lists if files for one in files.skipped]
    except OSError as error:
        raise unwritable(error) from error


def _official(spec: DatasetSpec | None, folder: Path) -> ImageSet | Arrays | None:
    """What the official layout of ``spec`` gives; None where it has none of its own, or the folder has another."""
    if spec is None or not spec.layout:
        return None
    found: ImageSet | Arrays | None = load_target(spec.layout)(folder.resolve(), class_list(spec)[0])
    return found


def class_list(spec: DatasetSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and titles of a known data set's classes; empty where they are not fixed."""
    if not spec.class_list:
        return spec.class_names, spec.class_titles
    names, titles = load_target(spec.class_list)()
    return tuple(names), tuple(titles)


def siblings(spec: DatasetSpec | None, known: Iterable[DatasetSpec]) -> list[DatasetSpec]:
    """The known data sets of the same files as ``spec`` that stay in place, at other sizes."""
    if spec is None or spec.form != "files":
        return []
    return [
        one
        for one in known
        if one.name != spec.name
        and (one.form, one.layout, one.class_names, one.class_list)
        == (spec.form, spec.layout, spec.class_names, spec.class_list)
    ]


def _side(spec: DatasetSpec | None, size: int | None, default: int) -> int:
    if size is not None:
        check_size(size)
    if spec is None:
        return size or default
    height, _, channels = spec.shape
    if channels != 3:
        raise UsageError(f"{spec.name} has images of {channels} channel, an image folder gives 3; import an .npz file")
    if size not in (None, height):
        raise UsageError(f"{spec.name} has images of {height} px, not {size}; import them under another name")
    return height


def _check_classes(spec: DatasetSpec, found: ImageSet) -> None:
    names, title_of = class_list(spec)
    there, titles = found.train.class_names, dict(zip(names, title_of, strict=False))
    missing, others = sorted(set(names) - set(there)), sorted(set(there) - set(names))
    if names and (missing or others):
        parts = [f"lacks {_few([f'{n} ({titles[n]})' if n in titles else n for n in missing])}"] if missing else []
        parts += [f"holds {_few(others)}, which it has not"] if others else []
        raise UsageError(
            f"{found.train.root} does not have the {spec.classes} class folders of {spec.name}: {' and '.join(parts)}"
        )


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _differences(stored: DatasetInfo, spec: DatasetSpec | None) -> list[str]:
    if spec is None:
        return []
    counts = zip(("training", "test"), (stored.train_count, stored.test_count), spec.counts, strict=True)
    return [f"{n:,} {what} images; the official set has {all_:,}" for what, n, all_ in counts if all_ and n != all_]
