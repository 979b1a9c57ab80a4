"""Methods on texts against what their definitions say, on problems small enough to do by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from stub_texts import text_source

from dqbench import UsageError, plugins
from dqbench.budgets import ResolvedBudget, resolve
from dqbench.data.text_source import TextSource
from dqbench.methods.coresets.graphcut import GraphCut, GraphCutConfig
from dqbench.methods.coresets.k_center import KCenter, KCenterConfig
from dqbench.methods.quantization.dq import DQ, DQConfig
from dqbench.methods.texts.ifd import IFD, IFDConfig
from dqbench.methods.texts.longest import Longest, LongestConfig
from dqbench.methods.texts.perplexity import Perplexity, PerplexityConfig
from dqbench.methods.texts.replay import Replay, ReplayConfig, list_hash
from dqbench.methods.texts.semdedup import SemDeDup, SemDeDupConfig
from dqbench.observe.texts import ObservedTexts
from dqbench.specs import Budget

SOURCE = text_source(48)
ON_TEXTS = {"embedding": "feature", "metric": "dot"}


def observed(features: np.ndarray | None = None, **losses: np.ndarray) -> ObservedTexts:
    return ObservedTexts(lambda: features, lambda: losses, "cpu")  # type: ignore[arg-type,return-value]


def budget(samples: int, source: TextSource = SOURCE) -> ResolvedBudget:
    return resolve(Budget.ratio(samples / len(source)), source.class_counts, 0)


def features(seed: int = 0, width: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(48, width)).astype(np.float32)


def test_longest_keeps_the_longest_answers_in_bytes() -> None:
    kept = Longest(LongestConfig()).compress(SOURCE, None, budget(10), 0)
    sizes = {identity: len(text.output.encode()) for identity, text in zip(SOURCE.ids, SOURCE.texts, strict=True)}
    shortest_kept = min(sizes[one] for one in kept.ids)
    assert len(kept) == 10
    assert all(sizes[one] <= shortest_kept for one in SOURCE.ids if one not in kept.ids)


def test_ifd_keeps_the_highest_ratio_up_to_one_and_drops_what_is_above() -> None:
    draw = np.random.default_rng(0)
    alone = draw.uniform(1, 5, size=48)
    ratio = draw.permutation(np.linspace(0.3, 1.5, 48))
    method = IFD(IFDConfig())
    prepared = method.prepare(SOURCE, observed(given=ratio * alone, alone=alone, tokens=np.ones(48)), 0)
    fine = int((ratio <= 1).sum())
    kept = method.compress(SOURCE, prepared, budget(fine), 0)
    order = [one for one in np.argsort(-ratio) if ratio[one] <= 1]
    assert kept.ids.tolist() == SOURCE.ids[order].tolist()
    more = method.compress(SOURCE, prepared, budget(fine + 1), 0)
    assert more.ids[-1] == SOURCE.ids[np.argmin(np.where(ratio > 1, ratio, np.inf))]


@pytest.mark.parametrize("part", ["low", "mid", "high"])
def test_perplexity_keeps_one_part_of_the_ranks(part: str) -> None:
    tokens = np.random.default_rng(0).integers(1, 30, size=48)
    rank = np.random.default_rng(1).permutation(48)
    losses = observed(given=(1.0 + rank) * tokens, alone=np.ones(48), tokens=tokens)
    method = Perplexity(PerplexityConfig(part=part))  # type: ignore[arg-type]
    kept = method.compress(SOURCE, method.prepare(SOURCE, losses, 0), budget(12), 0)
    found = sorted(rank[SOURCE.positions(kept.ids)].tolist())
    assert found == {"low": [*range(12)], "mid": [*range(18, 30)], "high": [*range(36, 48)]}[part]


def test_semdedup_keeps_one_of_each_group_of_copies() -> None:
    twelve = np.random.default_rng(0).normal(size=(12, 30))
    copies = np.concatenate([twelve + 1e-3 * np.random.default_rng(i).normal(size=(12, 30)) for i in range(4)])
    method = SemDeDup(SemDeDupConfig(clusters=3))
    prepared = method.prepare(SOURCE, observed(copies.astype(np.float32)), 0)
    kept = method.compress(SOURCE, prepared, budget(12), 0)
    assert sorted(SOURCE.positions(kept.ids) % 12) == [*range(12)]


def test_semdedups_scores_are_cosines_to_what_came_before() -> None:
    from sklearn.cluster import KMeans

    from dqbench import derive

    given = features()
    scores = SemDeDup(SemDeDupConfig(clusters=4)).score(SOURCE, observed(given), 0)
    unit = given.astype(np.float64) / np.linalg.norm(given.astype(np.float64), axis=1, keepdims=True)
    found = KMeans(4, n_init=1, random_state=derive(0, "clusters") % 2**32).fit(unit)
    for place in range(48):
        centre = found.cluster_centers_[found.labels_[place]]
        farther = [
            unit[other] @ unit[place]
            for other in range(48)
            if found.labels_[other] == found.labels_[place] and unit[other] @ centre < unit[place] @ centre
        ]
        assert scores[place] == pytest.approx(-max(farther, default=-1.0))


def test_graph_cut_on_texts_is_the_textbooks_with_inner_products() -> None:
    given = features().astype(np.float64)
    similar = given @ given.T
    left, picked = set(range(48)), []
    while left:
        gains = {x: similar[:, x].sum() - 2 * sum(similar[s, x] for s in picked) for x in left}
        best = max(gains, key=lambda x: (gains[x], -x))
        picked.append(best)
        left.remove(best)
    method = GraphCut(GraphCutConfig(**ON_TEXTS))
    kept = method.compress(SOURCE, method.prepare(SOURCE, observed(features()), 0), budget(20), 0)
    assert SOURCE.positions(kept.ids).tolist() == picked[:20]


def test_dq_on_texts_takes_as_many_of_each_bin_and_one_bin_taken_in_order_is_graph_cut() -> None:
    method = DQ(DQConfig(bins=4, **ON_TEXTS))
    kept = method.compress(SOURCE, method.prepare(SOURCE, observed(features()), 0), budget(12), 3)
    assert np.bincount(kept.bins, minlength=4).tolist() == [3, 3, 3, 3]
    one = DQ(DQConfig(bins=1, sampler="first", **ON_TEXTS))
    cut = GraphCut(GraphCutConfig(**ON_TEXTS))
    both = [m.compress(SOURCE, m.prepare(SOURCE, observed(features()), 0), budget(12), 0).ids for m in (one, cut)]
    assert both[0].tolist() == both[1].tolist()


def test_k_center_takes_texts_as_they_are() -> None:
    method = KCenter(KCenterConfig())
    kept = method.compress(SOURCE, method.prepare(SOURCE, observed(features()), 0), budget(7), 0)
    assert len(set(kept.ids.tolist())) == 7


def test_last_layer_gradients_of_texts_are_refused() -> None:
    with pytest.raises(UsageError, match="set embedding=feature"):
        GraphCut(GraphCutConfig()).prepare(SOURCE, observed(features()), 0)


def lists(folder: Path, **named: object) -> str:
    (folder / "lists.json").write_text(json.dumps(named))
    return str(folder / "lists.json")


def test_replay_keeps_what_the_list_names(tmp_path: Path) -> None:
    file = lists(tmp_path, mine=[4, 90, 0, 33, 2])  # 33 is a row that is not in the training set
    config = ReplayConfig(file=f"{file}#mine")
    kept = Replay(config).compress(SOURCE, None, budget(4), 0)
    assert kept.ids.tolist() == [4, 90, 0, 2]
    assert kept.notes == {"listed": 5, "not_in_training_set": 1}
    assert set(Replay(config).compress(SOURCE, None, budget(2), 0).ids.tolist()) < {4, 90, 0, 2}
    assert config.shown() == {"file": "lists.json#mine", "sha256": list_hash([4, 90, 0, 33, 2])}


def test_replay_refuses_more_than_the_list_names_and_rows_that_are_not_there(tmp_path: Path) -> None:
    file = lists(tmp_path, mine=[4, 90], far=[4, 96])
    with pytest.raises(
        UsageError, match=r"names 2 texts of the training set, the budget is 3; give at most --keep 0.0416"
    ):
        Replay(ReplayConfig(file=f"{file}#mine")).compress(SOURCE, None, budget(3), 0)
    with pytest.raises(UsageError, match=r"names row 96, and fruit has 96 rows"):
        Replay(ReplayConfig(file=f"{file}#far")).compress(SOURCE, None, budget(1), 0)
    with pytest.raises(UsageError, match="replay needs a list"):
        Replay(ReplayConfig()).compress(SOURCE, None, budget(1), 0)


def test_a_list_that_changed_since_it_was_planned_is_refused(tmp_path: Path) -> None:
    config = ReplayConfig(file=lists(tmp_path, mine=[4, 90]) + "#mine")
    lists(tmp_path, mine=[4, 92])
    assert ReplayConfig.model_validate(config.stated()) == config  # what a job reads is the hash of the plan
    with pytest.raises(UsageError, match="changed since this run was planned"):
        Replay(config).compress(SOURCE, None, budget(1), 0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([1, 1], "names 1 rows twice"),
        ([], "no rows"),
        (["a"], "no list of row numbers"),
        ({}, "no list of row numbers"),
    ],
)
def test_what_is_no_list_of_rows_is_refused(rows: object, message: str, tmp_path: Path) -> None:
    file = lists(tmp_path, mine=rows)
    with pytest.raises(ValidationError, match=message):
        ReplayConfig(file=f"{file}#mine")
    with pytest.raises(ValidationError, match="holds the lists mine; name one"):
        ReplayConfig(file=file)
    with pytest.raises(ValidationError, match="cannot be read as JSON"):
        ReplayConfig(file=str(tmp_path / "absent.json"))


def test_methods_say_what_they_choose_from() -> None:
    registry = plugins.load()
    on_texts = {spec.name for spec in registry.methods if "texts" in spec.data}
    assert on_texts >= {"random", "dq", "graphcut", "k-center", "facility-location", "longest", "ifd", "perplexity"}
    assert not on_texts & {"margin", "entropy", "grand", "el2n", "adq", "rded", "dm"}


@pytest.mark.parametrize(
    "method", [SemDeDup(SemDeDupConfig()), GraphCut(GraphCutConfig.model_validate(ON_TEXTS)), KCenter(KCenterConfig())]
)
def test_an_embedding_that_is_not_finite_is_refused_by_text(method: SemDeDup | GraphCut | KCenter) -> None:
    spoilt = features()
    spoilt[31, 2] = np.nan
    with pytest.raises(ValueError, match="sample 31 are not finite"):
        method.prepare(SOURCE, observed(spoilt), 0)
