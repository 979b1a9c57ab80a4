"""Moderate coreset: samples at the median distance from the centre of their class.

d_i = |φ_i − mean of the φ of class y_i|; sorted by d, the window in the middle is kept (Xia et al., Moderate Coreset,
ICLR 2023, §3). A widely copied version keeps both extremes instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class ModerateConfig(select.ScopeConfig):
    """Options of moderate."""


SPEC = MethodSpec(
    name="moderate",
    target=f"{__name__}:Moderate",
    config=ModerateConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples at the median distance from the centre of their class",
    paper="Xia et al., Moderate Coreset, ICLR 2023",
    needs=("observer",),
    prepares=True,
    orders=True,
    keeps="the middle: neither the nearest to the class's centre nor the farthest",
    cost="one pass of the observer; O(n·d + n·log n) time, O(n·d) memory",
    differs=(
        "The window is of ranks around the median, grown one by one from the middle, of two alike the lower first: a "
        "larger budget keeps what a smaller one kept."
    ),
)


class Moderate:
    """Moderate coreset."""

    def __init__(self, config: ModerateConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int) -> Arrays:
        """The order from the middle outwards, and the distances under ``distance``, float64 of shape (n,)."""
        distance = centre_distance(select.finite_features(observed.features), source.labels)
        group = select.groups(source, self.config.scope)
        order = select.Bins.ordered(group, lambda members: from_the_middle(distance[members]))
        return {**order.arrays(), "distance": distance}

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The window in the middle."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)


def centre_distance(features: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The Euclidean distance of each sample, shape (n,), to the mean of the features (n, d) of its class."""
    distance = np.empty(len(features))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        distance[members] = np.linalg.norm(features[members] - features[members].mean(axis=0), axis=1)
    return distance


def from_the_middle(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Places by how near their rank is to the middle rank, the lower rank first; shape (m,)."""
    sorted_ = np.argsort(distance, kind="stable")
    from_middle = np.abs(2 * np.arange(len(distance)) - (len(distance) - 1))
    return sorted_[np.argsort(from_middle, kind="stable")]
