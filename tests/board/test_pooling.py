"""Records of one cell with disjoint seeds: one row with the numbers of one record, or named and left out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from dqbench.board import seed_words, tables
from dqbench.board.board import Board, build
from dqbench.board.csv import document
from dqbench.board.published import Published
from dqbench.board.reading import entries_of
from dqbench.board.sections import split
from dqbench.errors import UsageError
from dqbench.records import Plugin, Record, SeedPlan

MakeRecord = Callable[..., Record]
NONE = Published((), (), (), {})


def _board(records: Iterable[Record]) -> Board:
    (section,) = split(entries_of(records))
    return build(section)


def _cut(record: Record, seeds: Iterable[int]) -> Record:
    """The part of a record with these seeds."""
    wanted = set(seeds)
    runs = [run for run in record.runs if run.seed in wanted]
    keys = {key for run in runs for found in run.jobs.values() for key in found}
    cell = record.cell.model_copy(update={"seeds": tuple(sorted(wanted))})
    part = record.model_copy(
        update={"runs": runs, "cell": cell, "jobs": {key: record.jobs[key] for key in sorted(keys)}}
    )
    return part.model_copy(update={"key": f"{min(wanted):010d}" + record.key[10:]})


@pytest.fixture
def whole(make: MakeRecord) -> list[Record]:
    """Full, random, dq and adq at two budgets, ten seeds each."""
    draw = random.Random(3)
    rows = [
        ("full", 1.0, 80.0),
        *((m, k, b + 40 * k) for m, b in (("random", 40), ("dq", 43), ("adq", 39)) for k in (0.1, 0.3)),
    ]
    return [make(m, k, [base + draw.gauss(0, 0.8) for _ in range(10)], profile="proxy") for m, k, base in rows]


def test_pooled_records_have_the_numbers_of_one_record(whole: list[Record]) -> None:
    draw = random.Random(1)
    expected = _board(whole)
    for _ in range(5):
        seeds = draw.sample(range(10), 10)
        cuts = sorted(draw.sample(range(1, 10), draw.randint(1, 3)))
        parts = [seeds[a:b] for a, b in zip([0, *cuts], [*cuts, 10], strict=True)]
        pieces = [_cut(record, part) for record in whole for part in parts]
        draw.shuffle(pieces)
        found = _board(pieces)
        assert found.cells.keys() == expected.cells.keys()
        for key, numbers in found.cells.items():
            assert numbers == expected.cells[key]
        assert found.rows == expected.rows
        assert tables.score_table(found) == tables.score_table(expected)
        assert {len(each) for each in found.section.parts.values()} == {len(parts)}
        assert sorted(entry.record.key for entry in found.section.entries) == sorted(p.key for p in pieces)


def test_a_pooled_row_names_its_parts(whole: list[Record]) -> None:
    pieces = [_cut(record, seeds) for record in whole for seeds in (range(5), range(5, 10))]
    board = _board(pieces)
    (said,) = seed_words.pooled(board.section)
    rows = "full, random, adq and dq (7 cells)"
    assert said == f"Pooled from records of seeds 0–4 and seeds 5–9, which agree in all else: {rows}."
    lines = document([board], NONE)
    assert all(piece.file_name in lines for piece in pieces)
    assert not list(seed_words.pooled(_board(whole).section)), "one record is no pool"


def _method_code(record: Record, distribution: str, source_hash: str = "9" * 64) -> Record:
    method = Plugin(distribution=distribution, source_hash=source_hash)
    return record.model_copy(update={"versions": record.versions.model_copy(update={"method": method})})


def _code(record: Record) -> Record:
    return _method_code(record, "my-methods 1.0")


def _gpu(record: Record) -> Record:
    jobs = {key: facts.model_copy(update={"device": "NVIDIA H200"}) for key, facts in record.jobs.items()}
    return record.model_copy(update={"jobs": jobs})


def _trained_otherwise(record: Record) -> Record:
    return record.model_copy(update={"versions": record.versions.model_copy(update={"job_versions": {"train": 2}})})


def _other_cell(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: record.model_copy(update={"cell": record.cell.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_code, "code of the method: 999999999999, not cccccccccccc"),
        (_gpu, "device: GPU, not CPU"),
        (_trained_otherwise, "versions of its jobs: train 2, not train 1"),
        (_other_cell(method_kind="quantization"), "method_kind: quantization, not selection"),
    ],
)
def test_what_disagrees_is_named_and_not_pooled(
    whole: list[Record], change: Callable[[Record], Record], words: str
) -> None:
    whole = [
        record.model_copy(update={"versions": record.versions.model_copy(update={"job_versions": {"train": 1}})})
        for record in (_method_code(record, "my-methods 1.0", "c" * 64) for record in whole)
    ]
    dq = next(record for record in whole if record.cell.method == "dq")
    rest = [record for record in whole if record is not dq]
    board = _board([*rest, _cut(dq, range(6)), change(_cut(dq, range(6, 10)))])
    (key,) = board.section.apart
    assert board.section.done[key].cell.seeds == tuple(range(6)), "the larger part stands"
    (said,) = seed_words.left_out(board.section)
    assert said.startswith("Not pooled: dq at keep 0.1 on resnet10-slim, seeds 6–9 (cifar10-xarch/proxy_dq_0.1_")
    assert said.endswith(f"differs from seeds 0–5 in {words}.")


def test_methods_of_dqbench_are_pooled_by_version_whatever_their_files_are(whole: list[Record]) -> None:
    pieces = [_cut(record, range(5)) for record in whole]
    pieces += [_method_code(_cut(record, range(5, 10)), "dqbench 0.2.0") for record in whole]
    board = _board(pieces)
    assert not board.section.apart
    assert {len(record.runs) for record in board.section.done.values()} == {10}


def test_records_from_before_versions_of_jobs_were_noted_are_pooled(whole: list[Record]) -> None:
    pieces = [_cut(record, range(5)) for record in whole]
    pieces += [_trained_otherwise(_cut(record, range(5, 10))) for record in whole]
    board = _board(pieces)
    assert not board.section.apart
    assert {len(record.runs) for record in board.section.done.values()} == {10}


def test_claimed_and_measured_are_never_one_row(whole: list[Record]) -> None:
    dq = next(record for record in whole if record.cell.method == "dq")
    claimed = _cut(dq, range(5, 10)).model_copy(update={"trust": "claimed", "bundle": "b"})
    board = _board([*(record for record in whole if record is not dq), _cut(dq, range(5)), claimed])
    assert not board.section.parts
    assert [row.label for row in board.section.rows if row.method == "dq"] == ["dq", "dq (claimed)"]


def test_records_that_share_seeds_are_refused_with_both_files(whole: list[Record]) -> None:
    a, b = _cut(whole[1], range(5)), _cut(whole[1], range(3, 8))
    with pytest.raises(UsageError, match="share seeds 3–4; delete one") as caught:
        split(entries_of([a, b]))
    assert a.file_name in str(caught.value)
    assert b.file_name in str(caught.value)


def test_a_record_with_all_the_seeds_replaces_the_parts(whole: list[Record]) -> None:
    parts = [_cut(whole[1], range(5)), _cut(whole[1], range(5, 10))]
    board = _board([*whole, *parts])
    assert set(board.section.replaced) == {part.file_name for part in parts}
    assert not board.section.parts


def test_a_failed_block_is_told_beside_the_finished_one(whole: list[Record], make: MakeRecord) -> None:
    failed = make("dq", 0.1, [1.0] * 5, seeds=range(5, 10), status="failed", profile="proxy")
    board = _board([_cut(record, range(5)) for record in whole] + [failed])
    assert list(board.section.failed.values()) == [failed]
    again = _board([*whole, failed])
    assert not again.section.failed, "its seeds are there by now"


# No peeking.


def _planned(records: Iterable[Record], seeds: int = 10, blocks: int = 2) -> list[Record]:
    return [record.model_copy(update={"planned": SeedPlan(seeds=seeds, blocks=blocks)}) for record in records]


def _claims(board: Board) -> dict[str, Any]:
    marks = {(key[0].label, str(key[2])): numbers.mark for key, numbers in board.cells.items()}
    rows = {row.label: (n.rank, {k.label: v for k, v in n.lossless.items()}) for row, n in board.rows.items()}
    return {"marks": marks, "rows": rows, "tests": board.tests}


def _brilliant(record: Record, seeds: Iterable[int]) -> Record:
    """The part with these seeds, its scores raised beyond all chance."""
    part = _cut(record, seeds)
    return part.model_copy(update={"runs": [run.model_copy(update={"score": 99.0}) for run in part.runs]})


@pytest.mark.parametrize("seeds", [range(5, 7), range(5, 10), range(10, 15), [7, 9]])
def test_seeds_that_not_all_rows_have_claim_nothing(whole: list[Record], make: MakeRecord, seeds: list[int]) -> None:
    first = _planned(_cut(record, range(5)) for record in whole)
    adq = make("adq", 0.1, [99.0] * len(seeds), seeds=seeds, profile="proxy")
    before, after = _board(first), _board([*first, *_planned([adq])])
    assert after.section.parts, "the row shows them"
    assert _claims(before) == _claims(after)
    assert before.section.tested.seeds == after.section.tested.seeds == tuple(range(5))


def test_a_whole_block_of_all_rows_counts(whole: list[Record]) -> None:
    first = _planned(_cut(record, range(5)) for record in whole)
    (said,) = seed_words.planned(_board(first).section)
    assert said == (
        "The profile proxy plans 10 seeds in 2 blocks of 5; all tested rows have seeds 0–4, from which alone marks, "
        "ranks and lossless ratios come; what is planned and not there yet can change them."
    )
    both = _board([*first, *_planned(_cut(record, range(5, 10)) for record in whole)])
    assert both.section.tested.seeds == tuple(range(10))
    assert _claims(both) == _claims(_board(whole))


def test_without_a_whole_block_nothing_is_claimed(whole: list[Record]) -> None:
    board = _board(_planned(_cut(record, range(4)) for record in whole))
    assert board.tests == 0
    assert set(_claims(board)["marks"].values()) == {""}
    assert {rank for rank, _ in _claims(board)["rows"].values()} == {None}
    assert all(numbers.score.count == 4 for numbers in board.cells.values()), "the values are shown"
    (said,) = seed_words.planned(board.section)
    assert said.startswith("The profile proxy plans 10 seeds in 2 blocks of 5; no whole block of 5 seeds is there")


def test_seeds_beyond_the_plan_are_named_and_what_they_count_in(whole: list[Record]) -> None:
    board = _board(_planned((_cut(record, range(3)) for record in whole), seeds=2, blocks=1))
    assert board.section.tested.seeds == (0, 1)
    assert all(numbers.score.count == 3 for numbers in board.cells.values())
    (said,) = seed_words.planned(board.section)
    assert said == (
        "The profile proxy plans 2 seeds; all tested rows have seeds 0–1, too few to mark, rank or call anything "
        "lossless; seed 2 counts in scores and differences alone, as it makes no whole block of 2 in all rows."
    )


def test_a_row_without_the_block_of_all_others_is_not_tested_and_named(whole: list[Record]) -> None:
    pieces = [_cut(record, range(3) if record.cell.method == "adq" else range(5)) for record in whole]
    board = _board(_planned(pieces))
    assert board.section.tested.seeds == tuple(range(5))
    said = list(seed_words.planned(board.section))
    assert said[1].startswith("Not tested, as they lack some of these seeds: adq at keep 0.1 on resnet10-slim and adq")
    assert board.tests == 2, "dq at two budgets"


def test_a_strangers_row_takes_no_seeds_from_what_was_measured_here(whole: list[Record]) -> None:
    def verified(record: Record, seeds: Iterable[int]) -> Record:
        return _cut(record, seeds).model_copy(update={"trust": "verified", "bundle": "b"})

    adq = [record for record in whole if record.cell.method == "adq"]
    rest = _planned(record for record in whole if record.cell.method != "adq")
    alone = _board(rest).section.tested.seeds
    with_it = _board([*rest, *_planned(verified(record, range(5)) for record in adq)])
    assert with_it.section.tested.seeds == alone == tuple(range(10))
    assert with_it.tests == 2
    whole_too = _board([*rest, *_planned(verified(record, range(10)) for record in adq)])
    assert whole_too.tests == 4
