"""AUM: samples whose label loses most to another class all through the training.

AUM = mean over epochs of z_y − max_{i≠y} z_i, on logits z (Pleiss et al., Identifying Mislabeled Data using the Area
Under the Margin Ranking, NeurIPS 2020). As a score of difficulty it is −AUM: the lowest AUM is kept. The
paper itself drops the lowest as mislabelled: ``end="easy"`` keeps the highest AUM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.course import Course, CourseConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source


class AUMConfig(CourseConfig):
    """Options of aum."""

    end: Literal["hard", "easy"] = Field(
        "hard", description="keep the lowest AUM, or the highest, which drops the mislabelled"
    )


SPEC = MethodSpec(
    name="aum",
    target=f"{__name__}:AUM",
    config=AUMConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose label loses most to another class all through the training",
    paper="Pleiss et al., Area Under the Margin Ranking, NeurIPS 2020, arXiv:2001.10528",
    needs=("dynamics",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the lowest AUM: the hardest, mislabelled ones among them (end=easy keeps the highest)",
    cost="the observer's training with a pass over all samples after each epoch; O(n·T) time and memory",
    differs=(
        "The paper notes the margin in the sample's own mini-batch, augmented, up to the first fall of the learning "
        "rate; here the network is asked in eval mode after each epoch of its recipe. Budgets are met in each class; "
        "scope=dataset ranks all samples together."
    ),
)


class AUM(Course):
    """Samples whose label loses most to another class."""

    config: AUMConfig

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """−AUM, or AUM for ``end="easy"``."""
        area: npt.NDArray[np.float64] = np.asarray(self.course(observed).margin, np.float64).mean(axis=0)
        return -area if self.config.end == "hard" else area
