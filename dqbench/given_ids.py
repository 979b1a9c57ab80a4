"""Files of ids that users give: text, CSV, JSON or ``.npy``; a list for all seeds or one for each. Imports no torch."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Seed = int | None
"""The seed that a list is for; None is for all."""


@dataclass(frozen=True)
class IdList:
    """Kept samples.

    Attributes:
        ids: native ids in the source's training set, shape (k,), int64.
        weights: of each in the training loss, shape (k,), float64; None for 1 each.
    """

    ids: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.ids)


def read(path: Path) -> Mapping[Seed, IdList]:
    """The lists of a file, by seed.

    Text has ids between white space or commas (``#`` starts a comment); CSV a column ``id``, and ``seed`` and
    ``weight`` where there are any, as in the ``manifest.csv`` of ``dqbench compress``; JSON a list of ids, a list of
    lists (seeds 0, 1, ...) or ids by seed; ``.npy`` whole numbers of shape (k,) or (seeds, k).

    Raises:
        UsageError: it cannot be read, an id is no whole number or there twice, or lists differ in length.
    """
    try:
        found = _READERS[path.suffix.lower()](path)
    except OSError as error:
        raise UsageError(f"--ids {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--ids {path}: {error}") from error
    lists = {seed: _list(path, seed, rows) for seed, rows in found.items()}
    lengths = {seed: len(each) for seed, each in lists.items()}
    if not lengths or not min(lengths.values()):
        raise UsageError(f"--ids {path} holds no ids")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count} for seed {seed}" for seed, count in lengths.items())
        raise UsageError(f"--ids {path}: lists of one budget are equally long; these are {told}")
    return lists


Row = tuple[Any, float]
Rows = dict[Seed, list[Row]]


def _text(path: Path) -> Rows:
    words = re.sub(r"#.*", "", path.read_text(encoding="utf-8-sig")).replace(",", " ").split()
    return {None: [(word, 1.0) for word in words]}


def _csv(path: Path) -> Rows:
    rows: Rows = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        if "id" not in (table.fieldnames or ()):
            raise ValueError(f"it has no column id, but {', '.join(table.fieldnames or ['none'])}")
        for line in table:
            seed = int(line["seed"]) if line.get("seed") else None
            rows.setdefault(seed, []).append((line["id"], float(line.get("weight") or 1)))
    if None in rows and len(rows) > 1:
        raise ValueError("some rows have a seed and others have none")
    return rows


def _json(path: Path) -> Rows:
    data = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(data, dict):
        return {int(seed): [(each, 1.0) for each in ids] for seed, ids in data.items()}
    if not isinstance(data, list):
        raise TypeError("it holds neither a list of ids nor ids by seed")
    if data and all(isinstance(each, list) for each in data):
        return {seed: [(each, 1.0) for each in ids] for seed, ids in enumerate(data)}
    return {None: [(each, 1.0) for each in data]}


def _npy(path: Path) -> Rows:
    import numpy as np

    array = np.load(path, allow_pickle=False)
    if not np.issubdtype(array.dtype, np.integer) or array.ndim not in (1, 2):
        raise ValueError(f"it is {array.dtype} of shape {array.shape}, not whole numbers of shape (k,) or (seeds, k)")
    lists = array.tolist()
    return dict(enumerate(_rows(each) for each in lists)) if array.ndim == 2 else {None: _rows(lists)}


def _rows(ids: list[Any]) -> list[Row]:
    return [(each, 1.0) for each in ids]


_READERS: dict[str, Callable[[Path], Rows]] = {".txt": _text, ".csv": _csv, ".json": _json, ".npy": _npy}
SUFFIXES = tuple(_READERS)


def _list(path: Path, seed: Seed, rows: list[Row]) -> IdList:
    import numpy as np

    which = f"--ids {path}" + ("" if seed is None else f", seed {seed}")
    ids = [_whole(which, value) for value, _ in rows]
    twice = list(_repeated(ids))
    if twice:
        raise UsageError(f"{which}: {first(twice)} {'is' if len(twice) == 1 else 'are'} there more than once")
    weights = np.array([weight for _, weight in rows], dtype=np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any() | (not len(weights))):
        raise UsageError(f"{which}: weights are finite, not negative, and not all 0")
    return IdList(np.array(ids, dtype=np.int64), None if (weights == 1).all() else weights)


def _whole(which: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,18}", str(value).strip()):
        raise UsageError(f"{which}: {value!r} is no id; ids are the whole numbers that number the training set")
    return int(value)


def _repeated(ids: list[int]) -> Iterator[int]:
    seen: set[int] = set()
    told: set[int] = set()
    for each in ids:
        if each in seen and each not in told:
            told.add(each)
            yield each
        seen.add(each)


def first(values: list[int], most: int = 5) -> str:
    """The first values, in words: ``ids 3, 7, 8, 9, 11 and 40 more``."""
    few = ", ".join(map(str, values[:most])) + (f" and {len(values) - most} more" if len(values) > most else "")
    return f"id{'' if len(values) == 1 else 's'} {few}"
