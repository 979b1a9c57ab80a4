"""Units and directions: what is lower-is-better is turned everywhere, and nothing says percent that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dqbench.board import answer, csv, latex, markdown, sentences, tables
from dqbench.board.board import Board, build
from dqbench.board.critical import method_scores
from dqbench.board.html_payload import identity
from dqbench.board.published import Published
from dqbench.board.reading import entries_of
from dqbench.board.results import frame
from dqbench.board.sections import split
from dqbench.measure import USUAL, Measure, measure_of
from dqbench.records import Cell, Record

MakeRecord = Callable[..., Record]
NATS = Measure("nats", "lower", 3, 0.0)
ERROR = Measure("%", "lower", 1, 0.5)


def accuracies(make: MakeRecord, **cell: Any) -> list[Record]:
    """Five seeds of full data, random, and methods that are better, alike and worse, at three keep ratios."""
    rng, records = np.random.default_rng(3), []
    for arch in ("resnet10-slim", "convnet3-slim"):
        shared = rng.normal(0, 0.3, 5)

        def scores(mean: float, shared: Any = shared) -> list[float]:
            return (mean + shared + rng.normal(0, 0.1, 5)).tolist()

        records.append(make("full", 1.0, scores(80.0), arch, **cell))
        for keep, low in ((0.1, 60.0), (0.3, 70.0), (0.8, 79.9)):
            records.append(make("random", keep, scores(low), arch, **cell))
            records += [make(name, keep, scores(low + d), arch, **cell) for name, d in (("adq", 2), ("dq", -3))]
    return records


def turned(record: Record, measure: Measure) -> Record:
    """The same record as an error: 100 − score, the lower the better."""
    runs = [run.model_copy(update={"score": 100 - run.score}) for run in record.runs]
    cell = record.cell.model_copy(update={"measure": measure, "metric": "error"})
    return record.model_copy(update={"runs": runs, "cell": cell, "key": record.key[::-1]})


def board_of(found: list[Record]) -> Board:
    (section,) = split(entries_of(found))
    return build(section)


def test_an_error_rate_has_the_statistics_of_its_accuracy(make: MakeRecord) -> None:
    found = accuracies(make, profile="paper")
    up, down = board_of(found), board_of([turned(record, ERROR) for record in found])
    assert {cell.mark for cell in up.cells.values()} == {"above", "below", ""}
    for (key, one), (other_key, other) in zip(up.cells.items(), down.cells.items(), strict=True):
        assert key == other_key
        assert one.mark == other.mark
        assert other.score.mean == pytest.approx(100 - one.score.mean)
        for a, b in ((one.delta, other.delta), (one.gain, other.gain), (one.kappa, other.kappa)):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                assert vars(a) == pytest.approx(vars(b), abs=1e-6)
    assert up.ranks is not None
    assert [row.rank for row in up.rows.values()] == [row.rank for row in down.rows.values()]
    assert [row.lossless for row in up.rows.values()] == [row.lossless for row in down.rows.values()]
    assert any(ratio for row in up.rows.values() for ratio in row.lossless.values())
    for (row, test), (same, other) in zip(up.pooled.items(), down.pooled.items(), strict=True):
        assert (row, test.difference.mean, test.p) == (
            same,
            pytest.approx(other.difference.mean),
            pytest.approx(other.p),
        )
    assert method_scores(down) == pytest.approx({name: score - 100 for name, score in method_scores(up).items()})


def words_of(board: Board) -> str:
    nothing = Published((), (), (), {})
    texts = [markdown.document("t", [board], nothing), latex.document("t", [board], nothing)]
    shown = answer.answer(board)
    return "\n".join([*texts, *sentences.outcome(board), *((*shown.said, shown.title, shown.legend) if shown else ())])


def test_nats_are_no_points_and_no_percent(make: MakeRecord) -> None:
    found = [turned(record, NATS) for record in accuracies(make, profile="proxy")]
    board = board_of(found)
    said = words_of(board)
    for line in said.splitlines():
        assert "percent" not in line or "in percent, its differences" in line, line
        assert " points" not in line.lower(), line
    assert "lossless" not in said.replace("lossless ratio", "")
    assert "Score: error in nats, lower is better, on 2,000 test images" in said
    assert "random − method" in said
    assert "▲ better and ▼ worse than random" in said
    adq = next(words for words in sentences.outcome(board) if words.startswith("adq"))
    assert "nats against random (+ is better)" in adq
    assert float(adq.removeprefix("adq: ").split()[0]) == pytest.approx(2, abs=0.2)
    assert "; better " in adq
    best = answer.answer(board)
    assert best is not None
    assert best.said[0].split("use ")[1].startswith("adq, +")
    assert "Worse than random: dq (-" in best.said[0]
    assert " ± " in tables.score_table(board).rows[0][1]
    assert len(tables.score_table(board).rows[0][1].split(" ± ")[0].partition(".")[2]) == 3


def test_usual_boards_say_what_they_said(make: MakeRecord) -> None:
    board = board_of(accuracies(make, profile="proxy"))
    said = words_of(board)
    assert "Score: top1 in percent on 2,000 test images at the last epoch, mean over 5 seeds" in said
    assert "Points, paired by seed: the same seed" in said
    assert "▲ above and ▼ below random, after Holm over" in said
    assert "one test for each method, in points against random, Holm over" in said
    assert "loses less than 0.5 points against full data" in said
    assert "turned" not in said
    assert "measure" not in Cell.model_validate(board.section.entries[0].record.cell.model_dump()).model_dump()


def test_units_are_columns_only_where_they_are_needed(make: MakeRecord) -> None:
    nothing = Published((), (), (), {})
    found = accuracies(make)
    usual, other = board_of(found), board_of([turned(record, NATS) for record in found])
    assert not csv.document([usual], nothing).splitlines()[0].endswith("unit,better")
    lines = csv.document([other], nothing).splitlines()
    assert lines[0].endswith("unit,better")
    assert all(line.endswith("nats,lower") for line in lines[1:])
    table = frame([turned(found[0], NATS)])
    assert (table["unit"][0], table["better"][0]) == ("nats", "lower")


def test_measures_are_never_mixed_and_usual_addresses_stay(make: MakeRecord) -> None:
    one = accuracies(make)
    two = [turned(record, NATS) for record in one]
    assert len(split(entries_of([*one, *two]))) == 2
    board = board_of(one)
    other = replace(board.section, setting=replace(board.section.setting, measure=NATS))
    assert identity(board) != identity(replace(board, section=other))


def test_where_a_guess_has_no_score_nothing_is_called_unlearned(make: MakeRecord) -> None:
    full = make("full", 1.0, [-3.0, -2.0, -2.5], metric="loglik", measure=Measure("nats", "higher", 3, 0.0))
    assert board_of([full]).unlearned == ()
    assert len(board_of([make("full", 1.0, [0.0, 0.0, 0.0], metric="miou")]).unlearned) == 1


def test_what_a_unit_implies() -> None:
    assert measure_of("%", "higher") == USUAL
    assert measure_of("nats", "lower") == NATS
    assert measure_of("", "higher", 2, 0.01) == Measure("", "higher", 2, 0.01)
    assert (USUAL.amount("+1.0"), NATS.amount("+1.0"), Measure("").amount("+1.0")) == (
        "+1.0 points",
        "+1.0 nats",
        "+1.0",
    )
    assert [m.axis("m") for m in (USUAL, NATS, Measure(""))] == ["m in %", "m in nats, lower is better", "m"]


@pytest.mark.parametrize(
    "values",
    [
        {"unit": "a\nb"},
        {"unit": 3},
        {"unit": "x" * 25},
        {"better": "smaller"},
        {"decimals": -1},
        {"decimals": 1.5},
        {"decimals": True},
        {"lossless": -1.0},
        {"lossless": float("nan")},
        {"lossless": "half"},
    ],
)
def test_a_measure_that_makes_no_sense_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(values)))):
        Measure(**values)
    assert Measure(**{**Cell.model_fields["measure"].default.stated(), "unit": "s"}) == Measure("s")


def test_a_record_with_a_strange_measure_is_refused(make: MakeRecord) -> None:
    dumped = make("full", 1.0, [1.0]).cell.model_dump()
    with pytest.raises(ValueError, match="higher"):
        Cell.model_validate({**dumped, "measure": {"unit": "%", "better": "up"}})
    with pytest.raises(ValueError, match="more"):
        Cell.model_validate({**dumped, "measure": {"unit": "%", "more": 1}})
