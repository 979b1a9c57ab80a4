"""Facility location: samples such that every one of the class has a pick that it is like, greedily.

Each pick adds the most to Σ_{i∈V} max_{s∈S} sim(i, s), V the class (Mirchandani & Francis, 1990; as a function of
coresets, Iyer et al., ALT 2021). The papers leave the similarity open; here it is the cosine of last-layer gradients
g ⊗ [1, h], as for ``graphcut``. ``metric="l2"`` takes minus the Euclidean distance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, select

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.deferred import numpy as np


class FacilityLocationConfig(select.ScopeConfig):
    """Options of facility location."""

    embedding: Literal["gradient", "feature"] = Field(
        "gradient", description="what is compared: last-layer gradients g ⊗ [1, h], or penultimate features h"
    )
    metric: Literal["cosine", "l2"] = Field("cosine", description="cosine similarity, or minus the Euclidean distance")


SPEC = MethodSpec(
    name="facility-location",
    target=f"{__name__}:FacilityLocation",
    config=FacilityLocationConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples such that every one of the class has a pick that it is like, greedily",
    paper="Iyer et al., Submodular Combinatorial Information Measures, ALT 2021, arXiv:2006.15412",
    needs=("observer",),
    prepares=True,
    orders=True,
    stops=True,
    keeps="what stands for most samples that no pick stands for yet",
    cost=(
        "one pass of the observer; O(n²·d) to O(n³·d) time in a class, as many gains as the lazy greedy must renew; "
        "8·n² bytes where 2 GiB hold them, else O(n·d)"
    ),
    differs=(
        "The greedy is exact: gains are computed in float64 and renewed until the best is known. A widely used library "
        "indexes the gains of its batches wrongly."
    ),
    data=("images", "texts"),
    on_texts={"embedding": "feature"},
)


class FacilityLocation:
    """Greedy facility location."""

    def __init__(self, config: FacilityLocationConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, largest: ResolvedBudget | None = None) -> Arrays:
        """The order up to the largest budget; the whole one, which serves every budget, by default."""
        config, features = self.config, select.finite_features(observed.features)
        gradients = observed.gradients() if config.embedding == "gradient" else None

        def order(members: npt.NDArray[np.int64], stop: int) -> npt.NDArray[np.int64]:
            of_members = None if gradients is None else gradients[members]
            vectors = select.RankOne.of(features[members], of_members, config.metric == "cosine")
            return select.facility_location_order(vectors, config.metric, stop)

        stops = select.group_stops(largest, config.scope)
        return select.Bins.greedy(select.groups(source, config.scope), order, stops).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)

    def objective(self, rows: npt.NDArray[np.floating], kept: npt.NDArray[np.floating], count: int) -> float:
        """What is maximised, of features (k, d) that were kept, as the mean over a draw (m, d) of all rows."""
        return select.facility_location_value(rows, kept, self.config.metric)
