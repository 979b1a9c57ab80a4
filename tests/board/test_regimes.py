"""Boards and regimes of labels: never mixed, nor are teachers; teachers' bytes stand apart; idle rankings are said."""

from __future__ import annotations

from collections.abc import Callable

from dqbench.board.board import build
from dqbench.board.costs import cost_table, storage_table
from dqbench.board.reading import entries_of
from dqbench.board.sections import Section, split
from dqbench.board.sentences import reading, title
from dqbench.board.tables import Table
from dqbench.records import Record
from dqbench.specs import Recipe

MakeRecord = Callable[..., Record]
TAUGHT = {
    "teacher_arch": "resnet10-slim",
    "teacher_recipe": Recipe(name="observer-8", epochs=8, batch_size=32, lr=0.1),
}


def sections(*found: Record) -> dict[str, Section]:
    return {title(section.setting).split(" · ")[2]: section for section in split(entries_of(list(found)))}


def with_run(record: Record, **facts: object) -> Record:
    runs = [run.model_copy(update=facts) for run in record.runs]
    return record.model_copy(update={"runs": runs})


def test_regimes_and_teachers_are_boards_of_their_own(make: MakeRecord) -> None:
    other = {**TAUGHT, "teacher_arch": "convnet3-slim"}
    found = sections(
        make("random", 0.1, [50.0, 51.0]),
        make("random", 0.1, [40.0, 41.0], labels="soft", **TAUGHT),
        make("random", 0.1, [30.0, 31.0], labels="teacher", **TAUGHT),
        make("random", 0.1, [20.0, 21.0], labels="teacher", **other),
    )
    assert set(found) == {
        "hard labels",
        "soft labels of resnet10-slim by observer-8",
        "teacher labels of resnet10-slim by observer-8",
        "teacher labels of convnet3-slim by observer-8",
    }
    assert all(len(section.done) == 1 for section in found.values())


def test_a_method_is_held_against_random_of_its_own_regime(make: MakeRecord) -> None:
    found = sections(
        make("random", 0.1, [50.0, 51.0]),
        make("dq", 0.1, [60.0, 61.0], labels="soft", **TAUGHT),
        make("random", 0.1, [57.0, 59.0], labels="soft", **TAUGHT),
    )
    board = build(found["soft labels of resnet10-slim by observer-8"])
    (delta,) = [cell.delta for (row, _, _), cell in board.cells.items() if row.method == "dq"]
    assert delta is not None
    assert delta.mean == 2.5


def test_a_teacher_s_bytes_stand_apart_and_the_source_is_counted_without_it(make: MakeRecord) -> None:
    parts = {"images": 300_000, "teacher": 700_000}
    whole = {"images": 7_680_000, "teacher": 700_000}
    mine = with_run(make("random", 0.1, [1.0], labels="teacher", **TAUGHT), bytes=10**6, bytes_parts=parts)
    full = with_run(make("full", 1, [1.0], labels="teacher", **TAUGHT), bytes=8_380_000, bytes_parts=whole)
    ((_, section),) = sections(mine, full).items()
    line = _lines(storage_table(build(section)))["random"]
    assert (line["bytes"], line["beside it teacher"]) == ("300 kB", "700 kB")
    assert line["saved"] == f"{1 - 300_000 / (7_680_000 + 2500):.1%}"
    assert line["saved with that"] == f"{1 - 10**6 / (7_680_000 + 2500):.1%}"


def test_patches_are_told_part_by_part_with_pixels_psnr_and_decoder(make: MakeRecord) -> None:
    parts = {"patches": 500_000, "masks": 5_000, "labels": 1_000, "decoder": 9_000_000}
    facts = {"bytes": 9_506_000, "bytes_parts": parts, "kept_pixels": 0.075}
    mine = with_run(make("dq", 0.1, [1.0]), **facts, notes={"psnr_db": 21.26})
    whole = {"images": 7_680_000, "labels": 2500}
    plain = with_run(make("random", 0.1, [1.0]), bytes_parts={"images": 768_000, "labels": 250}, bytes=768_250)
    full = with_run(make("full", 1, [1.0]), bytes=7_682_500, bytes_parts=whole)
    ((_, section),) = sections(mine, plain, full).items()
    lines = _lines(storage_table(build(section)))
    line = lines["dq"]
    assert (line["pixels"], line["PSNR dB"], line["bytes"], line["beside it decoder"]) == (
        "7.5%", "21.3", "506 kB", "9.0 MB",
    )  # fmt: skip
    assert (line["of it patches"], line["of it masks"], line["of it labels"]) == ("500 kB", "5.0 kB", "1.0 kB")
    assert line["saved with that"] == "-23.7%"
    assert (lines["random"]["of it images"], lines["random"]["saved with that"], lines["random"]["pixels"]) == (
        "768 kB", "", "",
    )  # fmt: skip
    assert "of it keys" not in line


def test_milliseconds_an_image_are_means_over_the_seeds(make: MakeRecord) -> None:
    record = make("rded", 0.1, [1.0, 2.0])
    runs = [
        run.model_copy(update={"notes": {"ms_per_image": ms}}) for run, ms in zip(record.runs, (2.0, 5.0), strict=True)
    ]
    for found, shown in ((runs, "3.5"), ([runs[0], record.runs[1]], None)):
        ((_, section),) = sections(record.model_copy(update={"runs": found})).items()
        assert _lines(cost_table(build(section)))["rded"].get("ms/image") == shown


def _lines(table: Table) -> dict[str, dict[str, str]]:
    return {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}


def test_a_ranking_that_chose_nothing_is_said(make: MakeRecord) -> None:
    record = make("dq", 0.1, [50.0, 51.0])
    idle = with_run(record, notes={"ranks_nothing": "every image of the pool is used in 3 classes"})
    for found, said in ((record, False), (idle, True)):
        ((_, section),) = sections(found).items()
        text = " ".join(reading(build(section)))
        assert ("ranks nothing: every image of the pool is used in 3 classes." in text) is said
