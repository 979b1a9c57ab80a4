"""SemDeDup: of texts that mean much the same, one; what is most like a text that is kept goes first.

Abbas et al., SemDeDup, 2023, §3: embeddings are clustered by k-means; in each cluster samples are taken from the
farthest from the centre, and a sample whose cosine to one that came before it is above 1 − ε is a semantic duplicate.
Here ε is what the budget makes it: samples are kept by rising similarity to the nearest of those before them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import Config, MethodSpec, derive, select
from dqbench.deferred import numpy as np
from dqbench.methods.texts.ranked import RankedTexts

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench.data.text_source import TextSource
    from dqbench.observe.texts import ObservedTexts


class SemDeDupConfig(Config):
    """Options of SemDeDup."""

    clusters: int | None = Field(None, ge=1, description="of k-means; null takes the square root of the samples")


SPEC = MethodSpec(
    name="semdedup",
    target=f"{__name__}:SemDeDup",
    config=SemDeDupConfig,
    kind="selection",
    version=1,
    summary="of texts that mean much the same, one",
    paper="Abbas et al., SemDeDup, 2023, arXiv:2303.09540",
    needs=("observer",),
    prepares=True,
    orders=True,
    keeps="what is least like any text of its cluster that is kept",
    cost="an embedding, k-means, O(n²/k·d) time for k clusters",
    differs="The budget takes the place of the threshold ε, as in the paper's comparisons at equal size.",
    data=("texts",),
)


class SemDeDup(RankedTexts):
    """Texts by rising similarity to those that are kept before them."""

    config: SemDeDupConfig

    def score(self, source: TextSource, observed: ObservedTexts, seed: int) -> npt.NDArray[np.float64]:
        """Minus the largest cosine to a text of the cluster that is farther from its centre."""
        from sklearn.cluster import KMeans

        unit = select.unit(select.finite_features(observed.features))
        clusters = min(len(unit), self.config.clusters or max(1, round(len(unit) ** 0.5)))
        found = KMeans(clusters, n_init=1, random_state=derive(seed, "clusters") % 2**32).fit(unit)
        nearest = np.full(len(unit), -1.0)
        for cluster in range(clusters):
            members = np.flatnonzero(found.labels_ == cluster)
            closeness = unit[members] @ found.cluster_centers_[cluster]
            members = members[np.argsort(closeness, kind="stable")]
            before = np.tril(unit[members] @ unit[members].T, -1) + np.triu(np.full((len(members),) * 2, -1.0))
            nearest[members] = before.max(axis=1, initial=-1.0)
        return -nearest
