"""Every built-in method keeps to the rules that a stranger's must keep to."""

from __future__ import annotations

import pytest

from dqbench import plugins
from dqbench.specs import Budget
from dqbench.testing import Check, checks, trial

REGISTRY = plugins.load()
ON_IMAGES = [spec for spec in REGISTRY.methods if "images" in spec.data]
"""The kit's problems are images; methods that choose from texts alone have tests of their own."""

BUILT_IN = [s.name for s in ON_IMAGES if REGISTRY.methods.origin(s.name).distribution == "dqbench"]
COMPARED = {spec.name for spec in ON_IMAGES if spec.keeps}
FASTER = {
    "zcore": {"draws": 50},
    "adq": {"epochs": 2},
    "adq-shuffled": {"epochs": 2},
    "dm": {"iterations": 1, "width": 4, "batch": 4},
}


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{name}-{check.name}")
        for name in BUILT_IN
        for check in checks(name, options=FASTER.get(name), registry=REGISTRY)
    ],
)
def test_conforms(check: Check) -> None:
    check()


@pytest.mark.parametrize("rule", ["ratios_are_met_exactly", "a_seed_gives_one_result", "results_can_be_stored"])
@pytest.mark.parametrize("name", ["dq", "adq"])
def test_methods_that_train_observers_conform(name: str, rule: str) -> None:
    options = {**FASTER.get(name, {}), "retrain_per_bin": True, "bins": 4}
    (check,) = [one for one in checks(name, options=options, registry=REGISTRY) if one.name == rule]
    check()


def test_the_methods_are_registered() -> None:
    assert {"random", "random-unbalanced", "graphcut", "dq", "adq", "adq-shuffled", "dm"} <= set(BUILT_IN)
    scores = {"margin", "entropy", "least-confidence", "grand", "el2n", "ssl-prototypes"}
    scores |= {"forgetting", "aum", "dyn-unc", "dual", "tdds", "cal", "deepfool", "zcore"}
    assert scores == {spec.name for spec in REGISTRY.methods if spec.scores}
    assert {"herding", "k-center", "facility-location", "moderate", "ccs", "d2", "craig", "gradmatch"} <= set(BUILT_IN)


@pytest.mark.parametrize("name", sorted(COMPARED))
@pytest.mark.parametrize("problem", ["unequal", "duplicates"])
def test_the_whole_set_can_be_chosen_from_at_once(name: str, problem: str) -> None:
    tried = trial(name, options={**FASTER.get(name, {}), "scope": "dataset"}, registry=REGISTRY)
    for budget in (Budget.ratio(0.05), Budget.ratio(0.4), Budget.full()):
        kept, resolved = tried.compressed(problem, budget)
        assert len(kept) == resolved.total
