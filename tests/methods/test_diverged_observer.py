"""An observer that has diverged: every method that looks through it refuses, and names the sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqbench import plugins
from dqbench.specs import Budget
from dqbench.testing import problems, trials

REGISTRY = plugins.load()
LOOK_ON = [one.name for one in REGISTRY.methods if one.needs == ("observer",) and one.kind != "distillation"]
OPTIONS = {"zcore": {"draws": 20}}


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("name", [name for name in LOOK_ON if "images" in REGISTRY.methods[name].data])
def test_what_is_not_finite_is_refused_by_sample(monkeypatch, name, wrong):
    seen = problems.observed("even")
    logits, features = seen.logits.copy(), seen.features.copy()
    logits[7, 1] = features[7, 0] = wrong
    spoilt = replace(seen, logits=logits, features=features)
    monkeypatch.setattr(problems, "observed", lambda problem: spoilt)
    spec = REGISTRY.methods[name]
    config = spec.config(**OPTIONS.get(name, {}))
    with pytest.raises(ValueError, match="sample 7 are not finite; the observer has diverged"):
        trials.compress(spec, config, "even", trials.prepare(REGISTRY, spec, config, "even", 0), Budget.ipc(2), 0)
