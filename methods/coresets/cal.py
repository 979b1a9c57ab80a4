"""CAL: samples that the observer predicts otherwise than their neighbours in feature space.

Score: the mean over the k nearest neighbours i of KL(p_i‖p_x), p being softmax probabilities; the highest is kept
(Margatina et al., Active Learning by Acquiring Contrastive Examples, EMNLP 2021, Alg. 1). A widely used library sorts
the wrong way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source


class CALConfig(RankedConfig):
    """Options of cal."""

    neighbours: int = Field(10, ge=1, description="k: neighbours of a sample (at most all others of its class)")


SPEC = MethodSpec(
    name="cal",
    target=f"{__name__}:CAL",
    config=CALConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples that the observer predicts otherwise than their neighbours",
    paper="Margatina et al., Contrastive Active Learning, EMNLP 2021, arXiv:2109.03764",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the largest divergence from the neighbours: the contrastive",
    cost="one pass of the observer; O(n²·d) time in a class, O(n·(d + C)) memory",
    differs=(
        "The paper's neighbours are labelled samples, and it selects in rounds; here they are a sample's nearest "
        "others of its class, of all with scope=dataset, and one observer scores every sample once. A class of one "
        "has no neighbour and the score 0."
    ),
)


class CAL(Ranked):
    """Samples that are predicted otherwise than their neighbours."""

    config: CALConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The mean of KL(p_i‖p_x) over neighbours of the same class, or of any."""
        features = select.finite_features(observed.features)
        logits = select.finite_features(observed.logits, "logits")
        group = select.groups(source, self.config.scope)
        score = np.empty(len(group))
        for key in np.unique(group):
            members = np.flatnonzero(group == key)
            score[members] = contrast(features[members], logits[members], self.config.neighbours)
        return score


def contrast(
    features: npt.NDArray[np.float64], logits: npt.NDArray[np.float64], neighbours: int
) -> npt.NDArray[np.float64]:
    """The mean of KL(p_i‖p_x) over the nearest others i of each sample x, shape (n,); 0 where there is no other.

    Args:
        features: shape (n, d).
        logits: shape (n, classes).
        neighbours: k; n − 1 where there are fewer.
    """
    from scipy.special import log_softmax

    near, _ = select.nearest_neighbours(features, min(neighbours, len(features) - 1))
    logs: npt.NDArray[np.float64] = log_softmax(logits, axis=1)
    score: npt.NDArray[np.float64] = np.zeros(len(features))
    for others in near.T:
        score += (np.exp(logs[others]) * (logs[others] - logs)).sum(axis=1)
    score /= max(1, near.shape[1])
    return score
