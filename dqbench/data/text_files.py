"""Reads texts from files: jsonl (a row a line), json (a list of rows), parquet; the first two also gzipped."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dqbench.data.text_source import Text
from dqbench.errors import UsageError

FORMS = "jsonl, json or parquet, the first two perhaps with .gz"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """Which columns of a row are what.

    Attributes:
        asked: the instruction's column first, then those of the input; they must be there, the input's perhaps empty.
        answer: the answer's column, empty where the rows have none.
    """

    asked: tuple[str, ...] = ("instruction", "input")
    answer: str = "output"

    def text(self, row: Row, where: str) -> Text:
        """The text of one row.

        Raises:
            UsageError: a column is missing or holds no text.
        """
        parts = [_part(row, name, where, optional=place > 0) for place, name in enumerate(self.asked)]
        answer = _part(row, self.answer, where) if self.answer else ""
        return Text(parts[0], "\n".join(part for part in parts[1:] if part), answer)


@dataclass(frozen=True)
class Rows:
    """The rows of one or more files, one after the other.

    Attributes:
        values: each row with all its columns.
        places: the file and line, or row, of each, for messages.
    """

    values: tuple[Row, ...]
    places: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def texts(self, columns: Columns) -> list[Text]:
        """The text of each row.

        Raises:
            UsageError: a column is missing or holds no text; the message says where.
        """
        return [columns.text(row, where) for row, where in zip(self.values, self.places, strict=True)]


def is_text_file(path: Path) -> bool:
    """Whether a file is one of texts, by its name."""
    return _reader(path) is not None


def read_rows(files: Sequence[Path]) -> Rows:
    """All rows of the files in their order.

    Raises:
        UsageError: a file that cannot be read or has another form, a broken line (its number is given), a row that is
            no object, no rows at all, or an ``id`` that two rows have.
    """
    values: list[Row] = []
    places: list[str] = []
    for path in files:
        read = _reader(path)
        if read is None:
            raise UsageError(f"{path} is no file of texts; give {FORMS}")
        try:
            for where, row in read(path):
                if not isinstance(row, Mapping):
                    raise UsageError(f"{where} holds {_short(row)}, not an object with columns")
                values.append(row)
                places.append(where)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from error
    if not values:
        raise UsageError(f"{', '.join(map(str, files))}: no rows")
    _check_own_ids(values, places)
    return Rows(tuple(values), tuple(places))


def _check_own_ids(values: Sequence[Row], places: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for row, where in zip(values, places, strict=True):
        if "id" not in row:
            continue
        own = json.dumps(row["id"], sort_keys=True, default=str)
        if own in seen:
            raise UsageError(f"id {_short(row['id'])} is that of {seen[own]} and of {where}; ids must not repeat")
        seen[own] = where


def _part(row: Row, name: str, where: str, optional: bool = False) -> str:
    if name not in row or row[name] is None:
        if optional:
            return ""
        raise UsageError(f"{where} has no column {name!r}; it has {', '.join(map(str, row)) or 'none'}")
    if not isinstance(row[name], str):
        raise UsageError(f"{where}: column {name!r} holds {_short(row[name])}, not a text")
    text: str = row[name]
    if not _is_unicode(text):
        raise UsageError(f"{where}: column {name!r} holds half a surrogate pair, which is no text")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _reader(path: Path) -> Callable[[Path], Iterator[tuple[str, Any]]] | None:
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return _read_lines
    if name.endswith(".json"):
        return _read_json
    return _read_parquet if path.name.lower().endswith(".parquet") else None


def _open(path: Path) -> Any:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8-sig")


def _read_lines(path: Path) -> Iterator[tuple[str, Any]]:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path.name} line {number}", _parsed(line, f"{path} line {number}")


def _read_json(path: Path) -> Iterator[tuple[str, Any]]:
    with _open(path) as file:
        found = _parsed(file.read(), str(path))
    if not isinstance(found, list):
        raise UsageError(f"{path} holds {_short(found)}, not a list of rows; one object a line is .jsonl")
    yield from ((f"{path.name} row {place}", row) for place, row in enumerate(found))


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is no JSON: {error}") from error


def _read_parquet(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UsageError("parquet needs pyarrow; run: pip install 'dqbench[text]'") from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except ArrowException as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    yield from ((f"{path.name} row {place}", row) for place, row in enumerate(rows))
