"""EL2N: samples whose predicted probabilities are farthest from their label.

Score: |softmax(z) − onehot(y)|₂; the highest is kept (Paul et al., Deep Learning on a Data Diet, NeurIPS 2021, §2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec
from dqbench.methods.coresets.early import EarlyConfig, early
from dqbench.methods.coresets.ranked import Ranked

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source
    from dqbench.deferred import numpy as np


class EL2NConfig(EarlyConfig):
    """Options of el2n."""


SPEC = MethodSpec(
    name="el2n",
    target=f"{__name__}:EL2N",
    config=EL2NConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose predicted probabilities are farthest from their label",
    paper="Paul et al., Deep Learning on a Data Diet, NeurIPS 2021, arXiv:2107.07075",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the largest error: the hardest, mislabelled ones among them",
    cost="one pass of the observer; O(n·C) time, O(n·C) memory",
    differs=(
        "The paper's score is the mean over ten networks early in training (epoch 20 of 200: when=epoch, epochs=20, "
        "several=10; others take the mean over the first ten epochs of one: when=mean). By default one observer scores "
        "at the end of its recipe, so the score is noisier, and after a recipe that anneals to zero it is that of a "
        "trained network: scores of easy samples are near 0 and say less. Budgets are met in each class; scope=dataset "
        "ranks all samples together, as the paper does."
    ),
)


class EL2N(Ranked):
    """Samples whose predicted probabilities are farthest from their label."""

    config: EL2NConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """|p − onehot(y)|₂."""
        from dqbench.observe import scores

        if self.config.when != "end":
            return early(self.config, observed, "el2n")
        return scores.el2n(observed.gradients())
