"""CRAIG: medoids of the gradients, each weighted by how many samples it stands for.

Per class, the picks S greedily maximise Σ_{i∈V} max_{s∈S} (const − d(i, s)) with d the Euclidean distance of gradients,
and γ_s = |{i : s = argmin_{t∈S} d(i, t)}|, the pick itself among them, multiplies the loss of s (Mirzasoleiman et al.,
Coresets for Data-efficient Training of Machine Learning Models, ICML 2020). For deep networks the gradient is that of
the loss in the logits, p − y.

Checked against the authors' code, not against the paper's text: ``train_resnet.py`` (p − y), ``util.py`` (const is a
class's largest distance, weights are sizes of clusters) and ``lazy_greedy.py`` of baharanm/craig (b0374a2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset


class CraigConfig(select.ScopeConfig):
    """Options of craig."""

    embedding: Literal["logit", "gradient"] = Field(
        "logit", description="the gradient in the logits, p − y, or that in the last layer's weights, (p − y) ⊗ [1, h]"
    )


SPEC = MethodSpec(
    name="craig",
    target=f"{__name__}:Craig",
    config=CraigConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="medoids of the gradients of a class, weighted by how many samples they stand for",
    paper="Mirzasoleiman et al., Coresets for Data-efficient Training, ICML 2020, arXiv:1906.01827",
    needs=("observer",),
    weighs=True,
    keeps="what stands for the most gradients that no pick stands for yet, with weights",
    cost=(
        "one pass of the observer; for each budget O(n²·C) to begin with and O(n·C) for each gain that the lazy greedy "
        "renews; 8·n² bytes where 2 GiB hold them, else O(n·C)"
    ),
    differs=(
        "The paper chooses anew every few epochs of the training that it speeds up; here once, from one observer. The "
        "greedy is exact. Weights are cluster sizes with the medoid counted once; a batch's loss is the mean weighted "
        "by them, where authors' code scales them to a mean of 1 over the set and takes the plain mean of a batch."
    ),
)


class Craig:
    """Weighted medoids of gradients."""

    def __init__(self, config: CraigConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Subset:
        """The medoids of each group with the sizes of their clusters."""
        from dqbench import Subset

        gradients, features = observed.gradients(), select.finite_features(observed.features)
        ids, weights = [np.empty(0, dtype=np.int64)], [np.empty(0)]
        for _, members, keep in select.budgeted(source, budget, self.config.scope):
            own = gradients[members]
            if self.config.embedding == "logit":
                vectors = select.RankOne.of(own, None, normalise=False)
            else:
                vectors = select.RankOne.of(features[members], own, normalise=False)
            picks, sizes = select.facility_location(vectors, "l2", keep)
            ids.append(source.ids[members[picks]])
            weights.append(sizes.astype(np.float64))
        return Subset(ids=np.concatenate(ids), weights=np.concatenate(weights))
