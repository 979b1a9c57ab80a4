"""TDDS: samples whose contribution to the training varies most, late epochs counting more.

The contribution in an epoch is Σ_c |p'_c·log(p'_c / p_c)|, from the epoch before, p, to this one, p'. A window of J
epochs gives the norm of the deviations of its J − 1 contributions from their mean, and the score is their exponential
average over the windows, Σ_k β·(1 − β)^(K − k)·norm_k; the highest is kept (Zhang et al., Spanning Training Progress,
CVPR 2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import MethodSpec
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.course import Course, CourseConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source


class TDDSConfig(CourseConfig):
    """Options of tdds."""

    epochs: int | None = Field(90, ge=1, description="T: epochs that are looked at, from the first; at most all")
    span: int = Field(10, ge=3, description="J: epochs of a window; all where there are fewer")
    decay: float = Field(0.9, gt=0, lt=1, description="β: weight of the last window")


SPEC = MethodSpec(
    name="tdds",
    target=f"{__name__}:TDDS",
    config=TDDSConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose contribution to the training varies most, late epochs counting more",
    paper="Zhang et al., Spanning Training Progress (TDDS), CVPR 2024, arXiv:2311.13613",
    needs=("dynamics",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the largest variation",
    cost="the observer's training with a pass over all samples after each epoch; O(n·T·(C + J)) time, O(n·T) memory",
    differs=(
        "The paper searches T and J for each data set and keep ratio; here T = 90 and J = 10, or what the observer "
        "has. "
        "The network is asked in eval mode after each epoch. Released code adds 1e-8 to each probability; here "
        "log-probabilities are exact. Budgets are met in each class; scope=dataset ranks all samples together, as the "
        "paper does."
    ),
)


class TDDS(Course):
    """Samples whose contribution varies most."""

    config: TDDSConfig
    fewest = 3

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The exponential average of the windows' norms."""
        from dqbench.observe.windows import sliding

        change, decay = self.course(observed).change, self.config.decay
        score = np.zeros(change.shape[1])
        for window in sliding(change, min(self.config.span - 1, len(change))):
            score = (1 - decay) * score + decay * np.linalg.norm(window - window.mean(axis=0), axis=0)
        return score
