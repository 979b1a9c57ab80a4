"""GradMatch: weighted samples whose gradients sum to that of the class.

Per class, orthogonal matching pursuit lowers |Σ_{s∈S} w_s ∇_s − Σ_{i∈V} ∇_i|² + λ|w|² with w ≥ 0: each step takes the
sample along which the residual reaches furthest and solves for all weights (Killamsetty et al., GRAD-MATCH, ICML 2021).
∇ is the last-layer gradient g ⊗ [1, h]; w_s multiplies the loss of s.

Checked against the authors' code, not against the paper's text: ``ompgradmatchstrategy.py`` and ``omp_solvers.py`` of
krishnatejakk/GradMatch (3735b9d; λ = 0.5 per class in its notebooks, and in ``config_gradmatch_cifar10.py`` of
decile-team/cords, 8d10c7f).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec, generator, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class GradMatchConfig(select.ScopeConfig):
    """Options of gradmatch."""

    ridge: float = Field(0.5, ge=0, allow_inf_nan=False, description="λ: what large weights cost")


SPEC = MethodSpec(
    name="gradmatch",
    target=f"{__name__}:GradMatch",
    config=GradMatchConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="weighted samples whose last-layer gradients sum to that of the class",
    paper="Killamsetty et al., GRAD-MATCH, ICML 2021, arXiv:2103.00123",
    needs=("observer",),
    weighs=True,
    keeps="what reaches furthest along the gradient that the picks do not give yet, with weights",
    cost="one pass of the observer; for each budget k O(n·k·C·d + k³) time in a class, O(n·(C + d) + k²) memory",
    differs=(
        "The paper chooses anew every few epochs, and per batch in its fastest form; here once, sample by sample, from "
        "one observer. Weights are the non-negative optimum at each step; authors' code drops the most negative one "
        "and solves again. It matches a class by the gradient in the weights of that class's output alone on CIFAR-10; "
        "here by that of all outputs. Where no other sample makes the match better before the budget is met, the rest "
        "is drawn with weight 1, as in the authors' code."
    ),
)


class GradMatch:
    """Matching pursuit on gradients."""

    def __init__(self, config: GradMatchConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Subset:
        """The picks of each group with their weights; ``matched`` in the notes says how many matching gave."""
        from dqbench import Subset

        gradients, features = observed.gradients(), select.finite_features(observed.features)
        ids, weights, matched = [np.empty(0, dtype=np.int64)], [np.empty(0)], 0
        for key, members, keep in select.budgeted(source, budget, self.config.scope):
            vectors = select.RankOne.of(features[members], gradients[members], normalise=False)
            picks, found = select.matching_pursuit(vectors, keep, self.config.ridge)
            drawn = _others(len(members), picks, keep, generator(seed, "unmatched", key))
            ids.append(source.ids[members[np.concatenate([picks, drawn])]])
            weights.append(np.concatenate([found, np.ones(len(drawn))]))
            matched += len(picks)
        return Subset(ids=np.concatenate(ids), weights=np.concatenate(weights), notes={"matched": matched})


def _others(samples: int, picks: npt.NDArray[np.int64], keep: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """So many that ``keep`` are kept with ``picks``."""
    left = np.setdiff1d(np.arange(samples), picks)
    return rng.permutation(left)[: keep - len(picks)]
