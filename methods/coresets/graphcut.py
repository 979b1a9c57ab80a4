"""Graph cut: samples that are like the rest of their class and unlike each other, greedily (GraphCut-MI).

Gain of x: −2·Σ_{s∈S} sim(s, x) + λ·Σ_{i∈V} sim(i, x), where S is what was picked and V the class. This is DQ with one
bin of which the first are kept (DQ, ICCV 2023, §3.1). The papers leave the similarity open; here it is the cosine of
last-layer gradients of the loss, as in DQ's earlier version and in released code. Of texts it is the inner product of
their embeddings as they are, as in released code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, select

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class GraphCutConfig(select.ScopeConfig):
    """Options of greedy graph cut."""

    embedding: Literal["gradient", "feature"] = Field(
        "gradient", description="what is compared: last-layer gradients g ⊗ [1, h], or penultimate features h"
    )
    metric: Literal["cosine", "l2", "dot"] = Field(
        "cosine", description="cosine similarity, squared distance, or the inner product of vectors as they are"
    )
    lam: float = Field(1.0, ge=0, allow_inf_nan=False, description="λ: weight of being like the rest of the class")
    double_softmax: bool = Field(
        False, description="take the loss of the softmax of the softmax, as DQ's released code does"
    )


SPEC = MethodSpec(
    name="graphcut",
    target=f"{__name__}:GraphCut",
    config=GraphCutConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="greedy graph cut on last-layer gradients: like the rest of the class, unlike the picks",
    paper=(
        "Iyer et al., Submodular Combinatorial Information Measures, ALT 2021; as Eq. 1 of "
        "Zhou et al., Dataset Quantization, ICCV 2023, arXiv:2308.10524"
    ),
    needs=("observer",),
    prepares=True,
    orders=True,
    stops=True,
    gpu_gib=6,
    keeps="what is like the rest of the class and unlike the picks",
    cost="one pass of the observer; O(n²·(C + d)) time in a class; 8·n² bytes where 2 GiB hold them, else O(n·(C + d))",
    differs=(
        "One softmax in the loss (double_softmax has the released two). Exact in float64, where released code "
        "computes similarities in float32. Budgets are met exactly."
    ),
    data=("images", "texts"),
    on_texts={"embedding": "feature", "metric": "dot"},
)


class GraphCut:
    """Greedy graph cut."""

    def __init__(self, config: GraphCutConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, largest: ResolvedBudget | None = None) -> Arrays:
        """The order up to the largest budget; the whole one, which serves every budget, by default."""
        stops = select.group_stops(largest, self.config.scope)
        return make_bins(observed, select.groups(source, self.config.scope), self.config, 1, stops).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        return select.first(source, select.Bins.from_arrays(prepared), budget, self.config.scope)

    def objective(self, rows: npt.NDArray[np.floating], kept: npt.NDArray[np.floating], count: int) -> float:
        """What is maximised, of features (k, d) that were kept, from a draw (m, d) of all ``count`` rows."""
        return select.graph_cut_value(rows, kept, count, self.config.lam, self.config.metric)


def make_bins(
    observed: Observed,
    group: npt.NDArray[np.int64],
    config: GraphCutConfig,
    bins: int,
    stops: Mapping[int, int] | None = None,
) -> select.Bins:
    """What the observer has a view of, each group ordered by greedy graph cut into ``bins`` bins.

    With ``stops`` only so many of each group are, the others follow by position.
    """
    features = select.finite_features(observed.features)
    gradients = observed.gradients(config.double_softmax) if config.embedding == "gradient" else None
    cut = select.GraphCut(config.metric, config.lam)
    return select.graph_cut_bins(features, gradients, group, bins, cut, stops=stops, device=observed.device)
