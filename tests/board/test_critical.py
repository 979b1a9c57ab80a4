"""Critical differences: by hand, against scipy and the published table, and when there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from dqbench.board.critical import CriticalDifference, NoCriticalDifference, analyse, critical_differences, nemenyi
from dqbench.board.files import boards
from dqbench.board.reading import entries_of
from dqbench.records import Record

MakeRecord = Callable[..., Record]


def test_quantiles_are_those_of_the_table() -> None:
    # Demsar 2006, table 5a
    assert [round(nemenyi(k), 3) for k in (2, 3, 4, 5, 10)] == [1.960, 2.344, 2.569, 2.728, 3.164]


def test_by_hand() -> None:
    scores = [[3.0, 2.0, 1.0], [30.0, 20.0, 20.0], [0.2, 0.3, 0.1], [9.0, 8.0, 7.0]]
    found = analyse("hard", ("a", "b", "c", "d"), ["x", "y", "z"], scores)
    assert found.ranks == (("x", 1.25), ("y", 1.875), ("z", 2.875))
    assert found.difference == pytest.approx(2.343701 * math.sqrt(3 * 4 / 24), abs=1e-5)  # 1.657
    assert found.groups == (("x", "y", "z"),)


def test_groups_overlap_and_none_is_inside_another() -> None:
    rng = np.random.default_rng(0)
    scores = np.array([[4.0, 3.0, 2.0, 1.0]] * 12) + rng.normal(0, 0.01, (12, 4))
    found = analyse("hard", tuple("abcdefghijkl"), ["best", "good", "fair", "poor"], scores.tolist())
    assert found.difference == pytest.approx(1.354, abs=1e-3)
    assert found.groups == (("best", "good"), ("good", "fair"), ("fair", "poor"))


def test_friedman_agrees_with_scipy() -> None:
    scores = np.random.default_rng(2).normal(0, 1, (7, 4))
    chi2 = stats.friedmanchisquare(*scores.T).statistic
    f = 6 * chi2 / (7 * 3 - chi2)
    found = analyse("hard", tuple("abcdefg"), list("wxyz"), scores.tolist())
    assert found.p == pytest.approx(stats.f.sf(f, 3, 18), rel=1e-9)


def test_perfect_agreement_has_the_smallest_p() -> None:
    assert analyse("hard", ("a", "b", "c"), ["x", "y", "z"], [[3, 2, 1]] * 3).p == 0.0


def test_alike_methods_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(5)
    alarms = [
        len(analyse("hard", tuple("abcdefghij"), list("vwxyz"), scores.tolist()).groups[0]) < 5
        for scores in rng.normal(0, 1, (500, 10, 5))
    ]
    assert np.mean(alarms) <= 0.06


def _task(make: MakeRecord, task: str, methods: Sequence[str] = ("adq", "dq"), **rest: object) -> list[Record]:
    found = [make("random", 0.1, [50.0, 51.0, 52.0, 53.0, 54.0], task=task, **rest)]
    found += [make(m, 0.1, [60.0 + i + seed for seed in range(5)], task=task, **rest) for i, m in enumerate(methods)]
    return found


def _of(records: list[Record]) -> list[CriticalDifference | NoCriticalDifference]:
    return critical_differences(boards(entries_of(records)))


def test_blocks_are_tasks_at_the_profile_paper(make: MakeRecord) -> None:
    found = [r for task in ("a", "b", "c") for r in _task(make, task, profile="paper")]
    (analysis,) = _of(found + _task(make, "d", profile="quick"))
    assert isinstance(analysis, CriticalDifference)
    assert analysis.tasks == ("a", "b", "c")
    assert [name for name, _ in analysis.ranks] == ["dq", "adq", "random"]


def test_regimes_of_labels_are_apart(make: MakeRecord) -> None:
    found = [r for task in ("a", "b", "c") for r in _task(make, task, profile="paper", labels="soft")]
    hard, soft = _of(found)
    assert isinstance(hard, NoCriticalDifference)
    assert isinstance(soft, CriticalDifference)
    assert soft.labels == "soft"


def test_too_few_tasks_methods_or_seeds_are_said(make: MakeRecord) -> None:
    two = [r for task in ("a", "b") for r in _task(make, task, profile="paper")]
    (reason,) = _of(two)
    assert isinstance(reason, NoCriticalDifference)
    assert "it needs 3 tasks" in reason.reason
    assert "there are 2" in reason.reason
    (none,) = critical_differences({})
    assert isinstance(none, NoCriticalDifference)
    assert "there is none" in none.reason
    (few,) = _of(two + _task(make, "c", methods=("adq",), profile="paper"))
    assert isinstance(few, NoCriticalDifference)
    assert "it needs 3 methods" in few.reason
    seeds = [make(m, 0.1, [1.0, 2.0, 3.0, 4.0], task="c", profile="paper") for m in ("random", "adq", "dq")]
    (short,) = _of(two + seeds)
    assert isinstance(short, NoCriticalDifference)


def test_rows_with_missing_cells_and_controls_are_left_out(make: MakeRecord) -> None:
    found = [r for task in ("a", "b", "c") for r in _task(make, task, ("adq", "dq", "herding"), profile="paper")]
    found.append(make("random", 0.3, [60.0, 61.0, 62.0, 63.0, 64.0], task="c", profile="paper"))
    found += [make(m, 0.3, [60.0, 61.0, 62.0, 63.0, 64.0], task="c", profile="paper") for m in ("adq", "dq")]
    found += [make("ctl", 0.1, [9.0, 9.2, 9.5, 9.7, 9.9], task=t, profile="paper", control_of="adq") for t in "abc"]
    (analysis,) = _of(found)
    assert isinstance(analysis, CriticalDifference)
    assert {name for name, _ in analysis.ranks} == {"adq", "dq", "random"}
