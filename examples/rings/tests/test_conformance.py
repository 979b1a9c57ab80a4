"""dqbench's conformance checks of a data set, an architecture and two tasks."""

from __future__ import annotations

import pytest

from dqbench.testing import Check, arch_checks, dataset_checks, task_checks

CHECKS = {
    "rings": dataset_checks("rings"),
    "rings-mlp": arch_checks("rings-mlp"),
    "rings-nll": task_checks("rings-nll"),
    "rings-knn": task_checks("rings-knn"),
}


@pytest.mark.parametrize("check", [pytest.param(c, id=f"{n}-{c.name}") for n, found in CHECKS.items() for c in found])
def test_conforms(check: Check) -> None:
    check()
