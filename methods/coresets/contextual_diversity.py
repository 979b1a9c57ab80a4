"""Contextual diversity: samples whose predictions differ most from those of all picks, greedily.

d(i, j) = ½KL(p_i‖p_j) + ½KL(p_j‖p_i) of the softmax p, and each pick is argmax_x min_{s∈S} d(x, s), after a first one
that is drawn (Agarwal et al., Contextual Diversity for Active Learning, ECCV 2020, CDAL-CS).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, generator, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class ContextualDiversityConfig(select.ScopeConfig):
    """Options of contextual-diversity."""


SPEC = MethodSpec(
    name="contextual-diversity",
    target=f"{__name__}:ContextualDiversity",
    config=ContextualDiversityConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose predictions differ most from those of all picks, greedily",
    paper="Agarwal et al., Contextual Diversity for Active Learning, ECCV 2020, arXiv:2008.05723",
    needs=("observer",),
    prepares=True,
    orders=True,
    stops=True,
    keeps="the predictions farthest from those of the picks: the unusual come early",
    cost="one pass of the observer; O(n·k·C) time in a class to keep k, O(n·C) memory",
    differs=(
        "The paper mixes the predictions of an image's regions, weighted by their entropy, for each predicted class; a "
        "classified image is one region, whose prediction stands for all of it. The first pick of each class is drawn."
    ),
)


class ContextualDiversity:
    """Greedy k-center of predictions."""

    def __init__(self, config: ContextualDiversityConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, largest: ResolvedBudget | None = None) -> Arrays:
        """The order up to the largest budget; the whole one, which serves every budget, by default."""
        logits = select.finite_features(observed.logits, "logits")
        group = select.groups(source, self.config.scope)

        def order(members: npt.NDArray[np.int64], stop: int) -> npt.NDArray[np.int64]:
            first = generator(seed, "first-centre", int(group[members[0]])).integers(len(members))
            return farthest_first(logits[members], int(first), stop)

        return select.Bins.greedy(group, order, select.group_stops(largest, self.config.scope)).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)


def farthest_first(logits: npt.NDArray[np.float64], first: int, stop: int) -> npt.NDArray[np.int64]:
    """Samples in the order of picking, shape (stop,): each the farthest from all before it; ties to the lowest place.

    Args:
        logits: shape (n, classes).
        first: the place that is picked first.
        stop: how many to pick, at most n.
    """
    from scipy.special import log_softmax

    logs = log_softmax(logits, axis=1)
    p = np.exp(logs)
    distance = np.full(len(p), np.inf)
    order = np.empty(stop, dtype=np.int64)
    for step in range(stop):
        order[step] = pick = int(distance.argmax()) if step else first
        np.minimum(distance, ((p - p[pick]) * (logs - logs[pick])).sum(axis=1) / 2, out=distance)
        distance[pick] = -np.inf
    return order
