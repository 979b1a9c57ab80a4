"""Prototypes: samples far from the centroid of their cluster, found without labels.

The score is 1 − cos(φ_i, c_i) with c_i the centroid of the k-means cluster that holds sample i; the farthest, which are
the hardest, are kept (Sorscher et al., Beyond neural scaling laws, NeurIPS 2022, §5). Where few samples are kept the
same paper keeps the easiest: ``end="easy"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, UsageError, derive, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source


class SSLPrototypesConfig(RankedConfig):
    """Options of ssl-prototypes."""

    clusters: int | None = Field(None, ge=1, description="k of k-means; none is the number of classes")
    end: Literal["hard", "easy"] = Field(
        "hard", description="keep the farthest from their centroid, or the nearest (few samples)"
    )


SPEC = MethodSpec(
    name="ssl-prototypes",
    target=f"{__name__}:SSLPrototypes",
    config=SSLPrototypesConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples far from the centroid of their k-means cluster",
    paper="Sorscher et al., Beyond neural scaling laws, NeurIPS 2022, arXiv:2206.14486",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the farthest from their centroid: the hardest (end=easy keeps the nearest)",
    cost="one pass of the observer; k-means in O(n·k·d) time per round, O(n·d) memory",
    differs=(
        "The paper's features come from self-supervised pretraining and need no labels; here they are the observer's, "
        "which saw labels unless it was pretrained without. Clusters and scores use no label, the budget of each class "
        "does; scope=dataset uses none."
    ),
)


class SSLPrototypes(Ranked):
    """Distance to the prototype of its own cluster."""

    config: SSLPrototypesConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """1 − cos(φ_i, c_i), or minus it for ``end="easy"``."""
        if self.config.clusters is None and source.classes == 1:
            raise UsageError(
                "ssl-prototypes takes a cluster for each class, and there is one class; set ssl-prototypes.clusters"
            )
        clusters = min(self.config.clusters or source.classes, len(source))
        distance = prototype_distance(observed.features, clusters, derive(seed, "k-means") % 2**32)
        return distance if self.config.end == "hard" else -distance


def prototype_distance(features: npt.NDArray[np.floating], clusters: int, seed: int) -> npt.NDArray[np.float64]:
    """1 − cos of the features (n, d) with the centroid of their own cluster, shape (n,)."""
    from sklearn.cluster import KMeans

    directions = select.unit(select.finite_features(features))
    fitted = KMeans(clusters, n_init=1, random_state=seed).fit(directions)
    prototypes = select.unit(fitted.cluster_centers_)[fitted.labels_]
    distance: npt.NDArray[np.float64] = 1 - np.einsum("ij,ij->i", directions, prototypes)
    return distance
