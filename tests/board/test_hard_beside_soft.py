"""Hard labels beside soft ones: one table of every regime, and DD-Ranking's scores from the same records, by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dqbench.board import hard_beside_soft, markdown, published
from dqbench.board.board import Board, build
from dqbench.board.dd_ranking import augmentation_robust, label_robust
from dqbench.board.reading import entries_of
from dqbench.board.sections import split
from dqbench.records import Record
from dqbench.specs import Budget, Recipe

MakeRecord = Callable[..., Record]
IPC = Budget.ipc(10)
TAUGHT = {
    "teacher_arch": "resnet10-slim",
    "teacher_recipe": Recipe(name="observer-8", epochs=8, batch_size=32, lr=0.1),
}
AUGMENTED = Recipe(name="flips", epochs=8, batch_size=64, lr=0.1, augment=("flip",), cutmix=1.0)
PLAIN = Recipe(name="flips+augment=[]", epochs=8, batch_size=64, lr=0.1)


def _boards(found: Sequence[Record]) -> list[Board]:
    return [build(section) for section in split(entries_of(list(found)))]


def _lines(found: Sequence[Record]) -> list[dict[str, str]]:
    (group,) = hard_beside_soft.groups(_boards(found))
    table = hard_beside_soft.beside_table(group)
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def _line(found: Sequence[Record], method: str, labels: str) -> dict[str, str]:
    return next(line for line in _lines(found) if (line["method"], line["labels"]) == (method, labels))


def _pair(make: MakeRecord, labels: str, random: float, rded: float, **more: Any) -> list[Record]:
    taught = {} if labels == "hard" else TAUGHT
    shared = {"labels": labels, **taught, **more}
    spread = (-1.0, 0.0, 1.0)
    return [
        make(method, IPC, [score + s for s in spread], **shared)
        for method, score in (("random", random), ("rded", rded))
    ]


@pytest.fixture
def regimes(make: MakeRecord) -> list[Record]:
    """Random and RDED under all three labels, and the full data under hard ones."""
    found = [*_pair(make, "hard", 40, 44), *_pair(make, "soft", 50, 51), *_pair(make, "teacher", 55, 54)]
    return [make("full", 1, [90.0, 91.0, 92.0]), *found]


def test_the_scores_of_dd_ranking_have_their_ends() -> None:
    assert label_robust(1.0, -1.0) == pytest.approx(0.0)
    assert label_robust(-1.0, 1.0) == pytest.approx(1.0)
    assert augmentation_robust(-1.0, -1.0) == pytest.approx(0.0)
    assert augmentation_robust(1.0, 1.0) == pytest.approx(1.0)
    assert label_robust(0.3, 0.3) == label_robust(0.0, 0.0) == pytest.approx((1 - 1 / math.e) / (math.e - 1 / math.e))
    assert label_robust(0.4, 0.2, weight=1.0) == label_robust(0.9, 0.2, weight=1.0)
    assert label_robust(0.4, 0.2, weight=0.0) == label_robust(0.4, 0.9, weight=0.0)
    assert label_robust(0.4, 0.2) < label_robust(0.3, 0.2) < label_robust(0.3, 0.4)


def test_one_table_has_every_regime_of_a_method_in_turn(regimes: list[Record]) -> None:
    lines = _lines(regimes)
    assert [(line["method"], line["labels"]) for line in lines] == [
        ("full", "hard"),
        *((method, labels) for method in ("random", "rded") for labels in ("hard", "soft", "teacher")),
    ]
    assert [line["Δ random"] for line in lines if line["method"] == "rded"] == [
        "+4.0 ± 0.0",
        "+1.0 ± 0.0",
        "-1.0 ± 0.0",
    ]


def test_scores_by_hand(regimes: list[Record]) -> None:
    for labels, gained in (("hard", 0.04), ("soft", 0.01), ("teacher", -0.01)):
        line = _line(regimes, "rded", labels)
        assert line["HLR"] == "0.470 ± 0.000"  # always of hard labels: 91 - 44
        assert line["IOR"].startswith(f"{gained:.3f}")
        alpha = gained / 2 - 0.47 / 2
        by_hand = (math.exp(alpha) - math.exp(-1)) / (math.e - math.exp(-1))
        assert line["LRS"].startswith(f"{by_hand:.3f}")
    random = _line(regimes, "random", "soft")
    assert random["IOR"] == ""
    assert random["LRS"].startswith(f"{label_robust(0.51, 0.0):.3f}")


def test_bytes_count_labels_and_teacher(regimes: list[Record]) -> None:
    parts = {"images": 30_000, "labels": 9_000, "teacher": 800_000}
    taught = [record for record in regimes if record.cell.labels == "teacher"]
    runs = [[r.model_copy(update={"bytes": 839_000, "bytes_parts": parts}) for r in one.runs] for one in taught]
    changed = [one.model_copy(update={"runs": r}) for one, r in zip(taught, runs, strict=True)]
    line = _line([*(r for r in regimes if r not in taught), *changed], "rded", "teacher")
    assert (line["bytes in all"], line["of it labels"], line["of it teacher"]) == ("839 kB", "9.0 kB", "800 kB")


def _without(found: Sequence[Record], method: str, labels: str | None = None) -> list[Record]:
    return [r for r in found if r.cell.method != method or (labels and r.cell.labels != labels)]


def test_without_full_data_there_is_no_recovery(regimes: list[Record]) -> None:
    found = _without(regimes, "full")
    assert not {"HLR", "LRS"} & set(_lines(found)[0])
    assert "IOR" in _lines(found)[0]
    (group,) = hard_beside_soft.groups(_boards(found))
    assert any("full-data row with hard labels" in words for words in hard_beside_soft.words(group))


def test_without_random_there_is_no_improvement(regimes: list[Record]) -> None:
    found = _without(regimes, "random")
    assert not {"IOR", "LRS", "ARS", "Δ random"} & set(_lines(found)[0])
    assert _line(found, "rded", "soft")["HLR"]
    (group,) = hard_beside_soft.groups(_boards(found))
    assert any("random row" in words for words in hard_beside_soft.words(group))
    one = _without(regimes, "random", "soft")
    assert _line(one, "rded", "soft")["LRS"] == ""
    assert _line(one, "rded", "hard")["LRS"]


def test_a_method_without_hard_labels_has_no_recovery(regimes: list[Record]) -> None:
    line = _line(_without(regimes, "rded", "hard"), "rded", "soft")
    assert (line["HLR"], line["LRS"]) == ("", "")
    assert line["IOR"]


def test_full_data_no_better_than_random_gives_a_score_all_the_same(make: MakeRecord) -> None:
    found = [make("full", 1, [44.0, 45.0, 46.0]), *_pair(make, "hard", 45, 45), *_pair(make, "soft", 45, 45)]
    line = _line(found, "rded", "soft")
    assert line["HLR"].startswith("0.000")
    assert line["IOR"].startswith("0.000")
    assert line["LRS"].startswith("0.269")


def test_seeds_that_differ_are_paired_by_those_they_share(make: MakeRecord) -> None:
    found = [
        make("full", 1, [90.0, 80.0], seeds=(0, 7)),
        make("random", IPC, [40.0, 10.0], seeds=(0, 1)),
        make("rded", IPC, [50.0, 99.0], seeds=(0, 2)),
        *_pair(make, "soft", 50, 51),
    ]
    line = _line(found, "rded", "hard")
    assert (line["HLR"], line["IOR"]) == ("0.400", "0.100")
    apart = [make("full", 1, [90.0], seeds=(9,)), *found[1:]]
    assert "HLR" not in _line(apart, "rded", "hard")


def test_augmentation_by_hand(make: MakeRecord) -> None:
    found = [
        *_pair(make, "hard", 40, 44, recipe=AUGMENTED),
        *_pair(make, "hard", 30, 28, recipe=PLAIN),
        *_pair(make, "soft", 50, 51, recipe=AUGMENTED),
        *_pair(make, "soft", 50, 51, recipe=PLAIN),
    ]
    shown = {(x["architecture"], x["method"], x["labels"]): x["ARS"] for x in _lines(found)}
    assert shown["resnet10-slim (flips)", "rded", "hard"].startswith(f"{augmentation_robust(0.04, -0.02):.3f}")
    assert shown["resnet10-slim (flips+augment=[])", "rded", "hard"] == ""
    assert shown["resnet10-slim (flips)", "random", "hard"] == ""
    other = [_with_epochs(record) if record.cell.recipe == PLAIN else record for record in found]
    assert "ARS" not in _lines(other)[0], "more than augmentation differs"
    (group,) = hard_beside_soft.groups(_boards(other))
    assert any(words.startswith("No ARS") for words in hard_beside_soft.words(group))


def _with_epochs(record: Record) -> Record:
    recipe = record.cell.recipe.model_copy(update={"epochs": 9})
    return record.model_copy(update={"cell": record.cell.model_copy(update={"recipe": recipe})})


def test_other_profiles_data_and_places_stay_apart(make: MakeRecord) -> None:
    hard = _pair(make, "hard", 40, 44)
    assert not hard_beside_soft.groups(_boards(hard))
    assert not hard_beside_soft.groups(_boards([*hard, *_pair(make, "soft", 50, 51, profile="quick")]))
    elsewhere = [make("rded", Budget.ipc(50), [50.0] * 3, labels="soft", **TAUGHT)]
    assert not hard_beside_soft.groups(_boards([*hard, *elsewhere]))
    full_alone = [make("full", 1, [90.0] * 3), make("full", 1, [91.0] * 3, labels="soft", **TAUGHT)]
    assert not hard_beside_soft.groups(_boards(full_alone))


def test_who_stands_in_one_regime_alone_is_left_out_unless_it_makes_images(
    regimes: list[Record], make: MakeRecord
) -> None:
    lone = [make("dq", IPC, [45.0, 46.0, 47.0]), make("dm", IPC, [45.0, 46.0, 47.0], method_kind="distillation")]
    assert {line["method"] for line in _lines([*regimes, *lone])} == {"full", "random", "rded", "dm"}


def test_two_teachers_are_told_apart(regimes: list[Record], make: MakeRecord) -> None:
    other = {**TAUGHT, "teacher_arch": "convnet3-slim"}
    found = [*regimes, make("rded", IPC, [60.0, 61.0, 62.0], labels="teacher", **other)]
    labels = {line["labels"] for line in _lines(found) if line["method"] == "rded"}
    assert labels == {
        "hard",
        "soft of resnet10-slim by observer-8",
        "teacher of resnet10-slim by observer-8",
        "teacher of convnet3-slim by observer-8",
    }


def test_the_board_has_the_table_and_what_it_must_not_be_held_against(regimes: list[Record]) -> None:
    text = markdown.document("cifar10-xarch", _boards(regimes), published.load())
    part = text.split("## Hard labels beside soft ones: smoke")[1].split("\n## ")[0]
    assert "arXiv:2505.13300" in part
    assert "best epoch and the best of five learning rates, both by the test set" in part
    assert "Hard labels beside soft" not in markdown.document("cifar10-xarch", _boards(regimes[:3]), published.load())
