"""Forgetting: samples that the observer learns and forgets again most often.

Score: how often the sample is classified correctly after one epoch and wrongly after the next; one that is never
classified correctly counts as forgotten most. The highest is kept (Toneva et al., An Empirical Study of Example
Forgetting, ICLR 2019, §3 and Alg. 1). A widely used library counts never-learned samples as never forgotten:
``unlearned="least"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import MethodSpec, generator, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.course import Course, CourseConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed, Source


class ForgettingConfig(CourseConfig):
    """Options of forgetting."""

    unlearned: Literal["most", "least"] = Field(
        "most", description="whether a sample that is never right counts as forgotten most, or as never forgotten"
    )


SPEC = MethodSpec(
    name="forgetting",
    target=f"{__name__}:Forgetting",
    config=ForgettingConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="samples that the observer learns and forgets again most often",
    paper="Toneva et al., An Empirical Study of Example Forgetting, ICLR 2019, arXiv:1812.05159",
    needs=("dynamics",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window",),
    keeps="the most often forgotten; those never learned, mislabelled ones among them, first of all",
    cost="the observer's training with a pass over all samples after each epoch; O(n·T) time and memory",
    differs=(
        "The paper notes a sample when it comes up in its own mini-batch, augmented; here the network is asked in eval "
        "mode after each epoch. Samples forgotten equally often are in drawn order. Short trainings tell few counts "
        "apart: the paper's has 200 epochs. Budgets are met in each class; scope=dataset ranks all samples together, "
        "as the paper does."
    ),
)


class Forgetting(Course):
    """Samples that the observer learns and forgets again most often."""

    config: ForgettingConfig
    fewest = 2

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """How often right turns into wrong; T for a sample that is never right, which no count reaches."""
        right = np.asarray(self.course(observed).correct, dtype=bool)
        events: npt.NDArray[np.float64] = (right[:-1] & ~right[1:]).sum(axis=0).astype(np.float64)
        if self.config.unlearned == "most":
            events[~right.any(axis=0)] = len(right)
        return events

    def order(self, source: Source, score: npt.NDArray[np.float64], seed: int) -> select.Bins:
        """All samples by falling score, equal ones as they are drawn."""
        draws = generator(seed, "equally-forgotten").random(len(score))
        group = select.groups(source, self.config.scope)
        return select.Bins.ordered(group, lambda members: np.lexsort((draws[members], -score[members])))
