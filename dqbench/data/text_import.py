"""Files of texts into the store: rows without an answer are left out, a fixed part is held out for testing."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

from dqbench.data.info import DatasetInfo
from dqbench.data.near_duplicates import NEAR, near_pairs
from dqbench.data.text_files import Columns, Rows, read_rows
from dqbench.data.text_source import Text
from dqbench.data.text_store import SplitTexts, put_texts
from dqbench.errors import UsageError
from dqbench.specs import DatasetSpec

TEST_SHARE = 0.05
"""Of the rows, held out where no other share is asked for."""

SHOWN = 3


def import_texts(
    name: str, files: Sequence[Path], spec: DatasetSpec | None = None, test_share: float | None = None
) -> tuple[DatasetInfo, list[str]]:
    """Store the rows of files as a data set of texts, and say what there is to know of them.

    Ids are row numbers over all files, in their order. Which rows are held out is decided by what they hold alone, so
    that it is the same whatever their order.

    Args:
        name: what it is to be called.
        files: jsonl, json or parquet with the columns ``instruction``, ``input`` (perhaps none) and ``output``.
        spec: the known data set that it is to stand for.
        test_share: of the rows, in (0, 1/2].

    Raises:
        UsageError: the files or the share are not usable, or the data folder cannot be written.
    """
    share = TEST_SHARE if test_share is None else test_share
    if not 0 < share <= 0.5:
        raise UsageError(f"--test-share {share:g} is not in (0, 0.5]")
    rows = read_rows(files)
    texts = rows.texts(Columns())
    ids = [place for place, text in enumerate(texts) if text.output.strip()]
    used = [texts[place] for place in ids]
    held_out = _held_out(used, share)
    notes = [*_left_out(texts, ids, rows), *duplicate_notes(used, ids, held_out), *_counts(len(rows), spec)]
    stored = put_texts(name, SplitTexts(used, ids, held_out, len(rows), "; ".join(_standing(held_out, rows, spec))))
    return stored, notes


def _held_out(texts: Sequence[Text], share: float) -> list[bool]:
    """Which texts have the smallest hashes; copies of a text are on one side but for the last."""
    number = max(1, math.floor(share * len(texts) + 0.5))
    digests = [
        hashlib.sha256(json.dumps(["held out", text.instruction, text.input, text.output]).encode()).hexdigest()
        for text in texts
    ]
    chosen = set(sorted(range(len(texts)), key=lambda place: (digests[place], place))[:number])
    return [place in chosen for place in range(len(texts))]


def _standing(held_out: Sequence[bool], rows: Rows, spec: DatasetSpec | None) -> list[str]:
    """What every board says of the data."""
    official = sum(spec.counts) if spec else 0
    part = [f"{len(rows):,} rows of the official {official:,}"] if official and official != len(rows) else []
    return [*part, f"{sum(held_out):,} rows held out by their content's hash"]


def _counts(rows: int, spec: DatasetSpec | None) -> list[str]:
    official = sum(spec.counts) if spec else 0
    return [f"{rows:,} rows; the official set has {official:,}"] if official and official != rows else []


def _left_out(texts: Sequence[Text], ids: Sequence[int], rows: Rows) -> list[str]:
    empty = [rows.places[place] for place in sorted(set(range(len(texts))) - set(ids))]
    if not empty:
        return []
    return [f"{len(empty)} rows have no answer and are left out: {_few(empty)}"]


def duplicate_notes(texts: Sequence[Text], ids: Sequence[int], held_out: Sequence[bool] = ()) -> list[str]:
    """How many texts have a near-duplicate before them, and how many held-out ones have one in the training set."""
    pairs = near_pairs([text.line for text in texts])
    if not pairs:
        return ["no near-duplicates"]
    later = {second for _, second in pairs}
    example = _few([f"{ids[one]} and {ids[other]}" for one, other in pairs])
    notes = [f"{len(later):,} rows have a near-duplicate before them (Jaccard of word runs ≥ {NEAR:g}): rows {example}"]
    if held_out:
        across = {one if held_out[one] else other for one, other in pairs if held_out[one] != held_out[other]}
        notes.append(f"{len(across):,} held-out rows have a near-duplicate in the training set")
    return notes


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
