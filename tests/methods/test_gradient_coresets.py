"""Coresets by gradients and by coverage, against their formulas written out and on planted samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from dqbench import compressed, plugins
from dqbench.budgets import resolve
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.jobs.train import training_data
from dqbench.methods.coresets.glister import _held_out
from dqbench.methods.coresets.infomax import InfoMaxConfig, solve
from dqbench.methods.coresets.zcore import coverage
from dqbench.observe.gradients import last_layer_gradient
from dqbench.specs import Budget, load_target

REGISTRY = plugins.load()
CLASSES, EACH = 2, 12
NAMES = ("craig", "gradmatch", "glister", "zcore", "infomax")
OPTIONS = {"zcore": {"draws": 200}, "craig": {"embedding": "gradient"}}


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
def seen(source):
    rng = np.random.default_rng(4)
    n = len(source.labels)
    return Seen(rng.standard_normal((n, 3)), rng.standard_normal((n, CLASSES)), source.labels)


def chosen(name, source, seen, budget, seed=0, **options):
    """The subset that a method gives, and its positions."""
    spec = REGISTRY.methods[name]
    resolved = resolve(budget, source.class_counts, seed)
    method = load_target(spec.target)(spec.config(**options))
    prepared = method.prepare(source, seen, seed) if spec.prepares else None
    looking = {"observed": seen} if spec.observes_in_compress else {}
    subset = method.compress(source, prepared, resolved, seed, **looking)
    return subset, source.positions(subset.ids)


@pytest.mark.parametrize("scope", ["class", "dataset"])
@pytest.mark.parametrize("embedding", ["logit", "gradient"])
def test_craig_weights_are_the_sizes_of_clusters(source, seen, scope, embedding):
    subset, places = chosen("craig", source, seen, Budget.ipc(4), scope=scope, embedding=embedding)
    g = seen.gradients()
    wide = np.hstack([np.ones((len(g), 1)), seen.features])
    f = g if embedding == "logit" else np.einsum("ni,nj->nij", g, wide).reshape(len(g), -1)
    distance = np.linalg.norm(f[:, None] - f[None], axis=2)
    for label in range(CLASSES) if scope == "class" else [None]:
        members = np.flatnonzero(source.labels == label) if scope == "class" else np.arange(len(g))
        of_group = np.isin(places, members)
        nearest = distance[np.ix_(members, places[of_group])].argmin(axis=1)
        assert subset.weights[of_group].tolist() == np.bincount(nearest, minlength=of_group.sum()).tolist()
        assert subset.weights[of_group].sum() == len(members)
        costs = {x: distance[np.ix_(members, [x])].sum() for x in members}
        assert costs[places[of_group][0]] == pytest.approx(min(costs.values()))


def test_gradmatch_comes_nearer_to_the_whole_gradient_than_chance(source, seen):
    subset, places = chosen("gradmatch", source, seen, Budget.ipc(4), ridge=0.0)
    wide = np.hstack([np.ones((len(source), 1)), seen.features])
    f = np.einsum("ni,nj->nij", seen.gradients(), wide).reshape(len(source), -1)
    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        members = np.flatnonzero(source.labels == label)
        ours = source.labels[places] == label
        missed = np.linalg.norm(subset.weights[ours] @ f[places[ours]] - f[members].sum(axis=0))
        for _ in range(20):
            drawn = rng.choice(members, 4, replace=False)
            assert missed < np.linalg.norm(len(members) / 4 * f[drawn].sum(axis=0) - f[members].sum(axis=0))


def test_gradmatch_draws_what_matching_does_not_give_with_weight_one(source, seen):
    sure = Seen(seen.features, np.where(np.eye(CLASSES)[source.labels] > 0, 800.0, 0.0), source.labels)
    subset, places = chosen("gradmatch", source, sure, Budget.ipc(3))
    assert subset.notes == {"matched": 0}
    assert subset.weights.tolist() == [1.0] * 6
    assert set(places) != set(chosen("gradmatch", source, sure, Budget.ipc(3), seed=1)[1])


@pytest.mark.parametrize("scope", ["class", "dataset"])
def test_glister_takes_the_step_that_lowers_the_held_out_loss_most(source, seen, scope):
    eta = 1e-4
    _, places = chosen("glister", source, seen, Budget.ipc(3), scope=scope, eta=eta, validation=0.3)
    held = _held_out(source.labels, 0.3, 0)
    assert not np.isin(places, held).any()
    g, wide = seen.gradients(), np.hstack([np.ones((len(source), 1)), seen.features])
    moved, counts = np.zeros((CLASSES, wide.shape[1])), np.zeros(CLASSES, int)

    def loss(change):
        z = seen.logits[held] + wide[held] @ change.T
        return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(held)), source.labels[held]]))

    for step, pick in enumerate(places):
        free = [x for x in range(len(source)) if x not in held and x not in places[:step]]
        if scope == "class":
            free = [x for x in free if counts[source.labels[x]] < 3]
        losses = {x: loss(moved - eta * np.outer(g[x], wide[x])) for x in free}
        assert losses[pick] <= min(losses.values()) + 1e-9
        moved -= eta * np.outer(g[pick], wide[pick])
        counts[source.labels[pick]] += 1


def test_glister_chooses_what_was_held_out_last(source, seen):
    _, places = chosen("glister", source, seen, Budget.full())
    held = _held_out(source.labels, 0.1, 0)
    assert sorted(places) == list(range(len(source)))
    assert set(places[-len(held) :]) == set(held)


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        # decile-team/cords, configs/SL/config_gradmatch_cifar10.py
        ("gradmatch", {"ridge": 0.5}),
        # dssresearch/GLISTER, dss_deep.py: validation_set_fraction, and eta, which is the learning rate
        ("glister", {"validation": 0.1, "eta": 0.05}),
        # voxel51/zcore, zeroshot_coreset_selection.py: n_sample, sample_dim, redund_nn, redund_exp
        ("zcore", {"draws": 10**6, "dimensions": 2, "neighbours": 1000, "power": 4}),
        # baharanm/craig, train_resnet.py: softmax less one-hot
        ("craig", {"embedding": "logit"}),
    ],
)
def test_defaults_are_those_of_the_authors_code(name, defaults):
    assert {key: getattr(REGISTRY.methods[name].config(), key) for key in defaults} == defaults


@pytest.mark.parametrize("seed", range(3))
def test_coverage_is_the_loop_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    f = rng.standard_normal((15, 4))
    f[7] = f[3]
    got = coverage(f, 60, 2, 5, 4.0, np.random.default_rng(seed))
    draws, scores = np.random.default_rng(seed), np.zeros(15)
    for _ in range(60):
        dims = draws.choice(4, 2, replace=False)
        x = f[:, dims]
        point = draws.triangular(x.min(axis=0), np.median(x, axis=0), x.max(axis=0))
        pick = int(np.abs(x - point).sum(axis=1).argmin())
        scores[pick] += 1
        apart = np.abs(x - x[pick]).sum(axis=1)
        near = [i for i in np.argsort(apart, kind="stable") if i != pick][:5]
        if apart[near[0]] == 0:
            scores[near[0]] -= 1
        else:
            scores[near] -= apart[near] ** -4 / (apart[near] ** -4).sum()
    assert got == pytest.approx(scores)


def test_zcore_takes_what_lies_alone_and_one_of_the_copies(source):
    f = np.zeros((len(source), 2))
    f[:2] = [[5.0, 5.0], [-5.0, -4.0]]
    seen = Seen(f, np.zeros((len(f), CLASSES)), source.labels)
    _, places = chosen("zcore", source, seen, Budget.ratio(3 / 24), scope="dataset", draws=500)
    assert set(places) == {0, 1, 2}


def test_infomax_takes_information_and_leaves_copies():
    angles = np.array([0.0, 0.0, 1.2, 2.4, 3.6, 4.8])
    f = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    information = np.array([1.0, 0.99, 0.9, 0.2, 0.1, 0.0])
    lone = solve(information, f, 3, InfoMaxConfig(alpha=3.0, neighbours=1))
    assert set(np.argsort(-lone)[:2]) != {0, 1}
    blind = solve(information, f, 3, InfoMaxConfig(alpha=0.0))
    assert np.argsort(-blind, kind="stable").tolist() == [0, 1, 2, 3, 4, 5]


def test_infomax_solves_its_fixed_point():
    rng = np.random.default_rng(0)
    f = rng.standard_normal((30, 4))
    f /= np.linalg.norm(f, axis=1, keepdims=True)
    information = np.concatenate([[0.0, 1.0], rng.random(28)])
    x = solve(information, f, 3, InfoMaxConfig(neighbours=3, steps=200))
    cosines = f @ f.T
    near = np.argsort(cosines - 9 * np.eye(30), axis=1)[:, -3:]
    k = np.zeros((30, 30))
    for i in range(30):
        k[i, near[i]] = k[near[i], i] = cosines[i, near[i]]
    step = np.exp(information - 0.6 * k @ x)
    assert x == pytest.approx(3 * step / step.sum(), abs=1e-6)


def test_weights_go_from_the_method_to_the_loss(source, seen, tmp_path):
    subset, _ = chosen("craig", source, seen, Budget.ipc(3))
    compressed.save(subset, tmp_path)
    data = training_data(source, compressed.load(tmp_path), lambda patches: patches)
    assert data.weights is not None
    assert data.weights.tolist() == subset.weights.tolist()
    assert len(set(subset.weights)) > 1


def test_weights_of_zero_are_refused():
    with pytest.raises(ValueError, match="the weights of all 3 samples are 0"):
        Subset(ids=np.arange(3), weights=np.zeros(3))
    assert replace(Subset(ids=np.arange(3)), weights=np.array([0.0, 0.0, 1.0])).weights.sum() == 1
