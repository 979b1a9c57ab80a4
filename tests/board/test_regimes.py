"""Boards and regimes of labels: never mixed, nor are teachers; teachers' bytes stand apart; idle rankings are said."""

from __future__ import annotations

from collections.abc import Callable

from dqbench.board.board import build
from dqbench.board.costs import cost_table
from dqbench.board.reading import entries_of
from dqbench.board.sections import Section, split
from dqbench.board.sentences import reading, title
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
    table = cost_table(build(section))
    lines = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    (line,) = [line for line in lines if line["method"] == "random"]
    assert "teacher 700 kB" in line["bytes"]
    assert line["bytes saved"] == f"{1 - 10**6 / (7_680_000 + 2500):.1%}"


def test_a_ranking_that_chose_nothing_is_said(make: MakeRecord) -> None:
    record = make("dq", 0.1, [50.0, 51.0])
    idle = with_run(record, notes={"ranks_nothing": "every image of the pool is used in 3 classes"})
    for found, said in ((record, False), (idle, True)):
        ((_, section),) = sections(found).items()
        text = " ".join(reading(build(section)))
        assert ("ranks nothing: every image of the pool is used in 3 classes." in text) is said
