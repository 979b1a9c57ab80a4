"""Every built-in method keeps to the rules that a stranger's must keep to."""

from __future__ import annotations

import pytest

from dqbench import plugins
from dqbench.testing import Check, checks

REGISTRY = plugins.load()
BUILT_IN = [spec.name for spec in REGISTRY.methods if REGISTRY.methods.origin(spec.name).distribution == "dqbench"]
FASTER = {"adq": {"epochs": 2}, "adq-shuffled": {"epochs": 2}, "dm": {"iterations": 1, "width": 4, "batch": 4}}


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


def test_the_methods_are_registered() -> None:
    assert {"random", "random-unbalanced", "graphcut", "dq", "adq", "adq-shuffled", "dm"} <= set(BUILT_IN)
