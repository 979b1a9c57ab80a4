"""D2 pruning: high scores that are far from each other, by messages on a graph of nearest neighbours.

Maharana et al., D2 Pruning, ICLR 2024, §3. Forward: s'_i = s_i + Σ_{j∈kNN(i)} e^(−d_ij)·s_j with Euclidean distances d
of penultimate features. Then, again and again, the sample p of highest s' is picked, and s'_j −= e^(−γ·d_pj)·s'_p for
each of its neighbours j. The score is that of any method that has one: ``base``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class D2Config(select.ScopeConfig):
    """Options of D2."""

    base: str = Field("el2n", description="the method whose score is spread over the graph")
    neighbours: int = Field(5, ge=1, description="k: neighbours of a sample (at most all others of its class)")
    gamma: float = Field(0.1, ge=0, allow_inf_nan=False, description="γ: how fast the penalty falls with distance")


SPEC = MethodSpec(
    name="d2",
    target=f"{__name__}:D2",
    config=D2Config,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="high scores that are far from each other, by messages between nearest neighbours",
    paper="Maharana et al., D2 Pruning, ICLR 2024, arXiv:2310.07931",
    needs=("observer",),
    prepares=True,
    orders=True,
    wraps="base",
    keeps="the highest score after its neighbours' messages",
    cost="that of its base, and O(n²·d) time and O(n·(d + k)) memory for the graph",
    differs=(
        "The paper's score is forgetting on CIFAR and its k and γ are searched for each keep ratio; here the score is "
        "EL2N at the end of the observer's recipe, with k = 5 and γ = 0.1. The neighbours of a sample are its own k "
        "nearest, of its class unless scope=dataset."
    ),
)


class D2:
    """D2 pruning."""

    def __init__(self, config: D2Config) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, *, prior: Arrays) -> Arrays:
        """The whole order, which serves every budget."""
        features, score, config = select.finite_features(observed.features), prior["score"], self.config

        def order(members: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            return by_messages(score[members], features[members], config.neighbours, config.gamma)

        return select.Bins.ordered(select.groups(source, config.scope), order).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)


def by_messages(
    scores: npt.NDArray[np.float64], features: npt.NDArray[np.float64], neighbours: int, gamma: float
) -> npt.NDArray[np.int64]:
    """All samples in the order of picking, shape (n,); ties go to the lowest position.

    Args:
        scores: s, shape (n,).
        features: shape (n, d).
        neighbours: k; n − 1 where there are fewer.
        gamma: γ of the penalty.
    """
    near, distance = select.nearest_neighbours(features, min(neighbours, len(scores) - 1))
    spread = scores + (np.exp(-distance) * scores[near]).sum(axis=1)
    weight = np.exp(-gamma * distance)
    width = 1e-12 * float(np.abs(spread).max())
    order = np.empty(len(scores), dtype=np.int64)
    for step in range(len(scores)):
        order[step] = pick = int((spread >= spread.max() - width).argmax())
        spread[near[pick]] -= weight[pick] * spread[pick]
        spread[pick] = -np.inf
    return order
