"""k-center: samples such that none is far from its nearest pick, greedily.

Each pick is argmax_x min_{s∈S} |φ(x) − φ(s)| with penultimate features φ, after a first one that is drawn (Sener &
Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, ICLR 2018, Alg. 1). The largest
distance to a pick is at most twice what the best set of that size has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, generator, select

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.deferred import numpy as np


class KCenterConfig(select.ScopeConfig):
    """Options of k-center."""


SPEC = MethodSpec(
    name="k-center",
    target=f"{__name__}:KCenter",
    config=KCenterConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples such that none is far from its nearest pick, greedily",
    paper="Sener & Savarese, A Core-Set Approach, ICLR 2018, arXiv:1708.00489",
    needs=("observer",),
    prepares=True,
    orders=True,
    stops=True,
    keeps="the farthest from the picks: outliers come early",
    cost="one pass of the observer; O(n·k·d) time in a class to keep k, O(n·d) memory",
    differs=(
        "The greedy alone, without the paper's integer programme that makes it robust. The paper starts from labelled "
        "samples; here the first pick of each class is drawn."
    ),
    data=("images", "texts"),
)


class KCenter:
    """Greedy k-center."""

    def __init__(self, config: KCenterConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, largest: ResolvedBudget | None = None) -> Arrays:
        """The order up to the largest budget; the whole one, which serves every budget, by default."""
        group = select.groups(source, self.config.scope)

        features = select.finite_features(observed.features)

        def order(members: npt.NDArray[np.int64], stop: int) -> npt.NDArray[np.int64]:
            first = generator(seed, "first-centre", int(group[members[0]])).integers(len(members))
            return select.k_center_order(features[members], int(first), stop)

        return select.Bins.greedy(group, order, select.group_stops(largest, self.config.scope)).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)

    def objective(self, rows: npt.NDArray[np.floating], kept: npt.NDArray[np.floating], count: int) -> float:
        """Minus the largest distance to a pick, of features (k, d) that were kept, in a draw (m, d) of all rows."""
        return select.covering_value(rows, kept)
