"""Least confidence: samples whose likeliest class has the smallest probability.

Score: 1 − max_c p_c of the softmax p = softmax(z); the highest is kept (Coleman et al., Selection via Proxy, ICLR 2020,
§3). A widely used library keeps the most certain where classes do not bind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, select
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source
    from dqbench.deferred import numpy as np


class LeastConfidenceConfig(RankedConfig):
    """Options of least-confidence."""


SPEC = MethodSpec(
    name="least-confidence",
    target=f"{__name__}:LeastConfidence",
    config=LeastConfidenceConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose likeliest class is least likely",
    paper="Coleman et al., Selection via Proxy, ICLR 2020, arXiv:1906.11829",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the lowest confidence: the least certain",
    cost="one pass of the observer; O(n·C) time, O(n·C) memory",
    differs=(
        "The paper selects in rounds and trains its network anew in each; here one observer at the end of its training "
        "scores every sample once."
    ),
)


class LeastConfidence(Ranked):
    """Samples whose likeliest class is least likely."""

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """1 − max_c p_c."""
        from dqbench.observe import scores

        return scores.least_confidence(select.finite_features(observed.logits, "logits"))
