"""DeepFool: samples that the least change would move over the boundary of what the observer answers.

Score: −|r|, r being the change that DeepFool finds; the smallest change is kept (Ducoffe & Precioso, Adversarial Active
Learning for Deep Networks, 2018; r by Moosavi-Dezfooli et al., DeepFool, CVPR 2016, Alg. 2: linear steps to the nearest
of the boundaries until the answer changes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec, report_step, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source

BATCH = 250
"""Images that go through the network together."""


class DeepFoolConfig(RankedConfig):
    """Options of deepfool."""

    steps: int = Field(50, ge=1, description="linear steps at most")
    overshoot: float = Field(0.02, ge=0, allow_inf_nan=False, description="how far beyond the boundary a step goes")
    candidates: int = Field(9, ge=1, description="classes that may be answered instead: the likeliest so many")


SPEC = MethodSpec(
    name="deepfool",
    target=f"{__name__}:DeepFool",
    config=DeepFoolConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples that the least change would move over the boundary of what the observer answers",
    paper="Ducoffe & Precioso, Adversarial Active Learning for Deep Networks, 2018, arXiv:1802.09841",
    needs=("observer",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the smallest change: the nearest to a boundary",
    cost="two to some tens of linear steps, each min(C, 10) backward passes of the observer over n images; O(n) memory",
    differs=(
        "The paper selects in rounds, and adds the changed images with their labels; here one observer scores every "
        "sample once. Distances are in normalised pixels, and to the boundary of the observer's own answer, right or "
        "wrong."
    ),
)


class DeepFool(Ranked):
    """Samples nearest to a boundary."""

    config: DeepFoolConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """−|r|."""
        import torch

        from dqbench.observe.boundary import DeepFool as Search

        select.finite_features(observed.logits, "logits")
        search = Search(self.config.steps, self.config.overshoot, self.config.candidates)
        score = np.empty(len(source))
        for start in range(0, len(source), BATCH):
            images = torch.from_numpy(np.array(source.images[start : start + BATCH]))
            found = search.distance(observed.net, observed.normalised(images))
            score[start : start + BATCH] = -found.double().cpu().numpy()
            report_step("image", min(start + BATCH, len(source)), len(source))
        return score
