"""Boards from made-up records: what is paired, tested, ranked, missing and refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import records
from dqbench.board.board import Board, build
from dqbench.board.grid_words import areas
from dqbench.board.reading import check, entries_of, load
from dqbench.board.sections import split
from dqbench.board.sentences import outcome, reading, state
from dqbench.board.statistics import holm, paired_p
from dqbench.board.tables import columns, score_table
from dqbench.checksums import with_checksum
from dqbench.errors import UsageError
from dqbench.records import Record
from dqbench.specs import Budget, Recipe

MakeRecord = Callable[..., Record]
SMALL, OTHER = "resnet10-slim", "convnet3-slim"
FIVE = [0.0, 0.3, -0.2, 0.1, -0.1]


def _board(found: list[Record]) -> Board:
    (section,) = split(entries_of(found))
    return build(section)


def _at(board: Board, label: str, keep: float = 0.1, arch: str = SMALL) -> Any:
    row = next(row for row in board.section.rows if row.label == label)
    network = next(network for network in board.section.networks if network.arch == arch)
    return board.cell(row, network, Budget.ratio(keep))


def _scores(mean: float, spread: list[float] = FIVE) -> list[float]:
    return [mean + x for x in spread]


def test_rows_full_random_then_methods_with_their_controls(grid: list[Record]) -> None:
    board = _board(list(reversed(grid)))
    assert [row.label for row in board.section.rows] == ["full", "random", "adq", "adq-shuffled", "dq"]
    assert [network.arch for network in board.section.networks] == [SMALL, OTHER]


def test_columns_are_the_places_where_something_was_kept(make: MakeRecord) -> None:
    ipc = Budget.ipc(10)
    board = _board([
        make("full", 1, [90.0]), make("full", 1, [91.0], OTHER), make("full", 1, [92.0], "vit"),
        make("random", 0.1, [50.0]), make("dq", 0.1, [51.0]), make("random", ipc, [40.0], OTHER),
    ])  # fmt: skip
    places = [(network.arch, str(budget)) for network, budget in columns(board)]
    assert sorted(places) == [(OTHER, "ipc10"), (SMALL, "0.1"), ("vit", "full")]
    rows = {row[0]: row[1:] for row in score_table(board).rows}
    assert all(rows["full"])
    assert sorted(cell for cell in rows["random"] if cell) == ["40.0", "50.0"]


def test_two_seeds_have_values_and_a_range_only(grid: list[Record]) -> None:
    board = _board(grid)
    cell = _at(board, "adq")
    assert (cell.score.mean, cell.score.least, cell.score.most) == pytest.approx((41.7, 41.5, 41.9))
    assert cell.delta.mean == pytest.approx(1.4)
    assert (cell.score.half, cell.mark, cell.gain) == (None, "", None)
    assert board.tests == 0
    assert all(row.rank is None and not row.lossless for row in board.rows.values())


def test_the_difference_is_paired_by_seed_not_by_order(make: MakeRecord) -> None:
    board = _board([
        make("random", 0.1, [10.0, 20.0, 30.0], seeds=[2, 1, 0]),
        make("dq", 0.1, [31.0, 22.0, 13.0], seeds=[0, 1, 2]),
    ])  # fmt: skip
    delta = _at(board, "dq").delta
    assert (delta.least, delta.mean, delta.most) == (1.0, 2.0, 3.0)
    assert delta.half == pytest.approx(4.302653 / math.sqrt(3), abs=1e-5)


def test_a_difference_is_over_the_seeds_that_both_have(make: MakeRecord) -> None:
    board = _board([make("random", 0.1, [1.0, 2.0]), make("dq", 0.1, [2.0, 4.0, 30.0])])
    delta = _at(board, "dq").delta
    assert delta is not None
    assert (delta.mean, delta.count) == (1.5, 2)
    apart = _board([make("random", 0.1, [1.0, 2.0]), make("dq", 0.1, [2.0, 4.0], seeds=[2, 3])])
    assert _at(apart, "dq").delta is None


@pytest.mark.parametrize(
    "other",
    [{"recipe": Recipe(name="long", epochs=9, batch_size=64, lr=0.1)}, {"arch": OTHER}, {"keep": 0.2}],
)
def test_a_twin_of_another_recipe_network_or_budget_is_none(make: MakeRecord, other: dict[str, Any]) -> None:
    keep = other.pop("keep", 0.1)
    board = _board([make("random", keep, [1.0, 2.0], **other), make("dq", 0.1, [1.0, 2.0])])
    assert board.cells[next(place for place in board.cells if place[0].method == "dq")].delta is None


@pytest.mark.parametrize(
    "other",
    [
        {"profile": "quick"},
        {"labels": "soft"},
        {"precision": "bf16"},
        {"task_version": 2},
        {"source": {"train_hash": "9" * 64}},
        {"source": {"provenance": "verified"}},
        {"source": {"train_per_class": 100}},
    ],
)
def test_regimes_are_never_mixed(make: MakeRecord, other: dict[str, Any]) -> None:
    sections = split(entries_of([make("random", 0.1, [1.0, 2.0]), make("dq", 0.1, [1.0, 2.0], **other)]))
    assert len(sections) == 2
    assert all(cell.delta is None for section in sections for cell in build(section).cells.values())


def _claims(make: MakeRecord, control_lift: float = 9.0) -> list[Record]:
    rng = np.random.default_rng(0)
    found = [make("full", 1.0, _scores(80.0))]
    for keep, base in ((0.1, 50.0), (0.3, 60.0)):
        found.append(make("random", keep, _scores(base)))
        found.append(make("adq", keep, (base + 3 + rng.normal(0, 0.1, 5)).tolist()))
        found.append(make("dq", keep, (base - 3 + rng.normal(0, 0.1, 5)).tolist()))
        shuffled = (base + control_lift + rng.normal(0, 0.1, 5)).tolist()
        found.append(make("adq-shuffled", keep, shuffled, control_of="adq"))
    return found


def test_marks_are_holm_over_the_family_without_controls(make: MakeRecord) -> None:
    found = _claims(make)
    board = _board(found)
    assert board.tests == 4
    by = {(r.cell.method, r.cell.budget_value): np.array([run.score for run in r.runs]) for r in found}
    places = [(m, k) for m in ("adq", "dq") for k in (0.1, 0.3)]
    adjusted = holm([float(paired_p(by[m, k] - by["random", k])) for m, k in places])
    for (method, keep), p in zip(places, adjusted, strict=True):
        expected = ("above" if method == "adq" else "below") if p < 0.05 else ""
        assert _at(board, method, keep).mark == expected
    assert {_at(board, m, k).mark for m, k in places} == {"above", "below"}
    assert _at(board, "adq-shuffled").mark == ""


def test_ranks_leave_controls_out(make: MakeRecord) -> None:
    board = _board(_claims(make))
    ranks = {row.label: numbers.rank for row, numbers in board.rows.items()}
    assert ranks == {"full": None, "random": (2, 2), "adq": (1, 1), "adq-shuffled": None, "dq": (3, 3)}


def test_a_row_with_a_missing_cell_has_no_rank(make: MakeRecord) -> None:
    found = [r for r in _claims(make) if (r.cell.method, r.cell.budget_value) != ("dq", 0.3)]
    board = _board(found)
    ranks = {row.label: numbers.rank for row, numbers in board.rows.items()}
    assert ranks == {"full": None, "random": (2, 2), "adq": (1, 1), "adq-shuffled": None, "dq": None}


def _ranks(board: Board) -> dict[str, Any]:
    return {row.label: numbers.rank for row, numbers in board.rows.items() if numbers.rank}


@pytest.mark.parametrize("trust", ["claimed", "measured"])
def test_an_extra_budget_of_one_row_takes_nobodys_ranks_and_areas(make: MakeRecord, trust: str) -> None:
    found, extra = _claims(make), make("adq", 0.33, _scores(64.0))
    board, alone = _board([*found, _as(extra, trust)]), _board(found)
    assert _ranks(board) == _ranks(alone) == {"random": (2, 2), "adq": (1, 1), "dq": (3, 3)}
    assert {r.label: [*n.area.values()] for r, n in board.rows.items() if r.trust == "measured"} == {
        r.label: [*n.area.values()] for r, n in alone.rows.items()
    }
    words = " ".join([*reading(board), *state(board), *areas(board)])
    assert "over the ratios that most rows share: 0.1 and 0.3." in words
    left_out = "adq (claimed): came in a bundle" if trust == "claimed" else "as not every ranked row has it: keep 0.33."
    assert left_out in words


def test_a_row_with_one_cell_is_left_out_by_name_and_takes_no_column(make: MakeRecord) -> None:
    board = _board([*_claims(make), make("graphcut", 0.1, _scores(49.0))])
    assert _ranks(board) == _ranks(_board(_claims(make)))
    assert "Without a rank, as cells of that grid are missing: graphcut." in reading(board)


def test_one_test_for_each_method_averages_its_cells_seed_by_seed(make: MakeRecord) -> None:
    found = _claims(make)
    board = _board(found)
    by = {(r.cell.method, r.cell.budget_value): np.array([run.score for run in r.runs]) for r in found}
    means = {m: np.mean([by[m, k] - by["random", k] for k in (0.1, 0.3)], axis=0) for m in ("adq", "dq")}
    adjusted = dict(zip(means, holm([float(paired_p(values)) for values in means.values()]), strict=True))
    tests = {row.label: test for row, test in board.pooled.items()}
    assert set(tests) == {"adq", "dq"}
    for method, test in tests.items():
        assert test.difference.mean == pytest.approx(means[method].mean())
        assert (test.cells, test.p) == (2, pytest.approx(adjusted[method]))
    assert "Holm over 2 methods: adq +" in " ".join(reading(board))


def test_two_seeds_have_no_pooled_test(grid: list[Record]) -> None:
    assert _board(grid).pooled == {}


def test_gain_kappa_and_lossless_reach_the_cells(make: MakeRecord) -> None:
    board = _board(_claims(make))
    cell = _at(board, "adq", 0.3)
    assert cell.gain.value == pytest.approx(_at(board, "adq", 0.3).delta.mean / 20.0)
    n = 750 * (2500 / 750) ** ((cell.score.mean - 60.02) / 20.0)
    assert cell.kappa.value == pytest.approx(n / 750)
    assert list(board.rows[board.section.rows[2]].lossless.values()) == [None]
    assert _at(board, "random").kappa is None


def test_area_is_there_only_where_every_ratio_is(make: MakeRecord) -> None:
    found = _claims(make)
    board = _board(found)
    areas = {row.label: list(numbers.area.values()) for row, numbers in board.rows.items()}
    assert areas["full"] == []
    assert areas["random"][0].mean == pytest.approx((50.02 + 60.02) / 2)
    assert areas["random"][0].half == pytest.approx(2.776445 * np.std(FIVE, ddof=1) / math.sqrt(5), abs=1e-6)
    part = _board([r for r in found if (r.cell.method, r.cell.budget_value) != ("dq", 0.3)])
    assert {row.label: len(numbers.area) for row, numbers in part.rows.items()}["dq"] == 0


def test_points_of_the_random_curve_without_the_seeds_of_a_cell_are_left_out(make: MakeRecord) -> None:
    found = [make("full", 1.0, _scores(80.0)), make("random", 0.1, _scores(50.0)), make("dq", 0.1, _scores(56.0))]
    few = make("random", 0.3, [60.0, 60.3])
    assert _at(_board([*found, few]), "dq").kappa == _at(_board(found), "dq").kappa
    paired = make("random", 0.3, _scores(60.0))
    kappa = _at(_board([*found, paired]), "dq").kappa
    assert kappa.value == pytest.approx(3**0.6)
    assert kappa.low == pytest.approx(kappa.high)


def test_transfer_needs_the_observers_network(make: MakeRecord) -> None:
    found = [
        make(m, 0.1, [base + d, base + d + 1], arch)
        for m, d in (("random", 0.0), ("dq", 2.0))
        for arch, base in ((SMALL, 40.0), (OTHER, 30.0))
    ]
    found[-1] = make("dq", 0.1, [35.0, 36.0], OTHER)
    board = _board(found)
    row = next(row for row in board.section.rows if row.label == "dq")
    assert board.rows[row].transfer[Budget.ratio(0.1)].mean == pytest.approx(3.0)
    assert not _board([r for r in found if r.cell.arch == OTHER]).rows[row].transfer


def _as(record: Record, trust: str) -> Record:
    return record.model_copy(update={"trust": trust, "bundle": "b" * 64})


def test_what_is_claimed_is_a_row_of_its_own_without_mark_and_rank(make: MakeRecord) -> None:
    found = _claims(make)
    lifted = [(r, [run.score + 20 for run in r.runs]) for r in found if r.cell.method == "adq"]
    claims = [_as(make("adq", r.cell.budget_value, scores), "claimed") for r, scores in lifted]
    board, alone = _board(found + claims), _board(found)
    row = next(row for row in board.section.rows if row.label == "adq (claimed)")
    assert [row.label for row in board.section.rows] == [
        "full", "random", "adq", "adq (claimed)", "adq-shuffled", "dq",
    ]  # fmt: skip
    assert board.rows[row].rank is None
    assert _at(board, "adq (claimed)").delta.mean == pytest.approx(_at(alone, "adq").delta.mean + 20)
    assert _at(board, "adq (claimed)").mark == ""
    assert board.tests == alone.tests
    assert board.ranks == alone.ranks


def test_what_is_verified_is_marked_and_ranked(make: MakeRecord) -> None:
    found = [_as(r, "verified") if r.cell.method == "adq" else r for r in _claims(make)]
    board = _board(found)
    row = next(row for row in board.section.rows if row.label == "adq (verified)")
    assert board.rows[row].rank == (1, 1)


@pytest.mark.parametrize("method", ["random", "full"])
def test_references_are_never_taken_from_others(make: MakeRecord, method: str) -> None:
    with pytest.raises(UsageError, match="references must be measured"):
        check(_as(make(method, 0.1, [1.0, 2.0]), "verified"), "here")


def test_failures_are_no_results(make: MakeRecord) -> None:
    board = _board([make("random", 0.1, [1.0, 2.0]), make("dq", 0.1, [5.0, 6.0], status="failed")])
    assert len(board.section.failed) == 1
    assert {row.label for row, _, _ in board.cells} == {"random"}


def test_a_finished_cell_replaces_its_failure(make: MakeRecord) -> None:
    board = _board([make("dq", 0.1, [5.0, 6.0], status="failed"), make("dq", 0.1, [5.0, 6.0])])
    assert not board.section.failed
    assert len(board.section.done) == 1


def _unlearned(make: MakeRecord, full: list[float], **cell: Any) -> Board:
    count = len(full)
    low = [10.0 + 0.1 * i for i in range(count)]
    high = [10.5 + 0.1 * i**2 for i in range(count)]
    return _board([
        make("full", 1.0, full, **cell), make("random", 0.1, low, **cell), make("random", 0.3, low, **cell),
        make("dq", 0.1, high, **cell), make("dq", 0.3, high, **cell),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("full", "cell"),
    [
        ([0.0], {"metric": "map"}),
        ([0.0, 0.0, 0.0], {"metric": "miou"}),
        ([10.0, 10.0], {}),
        ([11.0, 10.9, 11.1, 11.0], {}),
        ([10.0, 10.0, 50.0], {}),
    ],
    ids=["zero", "zero-thrice", "chance", "luck-of-2000-images", "one-seed-only"],
)
def test_where_full_data_is_not_above_chance_nothing_is_compared(
    make: MakeRecord, full: list[float], cell: dict[str, Any]
) -> None:
    board = _unlearned(make, full, **cell)
    assert [network.arch for network in board.unlearned] == [SMALL]
    assert all((c.delta, c.gain, c.kappa, c.mark) == (None, None, None, "") for c in board.cells.values())
    assert all(not (r.rank or r.transfer or r.lossless or r.area) for r in board.rows.values())
    assert board.tests == 0
    assert "Nothing was learned at this scale on resnet10-slim" in " ".join(state(board))
    assert outcome(board) == []


@pytest.mark.parametrize(
    ("full", "cell"), [([0.1], {"metric": "map"}), ([11.2], {}), ([12.0, 12.1, 12.4], {})], ids=["map", "one", "three"]
)
def test_above_chance_is_compared(make: MakeRecord, full: list[float], cell: dict[str, Any]) -> None:
    board = _unlearned(make, full, **cell)
    assert board.unlearned == ()
    assert _at(board, "dq").delta is not None
    assert "Nothing was learned" not in " ".join(state(board))


def test_a_network_that_learned_is_compared_beside_one_that_did_not(make: MakeRecord) -> None:
    found = _claims(make) + [
        make(m, k, _scores(10.0), OTHER)
        for m in ("full", "random", "adq", "dq")
        for k in (0.1, 0.3)[: 1 + (m != "full")]
    ]
    board, alone = _board(found), _board(_claims(make))
    assert [network.arch for network in board.unlearned] == [OTHER]
    assert _at(board, "adq") == _at(alone, "adq")
    assert _at(board, "adq", arch=OTHER).delta is None
    assert {r.label: n.rank for r, n in board.rows.items()} == {r.label: n.rank for r, n in alone.rows.items()}


def test_without_a_full_data_row_nothing_is_said_of_learning(make: MakeRecord) -> None:
    board = _board([make("random", 0.1, [10.0]), make("dq", 0.1, [10.1])])
    assert board.unlearned == ()
    assert _at(board, "dq").delta.mean == pytest.approx(0.1)


def test_variants_and_versions_are_rows_of_their_own(make: MakeRecord) -> None:
    board = _board([
        make("dq", 0.1, [1.0, 2.0]),
        make("dq", 0.1, [1.0, 2.0], method_version=2),
        make("dq", 0.1, [1.0, 2.0], config={"bins": 5}, variant="bins=5"),
        make("dq", 0.1, [1.0, 2.0], config={"bins": 5}, variant="bins=5", observer_arch="x"),
    ])  # fmt: skip
    labels = [row.label for row in board.section.rows]
    assert labels == ["dq v1", "dq v2", f"dq[bins=5] via {SMALL}", "dq[bins=5] via x"]


def test_the_same_cell_twice_names_both_files(make: MakeRecord) -> None:
    twice = [make("dq", 0.1, [1.0, 2.0]), make("dq", 0.1, [1.5, 2.0]).model_copy(update={"key": "other-key-here"})]
    with pytest.raises(UsageError) as caught:
        split(entries_of(twice))
    assert all(record.file_name in str(caught.value) for record in twice)


def test_more_seeds_replace_fewer_and_it_is_said(make: MakeRecord) -> None:
    board = _board([make("dq", 0.1, [1.0, 2.0, 3.0]), make("dq", 0.1, [1.0, 2.0])])
    assert _at(board, "dq").score.count == 3
    assert len(board.section.replaced) == 1
    with pytest.raises(UsageError):
        _board([make("dq", 0.1, [1.0, 2.0], seeds=[0, 1]), make("dq", 0.1, [1.0, 2.0], seeds=[1, 2])])


def test_scores_that_are_not_finite_are_refused(make: MakeRecord, tmp_path: Path) -> None:
    path = records.write(make("dq", 0.1, [1.0, 2.0]), tmp_path)
    text = path.read_text().replace('"score": 1.0', '"score": NaN', 1)
    path.write_text(with_checksum(re.sub(r',\n "checksum": "\w+"', "", text)))
    with pytest.raises(UsageError, match=str(path.name)):
        load(tmp_path)


@pytest.mark.parametrize(("field", "words"), [("best_epoch_score", "best score"), ("wall_s", "seconds of job")])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_other_numbers_that_are_not_finite_are_refused(make: MakeRecord, field: str, words: str, value: float) -> None:
    record = make("dq", 0.1, [1.0, 2.0])
    runs = [run.model_copy(update={field: value}) for run in record.runs] if field != "wall_s" else record.runs
    jobs = {key: job.model_copy(update={field: value}) for key, job in record.jobs.items()}
    with pytest.raises(UsageError, match=words):
        check(record.model_copy(update={"runs": runs, "jobs": jobs if field == "wall_s" else record.jobs}), "here")


def test_runs_must_be_those_of_the_cell(make: MakeRecord) -> None:
    record = make("dq", 0.1, [1.0, 2.0])
    with pytest.raises(UsageError, match="seeds"):
        check(record.model_copy(update={"runs": record.runs[:1]}), "here")


@pytest.mark.parametrize("task", ["../outside", "README", "a b", ".hidden"])
def test_a_task_that_is_no_file_name_is_refused(make: MakeRecord, task: str) -> None:
    with pytest.raises(UsageError, match="no name"):
        check(make("dq", 0.1, [1.0], task=task), "here")


def test_records_whose_observer_shared_initial_weights_are_named(make: MakeRecord) -> None:
    def said(found: list[Record]) -> list[str]:
        return [words for words in state(_board(found)) if "initial weights" in words]

    old = [make("random", 0.1, [1.0, 2.0]), make("dq", 0.1, [1.0, 2.0]), make("dq", 0.1, [1.0, 2.0], "convnet3-slim")]
    assert [words.count("resnet10-slim") for words in said(old)] == [1], "the observer's architecture alone"
    noted = [
        record.model_copy(update={"versions": record.versions.model_copy(update={"job_versions": {"observe": 1}})})
        for record in old
    ]
    assert not said(noted)
