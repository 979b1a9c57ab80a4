"""The files of a new method's package: ``@NAME@``, ``@MODULE@`` and ``@CLASS@`` are replaced by its names."""

MODULE = '''"""@NAME@: say here what is kept, the formula, and the paper.

The sketch below ranks each class by how near the pixels of a sample are to the mean of its class.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, hookimpl, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class @CLASS@Config(select.ScopeConfig):
    """Options: `dqbench show @NAME@` prints them, `--set @NAME@.OPTION=VALUE` sets them."""

    prefer: Literal["typical", "rare"] = Field("typical", description="keep the nearest to the mean, or the farthest")


@hookimpl
def dqbench_methods() -> Iterable[MethodSpec]:
    """Tell dqbench of the method."""
    yield MethodSpec(
        name="@NAME@",
        target="@MODULE@:@CLASS@",
        config=@CLASS@Config,
        kind="selection",
        version=1,  # raise it whenever the results change
        labels=("hard", "soft", "teacher"),
        summary="the samples whose pixels are nearest to the mean of their class",
        paper="",  # e.g. Zhou et al., Dataset Quantization, ICCV 2023
        needs=(),  # ("observer",) for features, logits and gradients of a trained network
        prepares=True,
        keeps="the samples nearest to the mean",
        cost="O(n·d) time and memory",
    )


class @CLASS@:
    """Ranks each class by the distance to its mean."""

    def __init__(self, config: @CLASS@Config) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed | None, seed: int) -> Arrays:
        """The order of each class, for all budgets; observed has features where needs=("observer",) asks for them."""
        features = np.asarray(source.images, dtype=np.float64).reshape(len(source), -1)
        distance = np.empty(len(source))
        for label in range(source.classes):
            members = np.flatnonzero(source.labels == label)
            distance[members] = np.linalg.norm(features[members] - features[members].mean(axis=0), axis=1)
        score = -distance if self.config.prefer == "typical" else distance  # the highest are kept
        return select.Bins.ranked(select.groups(source, self.config.scope), score).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of each class, as many as the budget has of it."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)
'''

TEST = '''"""dqbench's conformance kit on @NAME@, and what is particular to it."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dqbench import Budget
from dqbench.testing import Check, checks, trial

INSTALLED = entry_points(group="dqbench", name="@NAME@")
FILES = () if INSTALLED else (Path(__file__).parents[1] / "@MODULE@.py",)


@pytest.mark.parametrize("check", checks("@NAME@", plugin_files=FILES))
def test_conforms(check: Check) -> None:
    check()


def test_it_keeps_others_than_random_selection() -> None:
    half = Budget.ratio(0.5)
    own, _ = trial("@NAME@", plugin_files=FILES).compressed("even", half)
    random, _ = trial("random").compressed("even", half)
    assert set(own.ids) != set(random.ids)
'''

NEXT = (
    "pip install pytest && pytest @FOLDER@                its tests: the conformance kit, and your own",
    "dqbench run --plugin @FOLDER@/@MODULE@.py --method @NAME@ --task digits-xarch",
    "pip install -e @FOLDER@                                   then it is on every board as --method @NAME@",
)
