"""GraNd: samples whose loss has the largest gradient.

Score: |g|·√(1 + |h|²) with g = softmax(z) − onehot(y) and the penultimate features h, the norm of the gradient of the
loss in the weights and biases of the last layer; the highest is kept (Paul et al., Deep Learning on a Data Diet,
NeurIPS 2021, §2.1, whose gradient is that of all layers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import MethodSpec, select
from dqbench.methods.coresets.early import EarlyConfig, early
from dqbench.methods.coresets.ranked import Ranked

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source
    from dqbench.deferred import numpy as np


class GraNdConfig(EarlyConfig):
    """Options of grand."""


SPEC = MethodSpec(
    name="grand",
    target=f"{__name__}:GraNd",
    config=GraNdConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose loss has the largest gradient in the last layer",
    paper="Paul et al., Deep Learning on a Data Diet, NeurIPS 2021, arXiv:2107.07075",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the largest gradient: the hardest, mislabelled ones among them",
    cost="one pass of the observer; O(n·(C + d)) time, O(n·(C + d)) memory",
    differs=(
        "The paper takes the gradient of all layers, mean over ten networks (several=10); here it is that of the last "
        "layer of one observer, at the end of its recipe, whose epochs are those of the profile, or after 10 to 20 of "
        "them (when=epoch). The paper's result at "
        "initialisation, epoch 0, does not reproduce, and no untrained network is used here. Budgets are met in each "
        "class; scope=dataset ranks all samples together, as the paper does. Gradients are of single samples: no batch "
        "inflates one."
    ),
)


class GraNd(Ranked):
    """Samples whose loss has the largest gradient in the last layer."""

    config: GraNdConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """|g|·√(1 + |h|²)."""
        from dqbench.observe import scores

        if self.config.when != "end":
            return early(self.config, observed, "grand")
        return scores.grand(observed.gradients(), select.finite_features(observed.features))
