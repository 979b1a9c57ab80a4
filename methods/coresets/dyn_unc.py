"""Dyn-Unc: samples whose probability of the label moves most while the observer trains.

Score: the mean, over windows of J successive epochs, of the standard deviation of p_y in the window; the highest is
kept (He et al., Large-scale Dataset Pruning with Dynamic Uncertainty, CVPR Workshops 2024).
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


class DynUncConfig(CourseConfig):
    """Options of dyn-unc."""

    span: int = Field(10, ge=2, description="J: epochs of a window; all where there are fewer")


SPEC = MethodSpec(
    name="dyn-unc",
    target=f"{__name__}:DynUnc",
    config=DynUncConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples whose probability of the label moves most while the observer trains",
    paper="He et al., Large-scale Dataset Pruning with Dynamic Uncertainty, CVPR Workshops 2024, arXiv:2306.05175",
    needs=("dynamics",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the largest movement: neither the easy, always right, nor the hopeless, always wrong",
    cost="the observer's training with a pass over all samples after each epoch; O(n·T·J) time, O(n·T) memory",
    differs=(
        "The paper's training has hundreds of epochs; a shorter one has fewer windows, one of fewer than J epochs a "
        "single window. The network is asked in eval mode after each epoch. Budgets are met in each class; "
        "scope=dataset ranks all samples together, as the paper does."
    ),
)


class DynUnc(Course):
    """Samples whose probability of the label moves most."""

    config: DynUncConfig
    fewest = 2

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The mean over windows of the standard deviation of p_y."""
        from dqbench.observe.windows import sliding

        p_y = self.course(observed).p_y
        span = min(self.config.span, len(p_y))
        score: npt.NDArray[np.float64] = np.mean([w.std(axis=0, ddof=1) for w in sliding(p_y, span)], axis=0)
        return score
