"""Margin: samples between whose two likeliest classes the observer hesitates.

Score: 1 − (p_first − p_second) of the softmax p = softmax(z); the highest, which is the *smallest* margin, is kept
(Coleman et al., Selection via Proxy, ICLR 2020, §3). A widely used library keeps the most certain where classes do not
bind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, select
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source
    from dqbench.deferred import numpy as np


class MarginConfig(RankedConfig):
    """Options of margin."""


SPEC = MethodSpec(
    name="margin",
    target=f"{__name__}:Margin",
    config=MarginConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples between whose two likeliest classes the observer hesitates most",
    paper="Coleman et al., Selection via Proxy, ICLR 2020, arXiv:1906.11829",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the smallest margin: the least certain",
    cost="one pass of the observer; O(n·C) time, O(n·C) memory",
    differs=(
        "The paper selects in rounds and trains its network anew in each; here one observer at the end of its training "
        "scores every sample once."
    ),
)


class Margin(Ranked):
    """Samples between whose two likeliest classes the observer hesitates most."""

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """1 − (p_first − p_second)."""
        from dqbench.observe import scores

        return scores.small_margin(select.finite_features(observed.logits, "logits"))
