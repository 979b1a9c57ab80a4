"""Image folders into the store: decoded once, under a name, or under one made from the user's own files."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

from dqbench.data import store
from dqbench.data.folder import Progress, check_size
from dqbench.data.image_set import ImageSet, decode_image_set, find_image_set, fingerprint
from dqbench.data.info import DatasetInfo, data_root, folder_of, read_info
from dqbench.data.npz import read_own_npz
from dqbench.data.writing import unwritable
from dqbench.errors import UsageError
from dqbench.specs import DatasetSpec

DEFAULT_SIZE = 64
HASH_DIGITS = 10


def import_folder(
    name: str,
    folder: Path,
    spec: DatasetSpec | None = None,
    *,
    size: int | None = None,
    test_share: float | None = None,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> tuple[DatasetInfo, list[str]]:
    """Store an image folder as a data set, and say what there is to know of it.

    Args:
        name: what it is to be called.
        folder: ``train/CLASS/IMAGE`` and ``val/CLASS/IMAGE``; see :func:`dqbench.data.image_set.find_image_set`.
        spec: the known data set that it is to stand for, whose classes and size it must have.
        size: side in pixels; by default that of ``spec``, or 64.
        test_share: without a test folder, draw this share of each class.
        skip_unreadable: leave out images that cannot be read instead of stopping at the first.
        progress: told after each image.

    Raises:
        UsageError: wrong layout, classes or size, an unreadable image, or a data folder that cannot be written.
    """
    folder_of(name)
    side = _side(spec, size)
    found = find_image_set(folder, test_share)
    if spec is not None:
        _check_classes(spec, found)
    stored, skipped = _store(name, found, side, skip_unreadable, progress)
    return stored, [stored.note, *_differences(stored, spec), *(f"skipped, unreadable: {one}" for one in skipped)]


def import_own(
    path: Path,
    *,
    size: int = DEFAULT_SIZE,
    test_share: float = 0.2,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> DatasetInfo:
    """The user's image folder or ``.npz`` file in the store, under its own name and a hash of its content.

    What was stored before is not decoded again. Without a test set ``test_share`` of each class is drawn.

    Raises:
        UsageError: the data is not usable, or the data folder cannot be written.
    """
    if not path.exists():
        raise UsageError(f"{path} is not there; give an image folder or an .npz file")
    if not path.is_dir():
        return _import_own_npz(path, test_share)
    check_size(size)
    found = find_image_set(path, test_share)
    name = _own_name(path.resolve().name, fingerprint(found, size))
    return read_info(name) or _store(name, found, size, skip_unreadable, progress)[0]


def _import_own_npz(path: Path, test_share: float) -> DatasetInfo:
    if path.suffix.lower() != ".npz":
        raise UsageError(f"{path} is neither a folder nor an .npz file; give one of these")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 22):
            digest.update(part)
    name = _own_name(path.stem, digest.hexdigest())
    return read_info(name) or store.put(name, read_own_npz(path, test_share))


def _own_name(word: str, digest: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:40] or "data"
    return f"{plain}-{digest[:HASH_DIGITS]}"


def _store(
    name: str, found: ImageSet, side: int, skip_unreadable: bool, progress: Progress | None
) -> tuple[DatasetInfo, list[str]]:
    """What was stored, and each file that was left out with the reason."""
    try:
        data_root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=data_root()) as room:
            arrays = decode_image_set(found, side, Path(room), skip_unreadable, progress)
            lists = (arrays.train_files, arrays.test_files)
            return store.put(name, arrays), [one for files in lists if files for one in files.skipped]
    except OSError as error:
        raise unwritable(error) from error


def _side(spec: DatasetSpec | None, size: int | None) -> int:
    if size is not None:
        check_size(size)
    if spec is None:
        return size or DEFAULT_SIZE
    height, _, channels = spec.shape
    if channels != 3:
        raise UsageError(f"{spec.name} has images of {channels} channel, an image folder gives 3; import an .npz file")
    if size not in (None, height):
        raise UsageError(f"{spec.name} has images of {height} px, not {size}; import them under another name")
    return height


def _check_classes(spec: DatasetSpec, found: ImageSet) -> None:
    there, titles = found.train.class_names, dict(zip(spec.class_names, spec.class_titles, strict=False))
    missing, others = sorted(set(spec.class_names) - set(there)), sorted(set(there) - set(spec.class_names))
    if spec.class_names and (missing or others):
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
    return [f"{n:,} {what} images; the official set has {all_:,}" for what, n, all_ in counts if n != all_]
