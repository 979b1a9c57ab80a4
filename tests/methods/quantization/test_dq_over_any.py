"""DQ and ADQ over bins of other methods: runs of their order, and what is no ordering refused before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from dqbench import plugins, select
from dqbench.errors import UsageError
from dqbench.methods.coresets import zcore
from dqbench.methods.quantization.dq import DQ, DQConfig
from dqbench.own_images.compressor import Compressor
from dqbench.specs import Budget, ObserverSpec
from dqbench.testing import problems, trials

REGISTRY = plugins.load()
ORDERING = sorted(spec.name for spec in REGISTRY.methods if spec.orders and "images" in spec.data)
BUDGETS = (Budget.ratio(0.1), Budget.ratio(0.45), Budget.ipc(1), Budget.full())


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """zcore draws a million points; here fifty."""
    monkeypatch.setattr(zcore, "coverage", lambda f, draws, *rest, count=zcore.coverage: count(f, 50, *rest))


def prepared(name, problem="unequal", seed=0, **options):
    spec = REGISTRY.methods[name]
    return trials.prepare(REGISTRY, spec, spec.config(**options), problem, seed)


def kept(name, budget, problem="unequal", seed=0, **options):
    spec = REGISTRY.methods[name]
    arrays = prepared(name, problem, seed, **options)
    return trials.compress(spec, spec.config(**options), problem, arrays, budget, seed)[0].ids.tolist()


def refusals(name, **options):
    spec = REGISTRY.methods[name]
    return list(REGISTRY.preparations(spec, spec.config(**options)))


def test_every_greedy_and_every_scoring_method_orders():
    assert {"graphcut", "herding", "k-center", "facility-location", "margin", "el2n", "moderate", "d2"} <= set(ORDERING)
    assert not {"random", "ccs", "dq", "adq", "dm", "rded"} & set(ORDERING)


@pytest.mark.parametrize("base", ORDERING)
@pytest.mark.parametrize("scope", ["class", "dataset"])
def test_one_bin_of_which_the_first_are_kept_is_the_base(base, scope):
    own = {"sampling": "top"} if base == "dual" else {}
    for budget in BUDGETS[:2]:
        one = kept("dq", budget, base=base, bins=1, sampler="first", scope=scope)
        assert one == kept(base, budget, scope=scope, **own)


@pytest.mark.parametrize("base", ["herding", "margin", "k-center"])
@pytest.mark.parametrize("number", [2, 5, 10])
def test_bins_are_runs_of_the_order_and_differ_by_one_sample(base, number):
    order = select.Bins.from_arrays(prepared(base))
    bins = select.Bins.from_arrays(prepared("dq", base=base, bins=number))
    assert bins.order.tolist() == order.order.tolist()
    for key, count in enumerate(problems.COUNTS["unequal"]):
        sizes = bins.counts[key]
        assert sizes.sum() == count
        assert (sizes > 0).sum() == min(number, count)
        assert np.ptp(sizes[sizes > 0]) <= 1
        places = order.rank[bins.order[bins.group[bins.order] == key]]
        assert places.tolist() == list(range(count))
        assert (np.diff(bins.bin[order.order[order.group[order.order] == key]]) >= 0).all()


@pytest.mark.parametrize("base", ["herding", "el2n"])
def test_adq_over_a_base_has_the_bins_of_dq_and_at_alpha_0_its_samples(base):
    importances = [3.0, 1.0, 2.0]
    for seed, budget in enumerate(BUDGETS):
        of_dq = kept("dq", budget, seed=seed, base=base, bins=3)
        assert of_dq == kept("adq", budget, seed=seed, base=base, bins=3, importances=importances, alpha=0)
    bins = prepared("adq", base=base, bins=3, importances=importances)
    assert bins["bin"].tolist() == prepared("dq", base=base, bins=3)["bin"].tolist()


def test_a_score_alone_orders_by_rank():
    source = problems.source("even")
    score = np.random.default_rng(0).random(len(source))
    bins = DQ(DQConfig(base="other", bins=4)).prepare(source, None, 0, prior={"score": score})
    for key in range(source.classes):
        members = bins["order"][bins["group"][bins["order"]] == key]
        assert (np.diff(score[members]) < 0).all()
        assert np.bincount(bins["bin"][members]).tolist() == [3, 3, 3, 3]


def test_an_order_of_other_groups_is_refused():
    source = problems.source("even")
    whole = prepared("margin", "even", scope="dataset")
    with pytest.raises(ValueError, match="other groups"):
        DQ(DQConfig(base="margin")).prepare(source, None, 0, prior=whole)
    with pytest.raises(ValueError, match="no single order"):
        DQ(DQConfig(base="dq")).prepare(source, None, 0, prior=prepared("dq", "even", bins=3))


@pytest.mark.parametrize("name", ["dq", "adq", "adq-shuffled"])
@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("random", "does not order samples; use one of "),
        ("ccs", "does not order"),
        ("dq", "does not order"),
        ("adq", "does not order"),
        ("rded", "does not order"),
        ("herdin", "herding"),
        ("", "unknown method"),
    ],
)
def test_what_is_no_ordering_is_refused_before_anything_runs(name, base, words):
    with pytest.raises(UsageError, match=words):
        refusals(name, base=base)


def test_own_images_are_not_looked_at_before_a_wrong_base_is_refused(monkeypatch):
    spec = REGISTRY.methods["dq"]
    made = Compressor(REGISTRY, spec, spec.config(base="ccs"), ObserverSpec("none", None))
    monkeypatch.setattr(Compressor, "_observe", lambda self, source: pytest.fail("an observer was trained"))
    with pytest.raises(UsageError, match=r"dq.base=ccs does not order"):
        made.make(problems.source("even"), Budget.ratio(0.5))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base": "herding", "lam": 2.0}, r"dq.lam has no effect with dq.base=herding"),
        ({"base": "herding", "metric": "l2"}, r"dq.metric has no effect"),
        ({"base": "facility-location", "double_softmax": True}, r"dq.double_softmax has no effect"),
    ],
)
def test_options_of_graph_cut_are_refused_where_the_base_has_none(options, words):
    with pytest.raises(UsageError, match=words):
        refusals("dq", **options)


def test_options_that_the_base_has_too_are_passed_on():
    (spec, config), _ = refusals("dq", base="facility-location", metric="l2", scope="dataset")
    assert (spec.name, config.metric, config.scope) == ("facility-location", "l2", "dataset")


def test_a_base_that_wraps_keeps_its_own_base():
    names = [(spec.name, getattr(config, "base", None)) for spec, config in refusals("dq", base="d2")]
    assert names == [("el2n", None), ("d2", "el2n"), ("dq", "d2")]


def test_observers_are_not_trained_for_the_bins_of_another_method():
    with pytest.raises(ValidationError, match="retrain_per_bin"):
        DQConfig(base="herding", retrain_per_bin=True)


def test_graph_cut_is_no_prior_and_not_stated():
    assert [spec.name for spec, _ in refusals("dq", base="graphcut")] == ["dq"]
    assert "base" not in DQConfig(base="graphcut").stated()
    assert DQConfig(base="herding").stated()["base"] == "herding"


def test_a_value_that_the_base_does_not_take_is_refused_in_words():
    spec = REGISTRY.methods["dq"]
    config = spec.config(base="facility-location").model_copy(update={"metric": "odd"})
    with pytest.raises(UsageError, match=r"dq.metric='odd' does not go with dq.base=facility-location"):
        list(REGISTRY.preparations(spec, config))
