"""Coreset methods on planted samples: which end of each score is kept, against formulas written out by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from dqbench import plugins
from dqbench.budgets import resolve
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.methods.coresets.ccs import equal_width, smallest_first
from dqbench.methods.coresets.d2 import by_messages
from dqbench.methods.coresets.moderate import centre_distance, from_the_middle
from dqbench.methods.coresets.ssl_prototypes import prototype_distance
from dqbench.observe import scores
from dqbench.observe.gradients import last_layer_gradient
from dqbench.specs import Budget, load_target

REGISTRY = plugins.load()
CLASSES, EACH, D = 2, 12, 3


@dataclass(frozen=True)
class Seen:
    """An observer's view, without a network."""

    features: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    device: str = "cpu"

    def gradients(self, double_softmax=False):
        return last_layer_gradient(self.logits, self.labels, double_softmax)


@pytest.fixture(scope="module")
def source():
    labels = np.tile(np.arange(CLASSES), EACH).astype(np.int64)
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    ids = np.arange(len(labels), dtype=np.int64) * 3 + 5
    return Source("planted", images, labels, ("a", "b"), ids, "0", np.full(3, 0.5), np.full(3, 0.25))


@pytest.fixture(scope="module")
def observed(source):
    """Sample 2 is undecided, sample 3 mislabelled, sample 4 surest of all; the features are random."""
    rng = np.random.default_rng(0)
    sure = np.linspace(2, 5, len(source.labels))
    logits = np.stack([np.where(source.labels == c, sure, 0.0) for c in range(CLASSES)], axis=1)
    logits[2], logits[3], logits[4] = 0.01, [9.0, 0.0], [60.0, 0.0]
    return Seen(rng.standard_normal((len(source.labels), D)), logits, source.labels)


def kept(name, source, observed, budget, seed=0, **options):
    """Positions of what a method keeps, driven as the jobs drive it."""
    spec = REGISTRY.methods[name]
    config = spec.config(**options)
    prepared = None
    for one, its_config in REGISTRY.preparations(spec, config):
        prior = {} if prepared is None else {"prior": prepared}
        prepared = load_target(one.target)(its_config).prepare(source, observed, seed, **prior)
    resolved = resolve(budget, source.class_counts, seed)
    return source.positions(load_target(spec.target)(config).compress(source, prepared, resolved, seed).ids).tolist()


@pytest.mark.parametrize("scope", ["class", "dataset"])
@pytest.mark.parametrize("name", ["margin", "entropy", "least-confidence"])
def test_uncertainty_takes_the_least_certain_first_and_the_surest_last(source, observed, name, scope):
    whole = kept(name, source, observed, Budget.full(), scope=scope)
    order = whole if scope == "dataset" else [x for x in whole if source.labels[x] == 0]
    assert order[0] == 2
    assert order[-1] == 4


@pytest.mark.parametrize("scope", ["class", "dataset"])
@pytest.mark.parametrize("name", ["el2n", "grand"])
def test_errors_take_the_mislabelled_before_the_undecided(source, observed, name, scope):
    alike = Seen(np.ones_like(observed.features), observed.logits, observed.labels)
    assert 3 in kept(name, source, alike, Budget.ipc(1), scope=scope)
    assert kept(name, source, alike, Budget.full(), scope="dataset")[:2] == [3, 2]


def test_a_whole_set_may_be_of_one_class_and_a_balanced_one_may_not(source, observed):
    flat = observed.logits.copy()
    flat[source.labels == 1] = [0.0, 70.0]
    seen = Seen(observed.features, flat, source.labels)
    whole = kept("margin", source, seen, Budget.ratio(0.5), scope="dataset")
    assert set(source.labels[whole]) == {0}
    assert np.bincount(source.labels[kept("margin", source, seen, Budget.ratio(0.5))]).tolist() == [6, 6]


def test_scores_are_their_formulas():
    z, y, h = np.random.default_rng(1).standard_normal((3, 20, 4))
    y = np.argmax(y, axis=1)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    falling = np.sort(p, axis=1)[:, ::-1]
    g = p - np.eye(4)[y]
    assert scores.least_confidence(z) == pytest.approx(1 - p.max(axis=1))
    assert scores.small_margin(z) == pytest.approx(1 - (falling[:, 0] - falling[:, 1]))
    assert scores.entropy(z) == pytest.approx(-(p * np.log(p)).sum(axis=1))
    assert scores.el2n(last_layer_gradient(z, y)) == pytest.approx(np.sqrt((g**2).sum(axis=1)))
    whole = np.einsum("ni,nj->nij", g, np.hstack([np.ones((20, 1)), h])).reshape(20, -1)
    assert scores.grand(last_layer_gradient(z, y), h) == pytest.approx(np.linalg.norm(whole, axis=1))


@pytest.mark.parametrize("score", [scores.least_confidence, scores.small_margin, scores.entropy])
def test_confident_samples_keep_their_order_where_probabilities_round_to_one(score):
    falling = score(np.array([[z, 0.0, -1.0] for z in (40.0, 45.0, 60.0, 200.0)]))
    assert (np.diff(falling) < 0).all()
    assert (falling > 0).all()


def test_moderate_keeps_the_window_around_the_median_and_not_the_extremes(source):
    distance = np.array([3.0, 9.0, 1.0, 5.0, 7.0])
    assert from_the_middle(distance).tolist() == [3, 0, 4, 2, 1]
    for length in (1, 2, 7, 8):
        order = from_the_middle(np.arange(float(length)))
        for k in range(1, length + 1):
            window = np.sort(order[:k])
            assert np.ptp(window) == k - 1
            assert abs(window.mean() - (length - 1) / 2) <= 0.5
    far = np.zeros((len(source.labels), 1))
    far[source.labels == 0, 0] = np.arange(EACH) ** 2
    seen = Seen(far, np.zeros((len(far), CLASSES)), source.labels)
    of_class_0 = np.flatnonzero(source.labels == 0)
    sizes = np.abs(far[of_class_0, 0] - far[of_class_0, 0].mean())
    middle = of_class_0[np.argsort(sizes, kind="stable")[4:8]]
    assert sorted(x for x in kept("moderate", source, seen, Budget.ipc(4)) if source.labels[x] == 0) == sorted(middle)


def test_centre_distance_is_to_the_mean_of_its_own_class():
    found = centre_distance(np.array([[0.0], [2.0], [10.0], [16.0]]), np.array([0, 0, 1, 1]))
    assert found.tolist() == [1, 1, 3, 3]


def test_prototypes_are_those_of_the_own_cluster_and_the_end_can_be_chosen(source):
    rng = np.random.default_rng(2)
    angle = np.where(source.labels == 0, 0.0, np.pi / 2) + rng.normal(0, 0.05, len(source.labels))
    angle[6] += 0.5
    features = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(1, 9, (len(angle), 1))
    centres = np.zeros((2, 2))
    for c in range(2):
        centres[c] = (features / np.linalg.norm(features, axis=1, keepdims=True))[source.labels == c].mean(axis=0)
    cosines = (features * centres[source.labels]).sum(1)
    cosines /= np.linalg.norm(features, axis=1) * np.linalg.norm(centres[source.labels], axis=1)
    assert prototype_distance(features, 2, 0) == pytest.approx(1 - cosines)
    seen = Seen(features, np.zeros((len(angle), CLASSES)), source.labels)
    assert 6 in kept("ssl-prototypes", source, seen, Budget.ipc(1))
    assert 6 not in kept("ssl-prototypes", source, seen, Budget.ipc(EACH - 1), end="easy")


@pytest.mark.parametrize("seed", range(20))
def test_strata_give_the_whole_budget_and_none_that_has_more_gives_less(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 9, 7)
    for budget in range(int(sizes.sum()) + 1):
        quotas = smallest_first(sizes, budget, rng.random(7))
        assert quotas.sum() == budget
        assert (quotas <= sizes).all()
        assert (np.diff(quotas[np.argsort(sizes, kind="stable")]) >= -1).all()
        short = quotas < sizes
        assert not short.any() or quotas[short].max() - quotas[short].min() <= 1


def test_strata_are_of_equal_width_with_the_highest_score_in_the_last():
    assert equal_width(np.array([0.0, 0.24, 0.26, 0.75, 1.0]), 4).tolist() == [0, 0, 1, 3, 3]
    assert equal_width(np.full(3, 0.7), 50).tolist() == [0, 0, 0]


@pytest.mark.parametrize("scope", ["class", "dataset"])
def test_ccs_drops_the_hardest_until_the_budget_needs_them(source, observed, scope):
    hardest = 3
    for seed in range(5):
        options = {"scope": scope, "mis_ratio": 0.25, "base": "el2n"}
        assert hardest not in kept("ccs", source, observed, Budget.ratio(0.75), seed, **options)
        assert len(kept("ccs", source, observed, Budget.full(), seed, **options)) == len(source.labels)
    with_it = [kept("ccs", source, observed, Budget.ratio(0.5), s, scope=scope, mis_ratio=0.0) for s in range(5)]
    assert all(hardest in ids for ids in with_it)


def test_ccs_covers_the_scores_where_a_rank_would_not(source, observed):
    logits = np.zeros((len(source.labels), CLASSES))
    # the odds of the label rise evenly, so that p_y and EL2N are evenly spread over their range
    share = np.linspace(0.1, 0.9, len(logits))
    logits[np.arange(len(logits)), source.labels] = np.log(share / (1 - share))
    seen = Seen(observed.features, logits, source.labels)
    chosen = share[kept("ccs", source, seen, Budget.ipc(4), mis_ratio=0.0, strata=4, scope="dataset")]
    assert np.histogram(chosen, np.linspace(0.1, 0.9, 5))[0].tolist() == [2, 2, 2, 2]


def test_which_of_two_equal_strata_gives_more_is_drawn(source):
    draws = [smallest_first(np.array([4, 4, 4]), 4, np.random.default_rng(s).random(3)).argmax() for s in range(30)]
    assert set(draws) == {0, 1, 2}


@pytest.mark.parametrize("base", ["margin", "grand", "ssl-prototypes"])
def test_wrappers_take_the_score_of_any_base(source, observed, base):
    spec = REGISTRY.methods["d2"]
    config = spec.config(base=base, scope="dataset")
    before, own = REGISTRY.preparations(spec, config)
    assert (before[0].name, own[0].name) == (base, "d2")
    assert before[1].scope == "dataset"
    assert sorted(kept("d2", source, observed, Budget.full(), base=base)) == list(range(len(source.labels)))


@pytest.mark.parametrize("name", ["ccs", "d2"])
@pytest.mark.parametrize(
    ("base", "words"), [("herding", "gives samples no scores; use one of"), ("el2m", "el2n"), ("d2", "no scores")]
)
def test_a_base_without_scores_is_refused_before_anything_runs(name, base, words):
    spec = REGISTRY.methods[name]
    with pytest.raises(UsageError, match=words):
        list(REGISTRY.preparations(spec, spec.config(base=base)))


def textbook_d2(score, phi, k, gamma):
    n = len(score)
    distance = np.linalg.norm(phi[:, None] - phi[None], axis=2)
    near = [sorted((j for j in range(n) if j != i), key=lambda j, i=i: distance[i, j])[:k] for i in range(n)]
    s = [score[i] + sum(math.exp(-distance[i, j]) * score[j] for j in near[i]) for i in range(n)]
    order = []
    while len(order) < n:
        pick = max((i for i in range(n) if i not in order), key=lambda i: s[i])
        order.append(pick)
        for j in near[pick]:
            s[j] -= math.exp(-gamma * distance[pick, j]) * s[pick]
    return order


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 5, 40])
def test_d2_is_the_textbooks(seed, k):
    rng = np.random.default_rng(seed)
    score, phi = rng.random(25), rng.standard_normal((25, 3))
    assert by_messages(score, phi, k, 0.1).tolist() == textbook_d2(score, phi, k, 0.1)


def test_d2_takes_one_of_a_dense_pair_and_then_goes_elsewhere():
    phi = np.array([[0.0], [0.01], [8.0], [8.1], [20.0]])
    order = by_messages(np.array([1.0, 0.9, 0.5, 0.4, 0.1]), phi, 1, 0.1)
    assert order[0] in (0, 1)
    assert order[1] in (2, 3)


def test_only_the_drawn_start_of_k_center_depends_on_the_seed(source, observed):
    for name in ("herding", "facility-location", "moderate"):
        assert kept(name, source, observed, Budget.ipc(3), 0) == kept(name, source, observed, Budget.ipc(3), 1)
    assert len({tuple(kept("k-center", source, observed, Budget.ipc(3), seed)) for seed in range(8)}) > 1
