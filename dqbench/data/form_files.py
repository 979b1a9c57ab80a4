"""The files behind each form: which form it is, and its samples, each with what reads its bytes and its label."""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dqbench.data.arrays import Arrays
from dqbench.data.decode import Unreadable, decode
from dqbench.data.image_files import EXTENSIONS
from dqbench.errors import UsageError

Form = Literal["table", "parquet", "tars", "idx", "cifar"]
TABLE: Form = "table"
PARQUET: Form = "parquet"
TARS: Form = "tars"
IDX: Form = "idx"
CIFAR: Form = "cifar"

PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image", "img", "image_path")
LABEL_COLUMNS = ("label", "class", "class_name", "target", "category", "labels", "fine_label", "y")
SPLIT_COLUMNS = ("split", "set", "subset", "fold")
TEST_WORDS = ("test", "testing", "val", "valid", "validation", "eval", "t10k")
_CIFAR_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin", "cifar-100-python", "cifar-100-binary")


@dataclass(frozen=True)
class Sample:
    """One image: its name for messages, what reads its bytes, and its label, text or a whole number."""

    name: str
    read: Callable[[], bytes]
    label: Any


Split = tuple[list[Sample], list[Sample]]
"""Training and test samples."""


def form_of(path: Path) -> Form | None:
    """Which form a file or folder is; None for image folders, ``.npz`` files and whatever else."""
    name = path.name.lower()
    if path.is_dir():
        return _folder_form(path)
    if name.endswith((".csv", ".tsv")):
        return TABLE
    if name.endswith(".parquet"):
        return PARQUET
    if "ubyte" in name:
        return IDX
    if name.endswith((".tar", ".tar.gz", ".tgz")):
        return CIFAR if name.startswith("cifar") else TARS
    return None


def _folder_form(folder: Path) -> Form | None:
    names = [entry.name.lower() for entry in folder.iterdir()]
    if folder.name in _CIFAR_FOLDERS or any(name in _CIFAR_FOLDERS for name in names):
        return CIFAR
    if any(folder.glob("*ubyte*")) or any(folder.glob("raw/*ubyte*")):
        return IDX
    if any(folder.glob("*.parquet")) or any(folder.glob("data/*.parquet")):
        return PARQUET
    folders = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return TARS if any(name.endswith(".tar") for name in names) and not folders else None


def has_images(path: Path) -> bool:
    """Whether a parquet file has a column of image bytes; false where it cannot be told."""
    try:
        from pyarrow import parquet

        return bool(_image_columns(parquet.read_schema(path)))
    except Exception:  # without pyarrow or with a damaged file it is read as before, and said there
        return False


def _image_columns(schema: Any) -> list[str]:
    kinds = {name: str(schema.field(name).type) for name in schema.names}
    return [name for name, kind in kinds.items() if "bytes: binary" in kind or kind in ("binary", "large_binary")]


def _is_test(word: object) -> bool:
    return str(word).strip().lower() in TEST_WORDS


def _files(path: Path, pattern: str) -> list[Path]:
    """The files of a folder, or of its ``data``, or the one file."""
    if not path.is_dir():
        return [path]
    return sorted(path.glob(pattern)) or sorted((path / "data").glob(pattern))


def _test_file(path: Path) -> bool:
    words = path.name.lower().replace(".", "-").replace("_", "-").split("-")
    return any(word in TEST_WORDS for word in words)


def read_table(path: Path) -> Split:
    """A ``.csv`` or ``.tsv`` of image paths, relative to its folder, and labels; perhaps with a column ``split``.

    Raises:
        UsageError: no such columns, or a line without one of them or whose image is not there.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}); give a text file in UTF-8") from error
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=text.partition("\n")[0].count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    if not rows:
        raise UsageError(f"{path} is empty; give a path and a label in each line")
    head = [cell.strip().lower() for cell in rows[0]]
    image, label = _column(head, PATH_COLUMNS), _column(head, LABEL_COLUMNS)
    split = _column(head, SPLIT_COLUMNS)
    if image is None or label is None:
        if not rows[0][0].lower().endswith(EXTENSIONS) or len(rows[0]) < 2:
            raise UsageError(f"{path} has the columns {', '.join(rows[0])}; expected path and label, e.g. 'path,label'")
        image, label, split, head = 0, 1, None, []
    found: Split = ([], [])
    for number, row in enumerate(rows[1:] if head else rows, 2 if head else 1):
        if len(row) <= max(image, label) or not row[label].strip():
            raise UsageError(f"{path}, line {number}: {','.join(row)[:60]!r} has no path and label")
        file = path.parent / row[image].strip()
        if not file.is_file():
            raise UsageError(f"{path}, line {number}: {file} is not there; paths are relative to the table's folder")
        test = split is not None and len(row) > split and _is_test(row[split])
        found[test].append(Sample(str(file), file.read_bytes, row[label].strip()))
    return found


def _column(head: list[str], names: tuple[str, ...]) -> int | None:
    return next((head.index(name) for name in names if name in head), None)


def read_parquet(path: Path) -> Split:
    """Parquet with image bytes and labels, as Hugging Face stores them; a file's name says which split it is.

    Raises:
        UsageError: pyarrow is not installed, a file cannot be read, or has no such columns.
    """
    try:
        from pyarrow import parquet
    except ImportError:
        raise UsageError("parquet is read by pyarrow, which is not here; run: pip install dqbench[parquet]") from None
    found: Split = ([], [])
    files = _files(path, "*.parquet")
    for file in files:
        try:
            table = parquet.read_table(file)
        except Exception as error:  # pyarrow raises errors of its own
            raise UsageError(f"{file} cannot be read ({error}); get the file again") from error
        found[len(files) > 1 and _test_file(file)].extend(_rows(file, table))
    return found


def _rows(file: Path, table: Any) -> Iterator[Sample]:
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
    images = _image_columns(table.schema)
    label = next((name for name in LABEL_COLUMNS if name in kinds), None)
    if len(images) != 1 or label is None:
        has = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        raise UsageError(f"{file} has {has}; expected one column of image bytes, and one called label")
    names = _class_names(table.schema.metadata or {}, label)
    for place, (image, value) in enumerate(zip(table[images[0]].to_pylist(), table[label].to_pylist(), strict=True)):
        data = image["bytes"] if isinstance(image, dict) else image
        if data is None or value is None or (names and not 0 <= int(value) < len(names)):
            raise UsageError(f"{file}, row {place} has no image bytes, or the label {value}, which names no class")
        yield Sample(f"{file}, row {place}", partial(bytes, data), names[int(value)] if names else value)


def _class_names(metadata: dict[bytes, bytes], label: str) -> list[str]:
    """What Hugging Face's metadata calls the classes; empty without."""
    try:
        known = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
    except (KeyError, ValueError, TypeError):
        return []
    return [str(name) for name in known]


def read_tars(path: Path) -> Split:
    """WebDataset's tars: members of one key are a sample, an image and its class in ``.cls``, ``.json`` or ``.txt``.

    Raises:
        UsageError: a file that is no tar, or a sample without label.
    """
    found: Split = ([], [])
    files = _files(path, "*.tar")
    for file in files:
        try:
            with tarfile.open(file) as tar:
                samples = _grouped(file, tar)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise UsageError(f"{file} cannot be read ({error}); get the file again") from error
        found[len(files) > 1 and _test_file(file)].extend(samples)
    return found


def _grouped(file: Path, tar: tarfile.TarFile) -> list[Sample]:
    samples: dict[str, dict[str, bytes]] = {}
    for member in tar:
        folder, _, name = member.name.rpartition("/")
        key, _, kind = name.partition(".")
        content = tar.extractfile(member) if member.isfile() and not name.startswith(".") else None
        if content is not None:
            samples.setdefault(f"{folder}/{key}", {})[f".{kind.lower()}"] = content.read()
    made = []
    for key, parts in samples.items():
        image = next((parts[kind] for kind in parts if kind.endswith(EXTENSIONS)), None)
        if image is not None:
            name = f"{key.lstrip('/')} in {file}"
            made.append(Sample(name, partial(bytes, image), _tar_label(name, parts)))
    return made


def _tar_label(name: str, parts: dict[str, bytes]) -> Any:
    for kind in (".cls", ".txt", ".label"):
        if kind in parts:
            return parts[kind].decode("utf-8", "replace").strip()
    try:
        fields = json.loads(parts[".json"])
        return next(fields[field] for field in LABEL_COLUMNS if field in fields)
    except (KeyError, ValueError, StopIteration):
        raise UsageError(f"sample {name} has no class: give it a .cls, or a .json with label") from None


def read_idx(path: Path) -> Arrays:
    """MNIST's own files and those of its likes, plain or gzipped, in a folder or its ``raw``.

    Raises:
        UsageError: a file is missing, or is no idx file.
    """
    folder = path if path.is_dir() else path.parent
    folder = folder / "raw" if (folder / "raw").is_dir() else folder
    train = (_idx(folder, "train", "images"), _idx(folder, "train", "labels"))
    test = (_idx(folder, "t10k", "images"), _idx(folder, "t10k", "labels"))
    for what, (images, labels) in (("train", train), ("t10k", test)):
        if images.ndim != 3 or labels.shape != (len(images),):
            raise UsageError(f"{folder}: {what} images {images.shape} and labels {labels.shape} do not belong together")
    names = tuple(str(label) for label in range(1 + int(max(train[1].max(), test[1].max()))))
    return Arrays(
        train[0][..., None], train[1].astype(np.int64), test[0][..., None], test[1].astype(np.int64), names, "imported"
    )


def _idx(folder: Path, split: str, what: str) -> npt.NDArray[np.uint8]:
    found = sorted(file for file in folder.glob(f"*{split}-{what}*ubyte*") if file.is_file())
    if not found:
        raise UsageError(f"{folder} has no file {split}-{what}-idx{3 if what == 'images' else 1}-ubyte(.gz)")
    try:
        data = found[0].read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        if data[:3] != b"\x00\x00\x08":
            raise ValueError("it is no idx file of bytes")
        sides = np.frombuffer(data, ">u4", data[3], 4).astype(int).tolist()
        flat = np.frombuffer(data, np.uint8, int(np.prod(sides)), 4 + 4 * data[3])
        array: npt.NDArray[np.uint8] = flat.reshape(sides).copy()
        return array
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"{found[0]} cannot be read ({error}); get the file again") from error


def read_cifar(path: Path) -> Arrays:
    """CIFAR-10 or CIFAR-100 from its official archive, packed or unpacked.

    Raises:
        UsageError: another archive, or a damaged one.
    """
    from dqbench.data.cifar import read_cifar10, read_cifar100
    from dqbench.data.cifar_classes import CIFAR10, CIFAR100

    if path.is_dir():
        found = read_cifar10(path, CIFAR10) or read_cifar100(path, CIFAR100)
        if found is None:
            raise UsageError(f"{path} holds none of CIFAR's folders whole; unpack the archive again")
        return found
    with tempfile.TemporaryDirectory(prefix="dqbench-cifar-") as room:
        try:
            with tarfile.open(path) as tar:
                tar.extractall(room, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise UsageError(f"{path} cannot be unpacked ({error}); get the archive again") from error
        return read_cifar(Path(room))


def decoded(samples: Sequence[Sample], side: int) -> npt.NDArray[np.uint8]:
    """Samples' images, ``side`` x ``side``: shape (n, side, side, 3).

    Raises:
        UsageError: one cannot be decoded.
    """
    images = np.empty((len(samples), side, side, 3), dtype=np.uint8)
    for place, sample in enumerate(samples):
        try:
            images[place] = decode(sample.read(), side)[0]
        except (OSError, Unreadable) as error:
            raise UsageError(f"image {sample.name} cannot be read ({error}); repair or remove it") from error
    return images
