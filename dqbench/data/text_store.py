"""Data sets of texts on disk: a line of JSON for each training and test text, described by ``dataset.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.data import seal
from dqbench.data.info import DatasetInfo, damaged, folder_of, read_info, write_info
from dqbench.data.text_source import Text, TextSource, content_hash, lines
from dqbench.data.writing import locked, write_folder
from dqbench.errors import UsageError

FACTS = "texts.json"


@dataclass(frozen=True)
class SplitTexts:
    """Texts to store, in two parts that share no row.

    Attributes:
        texts: all that are used.
        ids: the row number of each in the imported files, increasing.
        held_out: whether each is of the test set.
        rows: rows of the imported files.
        note: what must be known of how they came to be, in words.
    """

    texts: Sequence[Text]
    ids: Sequence[int]
    held_out: Sequence[bool]
    rows: int
    note: str = ""

    def part(self, held_out: bool) -> tuple[list[Text], list[int]]:
        """The texts and ids of the test set, or of the training set."""
        chosen = [place for place, out in enumerate(self.held_out) if out == held_out]
        return [self.texts[place] for place in chosen], [self.ids[place] for place in chosen]


@dataclass(frozen=True)
class TestTexts:
    """The held-out texts of a data set, or the first of them.

    Attributes:
        texts: shape (m,).
        ids: their row numbers, shape (m,).
        content_hash: of all held-out texts, whatever the part.
    """

    __test__ = False

    texts: tuple[Text, ...]
    ids: tuple[int, ...]
    content_hash: str


def put_texts(name: str, split: SplitTexts) -> DatasetInfo:
    """Store texts under ``name``, in place of what was there.

    Raises:
        UsageError: one part is empty, or the data folder cannot be written.
    """
    with locked(name):
        return write_folder(name, lambda folder: _fill(folder, name, split))


def _fill(folder: Path, name: str, split: SplitTexts) -> DatasetInfo:
    hashes, counts = {}, {}
    for part, held_out in (("train", False), ("test", True)):
        texts, ids = split.part(held_out)
        if not texts:
            raise UsageError(f"{name} would have no {part} texts; give more rows, or another --test-share")
        (folder / f"{part}_texts.jsonl").write_text("".join(lines(texts, ids)), encoding="ascii")
        hashes[part], counts[part] = content_hash(texts, ids), len(texts)
    (folder / FACTS).write_text(json.dumps({"rows": split.rows}) + "\n", encoding="utf-8")
    described = DatasetInfo(
        name=name,
        class_names=(),
        shape=(0, 0, 0),
        train_count=counts["train"],
        test_count=counts["test"],
        train_hash=hashes["train"],
        test_hash=hashes["test"],
        provenance="imported",
        train_class_counts=(counts["train"],),
        test_class_counts=(counts["test"],),
        mean=(),
        std=(),
        note=split.note,
        form="texts",
    )
    write_info(described, folder)
    return described


def open_texts(name: str, first: int | None = None) -> TextSource:
    """The training texts, or the first so many of them by id.

    Raises:
        UsageError: the data set is not there, holds images, or is damaged.
    """
    found = _described(name)
    texts, ids = _read(name, "train")
    rows = _facts(name)["rows"]
    where = np.array(ids[:first], dtype=np.int64)
    return TextSource(name, tuple(texts[:first]), where, found.train_hash, int(rows))


def open_test_texts(name: str, first: int | None = None) -> TestTexts:
    """The held-out texts, or the first so many of them by id. Only jobs that score call this.

    Raises:
        UsageError: the seal is not broken (:mod:`dqbench.data.seal`), or the data set is not there, or damaged.
    """
    seal.note_read(name)
    found = _described(name)
    texts, ids = _read(name, "test")
    return TestTexts(tuple(texts[:first]), tuple(ids[:first]), found.test_hash)


def verify_texts(found: DatasetInfo) -> None:
    """Compute the content hashes anew and compare.

    Raises:
        UsageError: a file is not what it was when it was stored.
    """
    for part, expected in (("train", found.train_hash), ("test", found.test_hash)):
        if content_hash(*_read(found.name, part)) != expected:
            raise damaged(found.name, f"the content of its {part} texts has changed")


def _described(name: str) -> DatasetInfo:
    found = read_info(name)
    if found is None:
        raise UsageError(f"{name} is not among the stored data sets; run: dqbench data import {name} FILE")
    if found.form != "texts":
        raise UsageError(f"{name} holds images, not texts")
    return found


def _facts(name: str) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((folder_of(name) / FACTS).read_text(encoding="utf-8"))
        return facts
    except (OSError, ValueError) as error:
        raise damaged(name, f"{FACTS} cannot be read: {error}") from error


def _read(name: str, part: str) -> tuple[list[Text], list[int]]:
    path = folder_of(name) / f"{part}_texts.jsonl"
    try:
        values = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
        return [Text(*row[1:]) for row in values], [int(row[0]) for row in values]
    except (OSError, ValueError, TypeError, IndexError) as error:
        raise damaged(name, f"{path.name} cannot be read: {error}") from error
