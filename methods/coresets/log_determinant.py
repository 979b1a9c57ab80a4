"""Log-determinant: samples that span as much as samples can, greedily.

Each pick adds the most to log det S_AA of the picks A, which is log(S_xx − S_xA S_AA⁻¹ S_Ax), S being the similarity
(Kulesza & Taskar, Determinantal point processes for machine learning, 2012; as a function of coresets, Iyer et al., ALT
2021). The papers leave S open; here it is the cosine of last-layer gradients g ⊗ [1, h], as for ``graphcut``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, select

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.deferred import numpy as np


class LogDeterminantConfig(select.ScopeConfig):
    """Options of log-determinant."""

    embedding: Literal["gradient", "feature"] = Field(
        "gradient", description="what is compared: last-layer gradients g ⊗ [1, h], or penultimate features h"
    )


SPEC = MethodSpec(
    name="log-determinant",
    target=f"{__name__}:LogDeterminant",
    config=LogDeterminantConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples that span as much as samples can, greedily",
    paper="Iyer et al., Submodular Combinatorial Information Measures, ALT 2021, arXiv:2006.15412",
    needs=("observer",),
    prepares=True,
    orders=True,
    stops=True,
    keeps="what is least like a mixture of the picks: the diverse, outliers among them",
    cost="one pass of the observer; O(n·k²) time and 8·n·k bytes in a class to order k",
    differs=(
        "A kernel of rank r has no more than r picks with a determinant above 0: then the greedy begins anew among "
        "those that are left. A widely used library has the sign of the gain turned round."
    ),
)


class LogDeterminant:
    """Greedy log-determinant."""

    def __init__(self, config: LogDeterminantConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, largest: ResolvedBudget | None = None) -> Arrays:
        """The order up to the largest budget; the whole one, which serves every budget, by default."""
        config, features = self.config, select.finite_features(observed.features)
        gradients = observed.gradients() if config.embedding == "gradient" else None

        def order(members: npt.NDArray[np.int64], stop: int) -> npt.NDArray[np.int64]:
            of_members = None if gradients is None else gradients[members]
            return select.log_determinant_order(select.RankOne.of(features[members], of_members, True), stop)

        stops = select.group_stops(largest, config.scope)
        return select.Bins.greedy(select.groups(source, config.scope), order, stops).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)
