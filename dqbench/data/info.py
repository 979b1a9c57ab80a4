"""Where data sets lie on disk, and what ``dataset.json`` says about one. Needs no NumPy."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs

from dqbench.data.arrays import Provenance
from dqbench.data.leak_counts import Leaks
from dqbench.errors import UsageError

FORMAT = 1
FILE = "dataset.json"
Form = Literal["arrays", "files", "texts"]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a stored data set without opening its arrays.

    Attributes:
        shape: (height, width, channels) of one image.
        train_hash: content hash of the training set (``dqbench.data.content.content_hash``).
        test_hash: the same of the test set.
        train_class_counts: training images of each class, in the order of ``class_names``.
        test_class_counts: the same of the test set.
        mean: channel means of the training set in [0, 1].
        std: channel standard deviations of the training set in [0, 1].
        note: what must be known of how the data set was made, in words; empty where there is nothing to say.
        form: ``arrays`` (stored decoded), ``files`` (images stay where they are) or ``texts``, which have no classes
            and the shape (0, 0, 0).
        root: with ``files``, the folder that was imported.
        folders: with ``files``, those of the training and test images below ``root``.
        loader: hash of the source code of the plugin that read the data; empty where dqbench did.
        leaks: test images that are in the training set; None where they were not counted.
    """

    name: str
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    train_count: int
    test_count: int
    train_hash: str
    test_hash: str
    provenance: Provenance
    train_class_counts: tuple[int, ...]
    test_class_counts: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    note: str = ""
    form: Form = "arrays"
    root: str = ""
    folders: tuple[str, str] = ("", "")
    loader: str = ""
    leaks: Leaks | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def data_root() -> Path:
    """The folder of all data sets: ``DQBENCH_DATA``, or ``data`` in the user's cache folder of dqbench."""
    chosen = os.environ.get("DQBENCH_DATA")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("dqbench") / "data"


def folder_of(name: str) -> Path:
    """The folder of one data set.

    Raises:
        UsageError: the name cannot be a folder's.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"data set name {name!r} is not usable; take small letters, digits, - and _, e.g. my-photos")
    return data_root() / name


def read_info(name: str) -> DatasetInfo | None:
    """What ``dataset.json`` says, or None if the data set is not there.

    Raises:
        UsageError: the file is damaged or of another format.
    """
    path = folder_of(name) / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise damaged(name, f"{FILE} cannot be read: {error}") from error
    try:
        return _parse(name, json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(name, f"{FILE}: {type(error).__name__}: {error}") from error


def _parse(name: str, data: Any) -> DatasetInfo:
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']} is not {FORMAT}")
    later = {"note": "", "form": "arrays", "root": "", "folders": ("", ""), "loader": "", "leaks": None}
    names = [field.name for field in dataclasses.fields(DatasetInfo)]
    values = {key: data.get(key, later[key]) if key in later else data[key] for key in names}
    if values["name"] != name or values["provenance"] not in get_args(Provenance):
        raise ValueError(f"name {values['name']!r}, provenance {values['provenance']!r}")
    if values["form"] not in get_args(Form):
        raise ValueError(f"form {values['form']!r}")
    for key in ("class_names", "shape", "train_class_counts", "test_class_counts", "mean", "std", "folders"):
        values[key] = tuple(values[key])
    values["leaks"] = Leaks(**values["leaks"]) if values["leaks"] else None
    info = DatasetInfo(**values)
    if len(info.shape) != 3 or not len(info.mean) == len(info.std) == info.shape[2]:
        raise ValueError(f"shape {info.shape} with {len(info.mean)} channel means")
    return info


def write_info(info: DatasetInfo, folder: Path) -> None:
    """Write ``dataset.json`` into ``folder``, whole or not at all."""
    unused = {"form", "root", "folders"} if info.form == "arrays" else set()
    unused |= {name for name in ("loader", "leaks") if not getattr(info, name)}
    facts = {key: value for key, value in dataclasses.asdict(info).items() if key not in unused}
    text = json.dumps({"format": FORMAT, **facts}, indent=1, ensure_ascii=False)
    temporary = folder / f".{FILE}.{os.getpid()}"
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(folder / FILE)


def present() -> list[str]:
    """The names of all data sets that are on disk, sorted."""
    try:
        folders = list(data_root().iterdir())
    except OSError:
        return []
    return sorted(f.name for f in folders if _NAME.fullmatch(f.name) and (f / FILE).is_file())


def damaged(name: str, reason: str) -> UsageError:
    """The error for a data set whose files are not what they should be."""
    return UsageError(f"{name} in {folder_of(name)} is damaged ({reason}); delete that folder and get {name} again")
