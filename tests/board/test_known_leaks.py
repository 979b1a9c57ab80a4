"""What a board says of leaks and trust: from the run's own records, or from what is known of the data's hashes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from dqbench.board.files import boards
from dqbench.board.known_leaks import leaks_of
from dqbench.board.markdown import document
from dqbench.board.published import load
from dqbench.board.reading import entries_of
from dqbench.board.sections import Section, split
from dqbench.data.leak_counts import Leaks
from dqbench.records import Record

MakeRecord = Callable[..., Record]


def _section(*records: Record) -> Section:
    (section,) = split(entries_of(records))
    return section


def _record(make: MakeRecord, method: str = "random", leaks: Any = None, **update: Any) -> Record:
    record = make(method, 0.1, [1.0, 2.0, 3.0], source={"leaks": leaks} if leaks else {})
    return record.model_copy(update=update)


def test_one_record_that_says_it_is_enough_and_parts_no_section(make: MakeRecord) -> None:
    told = _record(make, "dq", {"exact": 3, "near": 40})
    assert leaks_of(_section(_record(make), told)) == Leaks(3, 40)
    assert leaks_of(_section(_record(make))) is None


def test_a_claim_says_nothing_of_the_data(make: MakeRecord) -> None:
    claimed = _record(make, "dq", {"exact": 3, "near": 40}, trust="claimed", bundle="b" * 64)
    assert leaks_of(_section(_record(make), claimed)) is None


def test_data_that_were_counted_before_are_known_by_their_hashes(make: MakeRecord) -> None:
    lines = list(csv.DictReader((files("dqbench.published") / "leaks.csv").read_text().splitlines()))
    (known,) = [line for line in lines if line["dataset"] == "cifar10"]
    hashes = {name: known[name] for name in ("train_hash", "test_hash")}
    assert leaks_of(_section(make("random", 0.1, [1.0], source=hashes))) == Leaks(0, 102)
    assert leaks_of(_section(make("random", 0.1, [1.0], source={**hashes, "test_hash": "f" * 64}))) is None
    assert len({(line["train_hash"], line["test_hash"]) for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("trust", "words"), [("measured", "- Measured: 2 of these"), ("claimed", "- Claimed: 1, from")]
)
def test_a_board_says_both(make: MakeRecord, trust: str, words: str) -> None:
    records = [_record(make, leaks={"exact": 1, "near": 0}), _record(make, "dq", trust=trust, bundle="b" * 64)]
    ((task, found),) = boards(entries_of(records)).items()
    text = document(task, found, load())
    assert "Leaks of cifar10, in the whole sets: 1 test image is in the training set pixel by pixel" in text
    assert words in text
    assert "which nothing but the run that made each vouches for" in text
