"""dqbench's conformance kit, and what is particular to this method."""

from __future__ import annotations

import numpy as np
import pytest

from dqbench import Budget
from dqbench.testing import Check, checks, trial


@pytest.mark.parametrize("check", checks("nearest-mean"))
def test_conforms(check: Check) -> None:
    check()


def test_typical_and_rare_keep_opposite_ends() -> None:
    half = Budget.ratio(0.5)
    typical, _ = trial("nearest-mean").compressed("even", half)
    rare, _ = trial("nearest-mean", options={"prefer": "rare"}).compressed("even", half)
    assert not np.isin(typical.ids, rare.ids).any()
