"""The answer that opens the overview: the strongest evidence, and sentences that follow the marks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dqbench.board import files
from dqbench.board.answer import strongest
from dqbench.board.reading import entries_of
from dqbench.records import Record

MakeRecord = Callable[..., Record]
NOISE = [0.3, -0.2, 0.1, -0.3, 0.1]


def _cells(make: MakeRecord, lifts: dict[str, float], keep: float = 0.1, **facts: object) -> list[Record]:
    """Cells whose differences to random are a lift and a little noise that each method has its own order of."""
    found = []
    for turn, (method, lift) in enumerate(lifts.items()):
        noise = NOISE[turn:] + NOISE[:turn]
        found.append(make(method, keep, [50.0 + lift + x for x in noise], profile="proxy", **facts))
    return found


def _overview(records: list[Record]) -> str:
    return files.overview(entries_of(records))


def test_marked_methods_are_named_and_others_are_not_called_better(make: MakeRecord) -> None:
    text = _overview(_cells(make, {"random": 0.0, "dq": 5.0, "graphcut": -5.0, "adq": 0.1}))
    assert "At 10 %, use dq, +5.0 ± " in text
    assert "against random (5 seeds). Below random" in text
    assert "Below random: graphcut (-5.0 ± " in text
    (row,) = (line for line in text.splitlines() if line.startswith("| adq |"))
    assert "○" in row
    assert "▲" not in row


def test_nothing_distinguishable_is_said(make: MakeRecord) -> None:
    text = _overview(_cells(make, {"random": 0.0, "dq": 0.05, "graphcut": -0.05}))
    assert "At 10 %, use random selection: none of 2 methods is distinguishable from it (5 seeds)" in text
    assert "the highest difference is dq's, +0.1 ± " in text
    assert "Below random" not in text


def test_what_was_not_measured_looks_otherwise_than_what_cannot_be_distinguished(make: MakeRecord) -> None:
    records = _cells(make, {"random": 0.0, "dq": 0.05}) + _cells(make, {"random": 0.0, "adq": 0.05}, keep=0.2)
    (row,) = (line for line in _overview(records).splitlines() if line.startswith("| dq |"))
    assert "○ | — |" in row


def test_smoke_answers_nothing_and_is_folded(make: MakeRecord, grid: list[Record]) -> None:
    text = _overview(grid)
    assert "Which method" not in text
    assert text.index("<details>") < text.index("cifar10-xarch@1")


@pytest.mark.parametrize(
    ("weak", "strong"),
    [
        ({"profile": "smoke"}, {"profile": "quick"}),
        ({"profile": "quick"}, {"profile": "proxy"}),
        ({"profile": "proxy"}, {"profile": "paper"}),
    ],
)
def test_the_stronger_profile_answers(make: MakeRecord, weak: dict[str, str], strong: dict[str, str]) -> None:
    records = [make(m, 0.1, [1.0, 2.0, 3.0], **facts) for facts in (weak, strong) for m in ("random", "dq")]
    (chosen,) = strongest(files.boards(entries_of(records))).values()
    assert chosen.section.setting.profile == strong["profile"]


def test_a_control_stands_in_the_table_and_is_never_the_answer(make: MakeRecord) -> None:
    records = _cells(make, {"random": 0.0, "adq": 5.0}) + _cells(make, {"adq-shuffled": 9.0}, control_of="adq")
    text = _overview(records)
    assert "| adq-shuffled (control of adq) |" in text
    assert "use adq, +5.0" in text
    assert "use adq-shuffled" not in text


def test_budgets_without_a_difference_share_a_sentence(make: MakeRecord) -> None:
    alike = [record for keep in (0.1, 0.2) for record in _cells(make, {"random": 0.0, "dq": 0.05}, keep=keep)]
    text = _overview([*alike, *_cells(make, {"random": 0.0, "dq": 5.0}, keep=0.3)])
    assert (
        "At 10 % and 20 %, use random selection: the one method tested is not distinguishable from it (5 seeds)" in text
    )
    assert "At 30 %, use dq, +5.0" in text


def test_what_is_counted_are_the_methods_tested_and_no_controls(make: MakeRecord) -> None:
    records = [
        *_cells(make, {"random": 0.0, "dq": 0.05, "adq": -0.05}),
        *_cells(make, {"random": 0.0, "dq": 0.05}, keep=0.2),
    ]
    text = _overview([*records, *_cells(make, {"adq-shuffled": 0.1}, control_of="adq")])
    assert "At 10 % and 20 %, use random selection: none of 1 to 2 methods (controls aside) is" in text


def test_the_legend_stands_under_the_first_table(make: MakeRecord) -> None:
    first, second = (_cells(make, {"random": 0.0, "dq": 5.0}, task=task) for task in ("a-xarch", "b-xarch"))
    text = _overview([*first, *second])
    assert text.count("not measured.") == 1
    assert text.index("| dq |") < text.index("not measured.") < text.index("**[b-xarch]")


def test_the_largest_data_set_comes_first(make: MakeRecord) -> None:
    few = _cells(make, {"random": 0.0, "dq": 5.0}, task="a-xarch")
    many = _cells(make, {"random": 0.0, "dq": 5.0}, task="b-xarch", source={"train_samples": 50_000})
    text = _overview([*few, *many])
    assert text.index("**[b-xarch]") < text.index("**[a-xarch]")
