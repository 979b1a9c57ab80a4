"""Methods that score the course of a training, on planted courses: who is kept, against formulas written by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from dqbench import UsageError, plugins
from dqbench.budgets import resolve
from dqbench.data.source import Source
from dqbench.methods.coresets.dual import by_weight, log_weights
from dqbench.methods.coresets.ranked import folds, part
from dqbench.observe.dynamics import Dynamics, of_epoch
from dqbench.observe.gradients import last_layer_gradient
from dqbench.specs import Budget, load_target
from dqbench.testing import problems

REGISTRY = plugins.load()
NAMES = ("forgetting", "aum", "dyn-unc", "dual", "tdds")
EASY, HARD, MISLABELLED, FLICKERING, COPY = 0, 2, 4, 6, 8
FLICKERS = "-++-+--+-+++-+"
EPOCHS, EACH, CLASSES = len(FLICKERS), 12, 2


@dataclass(frozen=True)
class Seen:
    """An observer's view, without a network."""

    features: np.ndarray
    logits: np.ndarray
    labels: np.ndarray
    dynamics: Dynamics
    repeats: tuple[Any, ...] = ()

    def course(self) -> Dynamics:
        return self.dynamics

    def gradients(self) -> np.ndarray:
        return last_layer_gradient(self.logits, self.labels)


def seen(margins: np.ndarray, labels: np.ndarray, features: np.ndarray | None = None) -> Seen:
    """The course in which the logit of the label is so much above that of the other class, epochs x samples."""
    logits = np.zeros((*margins.shape, CLASSES))
    logits[:, np.arange(len(labels)), labels] = margins
    features = np.ones((len(labels), 2)) if features is None else features
    rows = [of_epoch(z, features, labels, logits[epoch - 1] if epoch else None) for epoch, z in enumerate(logits)]
    return Seen(features, logits[-1], labels, Dynamics.of_epochs(rows))


@pytest.fixture(scope="module")
def source() -> Source:
    labels = np.tile(np.arange(CLASSES), EACH).astype(np.int64)
    images = np.zeros((len(labels), 4, 4, 3), np.uint8)
    ids = np.arange(len(labels), dtype=np.int64) * 3 + 5
    return Source("planted", images, labels, ("a", "b"), ids, "0", np.full(3, 0.5), np.full(3, 0.25))


@pytest.fixture(scope="module")
def planted(source: Source) -> Seen:
    """In class 0: one easy from the start, one learned late, one mislabelled, one flickering and its copy."""
    rng = np.random.default_rng(0)
    steps = np.arange(EPOCHS)[:, None]
    margins = 1.0 + 0.4 * steps + 0.05 * rng.random((EPOCHS, len(source.labels)))
    margins[:, EASY] = 9.0
    margins[:, HARD] = np.linspace(-2.0, 2.5, EPOCHS)
    margins[:, MISLABELLED] = -8.0
    margins[:, FLICKERING] = margins[:, COPY] = [1.5 if sign == "+" else -1.5 for sign in FLICKERS]
    return seen(margins, source.labels)


def prepared(name: str, source: Source, observed: Any, seed: int = 0, **options: Any) -> Any:
    spec = REGISTRY.methods[name]
    found = None
    for one, config in REGISTRY.preparations(spec, spec.config(**options)):
        prior = {} if found is None else {"prior": found}
        found = load_target(one.target)(config).prepare(source, observed, seed, **prior)
    return found


def kept(name: str, source: Source, observed: Any, budget: Budget, seed: int = 0, **options: Any) -> list[int]:
    """Positions of what a method keeps, in its order."""
    spec = REGISTRY.methods[name]
    arrays = prepared(name, source, observed, seed, **options)
    resolved = resolve(budget, source.class_counts, seed)
    made = load_target(spec.target)(spec.config(**options)).compress(source, arrays, resolved, seed)
    return source.positions(made.ids).tolist()


def order_of(name: str, source: Source, observed: Any, **options: Any) -> list[int]:
    """Class 0 in the order of the method."""
    options = {"sampling": "top", **options} if name == "dual" else options
    return [i for i in kept(name, source, observed, Budget.full(), **options) if source.labels[i] == 0]


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("forgetting", [MISLABELLED, FLICKERING, COPY], None),
        ("aum", [MISLABELLED], EASY),
        ("dyn-unc", [FLICKERING, COPY], None),
        ("dual", [FLICKERING, COPY], None),
        ("tdds", [FLICKERING, COPY], None),
    ],
)
def test_planted_samples_are_where_the_paper_has_them(source, planted, name, first, last):
    order = order_of(name, source, planted)
    if first:
        found = order[: len(first)]
        assert sorted(found) == sorted(first)
        assert found[0] == first[0] or name != "forgetting"
    if last is not None:
        assert order[-1] == last
    if name in ("dyn-unc", "dual", "tdds"):
        assert set(order[-2:]) == {EASY, MISLABELLED}, "what never moves comes last"


def test_forgetting_counts_from_right_to_wrong_and_never_learned_as_most(source, planted):
    score = prepared("forgetting", source, planted)["score"]
    right = planted.dynamics.correct
    for i in range(len(source)):
        events = sum(bool(right[t, i] and not right[t + 1, i]) for t in range(EPOCHS - 1))
        assert score[i] == (events if right[:, i].any() else EPOCHS)
    assert (score[MISLABELLED], score[EASY], score[HARD], score[FLICKERING]) == (EPOCHS, 0, 0, 4)
    assert prepared("forgetting", source, planted, unlearned="least")["score"][MISLABELLED] == 0


def test_equally_forgotten_samples_are_drawn(source, planted):
    thirds = {tuple(kept("forgetting", source, planted, Budget.ipc(5), seed)) for seed in range(6)}
    assert len(thirds) > 1


def test_aum_is_the_mean_margin_on_logits_and_its_end_can_be_chosen(source, planted):
    margins = np.asarray(planted.dynamics.margin, np.float64)
    assert prepared("aum", source, planted)["score"] == pytest.approx(-margins.mean(axis=0))
    assert prepared("aum", source, planted, epochs=5)["score"] == pytest.approx(-margins[:5].mean(axis=0))
    assert order_of("aum", source, planted, end="easy")[-1] == MISLABELLED


@pytest.mark.parametrize("span", [2, 10, 99])
def test_dyn_unc_and_dual_are_the_textbooks(source, planted, span):
    p = planted.dynamics.p_y
    j = min(span, EPOCHS)
    for i in range(len(source)):
        unc, dual = [], []
        for k in range(EPOCHS - j + 1):
            window = [float(p[k + t, i]) for t in range(j)]
            mean = sum(window) / j
            deviation = (sum((x - mean) ** 2 for x in window) / (j - 1)) ** 0.5
            unc.append(deviation)
            dual.append(deviation * (1 - mean))
        assert prepared("dyn-unc", source, planted, span=span)["score"][i] == pytest.approx(np.mean(unc), abs=1e-12)
        assert prepared("dual", source, planted, span=span)["score"][i] == pytest.approx(np.mean(dual), abs=1e-12)


@pytest.mark.parametrize("span", [3, 10, 99])
def test_tdds_is_the_textbooks(source, planted, span):
    change, decay = np.asarray(planted.dynamics.change, np.float64), 0.9
    j = min(span, EPOCHS)
    windows = EPOCHS - j + 1
    for i in range(len(source)):
        score = 0.0
        for k in range(windows):
            parts = [change[k + t, i] for t in range(j - 1)]
            mean = sum(parts) / len(parts)
            norm = sum((x - mean) ** 2 for x in parts) ** 0.5
            score += decay * (1 - decay) ** (windows - 1 - k) * norm
        assert prepared("tdds", source, planted, span=span)["score"][i] == pytest.approx(score, abs=1e-9)


def test_dual_draws_easier_samples_the_less_it_keeps():
    score, mean = np.full(200, 0.1), np.linspace(0.0, 1.0, 200)
    centres = []
    for dropped in (0.1, 0.5, 0.9, 0.99):
        weights = np.exp(log_weights(score, mean, dropped, 5.5))
        centres.append(float((weights * mean).sum() / weights.sum()))
    assert (np.diff(centres) > 0).all()
    assert centres[-1] > 0.85


def test_duals_weights_are_score_times_beta_density():
    from scipy.stats import beta

    rng = np.random.default_rng(3)
    score, mean, r, c = rng.random(40), rng.random(40), 0.7, 4.0
    anchor = mean[np.argsort(-score)[:10]].mean()
    b = 15 * (1 - anchor) * (1 - r**c)
    expected = score * beta.pdf(mean, 16 - b, b)
    found = np.exp(log_weights(score, mean, r, c))
    assert found / found.sum() == pytest.approx(expected / expected.sum())
    assert np.isneginf(log_weights(np.zeros(3), np.array([0.0, 0.5, 1.0]), r, c)).all()


def test_draws_are_in_proportion_to_the_weights_left():
    weights = np.array([0.5, 0.3, 0.2])
    rng, times = np.random.default_rng(4), 20_000
    orders = np.stack([by_weight(np.log(weights), rng.exponential(size=3)) for _ in range(times)])
    for i in range(3):
        for j in {0, 1, 2} - {i}:
            expected = weights[i] * weights[j] / (1 - weights[i])
            share = float(((orders[:, 0] == i) & (orders[:, 1] == j)).mean())
            assert abs(share - expected) < 5 * (expected / times) ** 0.5


def test_dual_keeps_nothing_twice_and_a_draw_is_of_its_seed(source, planted):
    one = kept("dual", source, planted, Budget.ratio(0.5))
    assert len(set(one)) == len(one) == 12
    assert one == kept("dual", source, planted, Budget.ratio(0.5))
    assert {tuple(kept("dual", source, planted, Budget.ratio(0.5), seed)) for seed in range(5)} != {tuple(one)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrapper", ["ccs", "d2"])
def test_wrappers_take_these_scores(source, planted, name, wrapper):
    assert sorted(kept(wrapper, source, planted, Budget.full(), base=name)) == list(range(len(source)))
    assert len(kept(wrapper, source, planted, Budget.ratio(0.25), base=name, scope="dataset")) == 6


@pytest.mark.parametrize(("name", "fewest"), [("forgetting", 2), ("dyn-unc", 2), ("dual", 2), ("tdds", 3)])
def test_too_few_epochs_are_refused(source, planted, name, fewest):
    short = replace(planted, dynamics=planted.dynamics.first(fewest - 1))
    with pytest.raises(UsageError, match=f"needs {fewest} epochs"):
        prepared(name, source, short)
    prepared(name, source, replace(planted, dynamics=planted.dynamics.first(fewest)))


def test_what_was_looked_at_is_noted(source, planted):
    spec = REGISTRY.methods["aum"]
    arrays = prepared("aum", source, planted, epochs=5)
    made = load_target(spec.target)(spec.config(epochs=5)).compress(
        source, arrays, resolve(Budget.ipc(1), source.class_counts, 0), 0
    )
    assert made.notes["dynamics"] == "eval"
    assert made.notes["dynamics_epochs"] == 5


def test_a_window_passes_the_top_over(source, planted):
    whole = order_of("aum", source, planted)
    for share, start in ((0.25, 3), (0.3, 3), (0.9, 8)):
        found = [i for i in kept("aum", source, planted, Budget.ipc(4), window=share) if source.labels[i] == 0]
        assert found == whole[start : start + 4]
    assert sorted(kept("aum", source, planted, Budget.full(), window=0.5)) == list(range(len(source)))
    assert MISLABELLED not in kept("aum", source, planted, Budget.ipc(4), window=0.25, scope="dataset")
    with pytest.raises(ValueError, match="sampling=top"):
        REGISTRY.methods["dual"].config(window=0.5)


def test_several_observers_are_averaged(source, planted):
    other = seen(np.asarray(planted.dynamics.margin, np.float64)[::-1] * 0.5, source.labels)
    both = replace(planted, repeats=(other,))
    one, two = (prepared("dyn-unc", source, view)["score"] for view in (planted, other))
    assert prepared("dyn-unc", source, both, several=2)["score"] == pytest.approx((one + two) / 2)
    assert prepared("dyn-unc", source, both)["score"].tolist() == one.tolist()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_folds_are_even_in_all_and_in_each_class(count):
    labels = np.random.default_rng(5).integers(0, 3, 50)
    fold = folds(labels, count, 0)
    assert np.ptp(np.bincount(fold, minlength=count)) <= 1
    for label in range(3):
        assert np.ptp(np.bincount(fold[labels == label], minlength=count)) <= 1
    assert not np.array_equal(fold, folds(labels, count, 1))


@pytest.mark.parametrize("name", ["margin", "aum", "ssl-prototypes"])
def test_in_folds_nobody_scores_what_it_learned_from(name):
    made = problems.source("even")
    learned: list[tuple[set[int], set[int]]] = []
    inner = problems.trainer("even", 0, watches=name == "aum")

    class Spy:
        def shown(self, positions, shown, *purpose):
            learned.append((set(positions.tolist()), set(shown.tolist())))
            return inner.shown(positions, shown, *purpose)

    spec = REGISTRY.methods[name]
    config = spec.config(folds=3)
    observed = problems.looked_through("even", spec, config)
    found = load_target(spec.target)(config).prepare(made, observed, 0, train=Spy())
    assert config.trainings() == 2
    assert len(learned) == 3
    for trained, scored in learned:
        assert not trained & scored
        assert trained | scored == set(range(len(made)))
    assert set.union(*(scored for _, scored in learned)) == set(range(len(made)))
    assert np.isfinite(found["score"]).all()


def test_wrong_folds_are_refused():
    config = REGISTRY.methods["margin"].config
    with pytest.raises(ValueError, match="2 or more"):
        config(folds=1)
    with pytest.raises(ValueError, match="do not go together"):
        config(folds=2, several=2)
    with pytest.raises(ValueError, match="set fewer folds"):
        folds(np.zeros(3, np.int64), 4, 0)


def test_a_part_of_a_source_is_a_source():
    made = problems.source("even")
    some = part(made, np.array([2, 5, 11]))
    assert some.ids.tolist() == made.ids[[2, 5, 11]].tolist()
    assert some.classes == made.classes


@pytest.mark.parametrize("name", ["el2n", "grand"])
def test_early_scores_are_those_of_the_epochs_that_are_named(source, planted, name):
    series = np.asarray(getattr(planted.dynamics, name), np.float64)
    found = {when: prepared(name, source, planted, when=when, epochs=3)["score"] for when in ("end", "epoch", "mean")}
    assert found["end"] == pytest.approx(series[-1])
    assert found["epoch"] == pytest.approx(series[2])
    assert found["mean"] == pytest.approx(series[:3].mean(axis=0))
    with pytest.raises(UsageError, match=rf"trained for {EPOCHS}; .*observer.epochs=99"):
        prepared(name, source, planted, when="mean", epochs=99)
    config = REGISTRY.methods[name].config
    assert [config(when=when).watches() for when in ("end", "epoch", "mean")] == [False, True, True]
    assert config().stated() == {"scope": "class"}


def test_duals_means_are_of_the_same_observers_as_its_scores(source, planted):
    other = seen(np.asarray(planted.dynamics.margin, np.float64)[::-1] * 0.5, source.labels)
    both = prepared("dual", source, replace(planted, repeats=(other,)), several=2)
    expected = (planted.dynamics.p_y.mean(axis=0) + other.dynamics.p_y.mean(axis=0)) / 2
    assert both["mean"] == pytest.approx(expected)
    made, inner = problems.source("even"), problems.trainer("even", 0, watches=True)
    inner = replace(inner, recipe=inner.recipe.model_copy(update={"epochs": 2}))
    spec = REGISTRY.methods["dual"]
    config = spec.config(folds=2)
    observed = problems.looked_through("even", spec, config)
    found = load_target(spec.target)(config).prepare(made, observed, 0, train=inner)
    for number in range(2):
        inside = np.flatnonzero(folds(made.labels, 2, 0) == number)
        outside = np.setdiff1d(np.arange(len(made)), inside)
        alone = inner.shown(outside, inside, "fold", number).course().p_y.mean(axis=0)
        assert found["mean"][inside] == pytest.approx(alone)
