"""Nearest mean: keep the samples whose features lie nearest to the mean of their class.

For class c with mean μ_c of the observer's penultimate features, samples are ranked by |φ(x) - μ_c|, nearest first.
``prepare`` ranks once, ``compress`` takes the head of each ranking. The whole plugin is this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dqbench import Config, MethodSpec, hookimpl

if TYPE_CHECKING:
    from dqbench import Observed, ResolvedBudget, Source, Subset


class NearestMeanConfig(Config):
    """Options of nearest mean; their descriptions are what ``dqbench show nearest-mean`` prints."""

    prefer: Literal["typical", "rare"] = Field(
        "typical", description="keep the samples nearest to their class mean, or the farthest"
    )


@hookimpl
def dqbench_methods() -> Iterable[MethodSpec]:
    """Tell dqbench of the method; ``target`` is imported when it runs, so listing methods stays fast."""
    yield MethodSpec(
        name="nearest-mean",
        target="dqbench_nearest_mean:NearestMean",
        config=NearestMeanConfig,
        kind="selection",
        version=1,
        summary="the samples whose features are nearest to the mean of their class",
        needs=("observer",),
        prepares=True,
        compress_only=("prefer",),
    )


class NearestMean:
    """Ranks each class by the distance to its mean."""

    def __init__(self, config: NearestMeanConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int) -> dict[str, Any]:
        """Distance of each sample to the mean of its class, shape (n,), float64; serves every budget."""
        import numpy as np

        features = np.asarray(observed.features, dtype=np.float64)
        means = np.stack([features[source.labels == label].mean(axis=0) for label in range(source.classes)])
        return {"distance": np.linalg.norm(features - means[source.labels], axis=1)}

    def compress(self, source: Source, prepared: Mapping[str, Any], budget: ResolvedBudget, seed: int) -> Subset:
        """The first ``budget.per_class`` of each class, nearest (or farthest) first; ties go to the lowest id."""
        import numpy as np

        from dqbench import Subset

        sign = 1 if self.config.prefer == "typical" else -1
        order = np.argsort(sign * prepared["distance"], kind="stable")
        by_class = [order[source.labels[order] == label] for label in range(source.classes)]
        kept = np.concatenate([ranked[:count] for ranked, count in zip(by_class, budget.per_class, strict=True)])
        return Subset(ids=source.ids[kept])
