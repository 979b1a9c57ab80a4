"""InfoMax: much information and few look-alikes, by a quadratic programme on a sparse graph, found without labels.

The picks maximise Σ_i x_i·I_i − α·Σ_{i,j} x_i·x_j·K_ij over x with Σ x = p, relaxed to [0, 1] and solved by steps
x ← p·softmax(I − 2α·K·x); the p largest x are kept (Tan et al., Data Pruning by Information Maximization, ICLR 2025).
K holds the cosine of each sample with its nearest neighbours alone; I is the distance to the prototype of the sample's
cluster, which needs no label, or EL2N, which does.

Not checked against the authors' code, nor against the paper's text beyond its abstract: the objective and both kinds of
information are as a public review of the paper has them; the solver, α, neighbours and steps are from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, derive, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class InfoMaxConfig(select.ScopeConfig):
    """Options of infomax."""

    information: Literal["prototype", "el2n"] = Field(
        "prototype", description="I: distance to the own cluster's prototype (no labels), or EL2N"
    )
    alpha: float = Field(0.3, ge=0, allow_inf_nan=False, description="α: what look-alikes cost")
    neighbours: int = Field(5, ge=1, description="of each sample in K; all others where there are fewer")
    steps: int = Field(20, ge=1, description="of the solver")


SPEC = MethodSpec(
    name="infomax",
    target=f"{__name__}:InfoMax",
    config=InfoMaxConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="much information and few look-alikes, by a quadratic programme on a sparse graph",
    paper="Tan et al., Data Pruning by Information Maximization, ICLR 2025, arXiv:2506.01701",
    needs=("observer",),
    keeps="the hardest that are not alike",
    cost="one pass of the observer; O(n²·d) time for the neighbours and O(n·k) a step, O(n·(d + k)) memory",
    differs=(
        "Features are the observer's; with the default information neither they nor the solver use a label beyond what "
        "the observer saw, the budget of each class does; scope=dataset uses none. I is scaled to [0, 1]. The paper "
        "also splits large sets into parts; here each class is solved whole. The solver and the defaults of α, "
        "neighbours and steps were not checked against the paper or its authors' code."
    ),
)


class InfoMax:
    """The quadratic programme of information and redundancy."""

    def __init__(self, config: InfoMaxConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Subset:
        """The largest of the solution in each group; equal ones by rising id."""
        from dqbench import Subset

        features = select.unit(select.finite_features(observed.features))
        information = self._information(source, observed, seed)
        ids = [np.empty(0, dtype=np.int64)]
        for _, members, keep in select.budgeted(source, budget, self.config.scope):
            x = solve(information[members], features[members], keep, self.config)
            ids.append(source.ids[members[np.argsort(-x, kind="stable")[:keep]]])
        return Subset(ids=np.concatenate(ids))

    def _information(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        if self.config.information == "el2n":
            from dqbench.observe import scores

            return scores.el2n(observed.gradients())
        from dqbench.methods.coresets.ssl_prototypes import prototype_distance

        clusters = min(source.classes, len(source))
        return prototype_distance(observed.features, clusters, derive(seed, "k-means") % 2**32)


def solve(
    information: npt.NDArray[np.float64], features: npt.NDArray[np.float64], keep: int, config: InfoMaxConfig
) -> npt.NDArray[np.float64]:
    """The relaxed x, shape (n,); ``features`` are unit vectors, shape (n, d)."""
    from scipy.sparse import csr_array
    from scipy.special import softmax

    n = len(features)
    near, _ = select.nearest_neighbours(features, min(config.neighbours, n - 1))
    rows = np.repeat(np.arange(n), near.shape[1])
    alike = np.einsum("ij,ij->i", features[rows], features[near.ravel()])
    one_way = csr_array((alike, (rows, near.ravel())), shape=(n, n))
    graph = one_way.maximum(one_way.T)
    low, high = float(information.min()), float(information.max())
    scaled = (information - low) / (high - low) if high > low else np.zeros(n)
    x: npt.NDArray[np.float64] = np.full(n, keep / n)
    for _ in range(config.steps):
        x = np.minimum(keep * softmax(scaled - 2 * config.alpha * (graph @ x)), 1.0)
    return x
