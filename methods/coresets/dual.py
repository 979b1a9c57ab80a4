"""DUAL: uncertain and difficult samples early in training, drawn the more from the easy ones the less is kept.

Score: the mean, over windows of J successive epochs of the first T, of the standard deviation of p_y in the window
times 1 − its mean (Cho et al., Lightweight Dataset Pruning without Full Training, ICML 2025). What is kept
is drawn without replacement, by the score times the density of Beta(a, b) at the sample's mean p_y: with r the share
dropped and μ̄ the mean p_y of the ten highest scores, b = 15·(1 − μ̄)·(1 − r^c) and a = 16 − b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from dqbench import MethodSpec, generator, select
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.course import Course, CourseConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset

STRENGTH = 15.0
"""a + b = STRENGTH + 1."""

ANCHORS = 10
"""Samples of highest score whose mean p_y is μ̄."""

_EDGE = 1e-12


class DualConfig(CourseConfig):
    """Options of dual."""

    epochs: int | None = Field(30, ge=1, description="T: epochs that are looked at, from the first; at most all")
    span: int = Field(10, ge=2, description="J: epochs of a window; all where there are fewer")
    sampling: Literal["beta", "top"] = Field(
        "beta", description="draw by score and Beta density, or keep the highest scores"
    )
    exponent: float = Field(5.5, gt=0, allow_inf_nan=False, description="c: the larger, the later easy samples come in")

    @model_validator(mode="after")
    def _window_is_of_a_ranking(self) -> DualConfig:
        if self.window and self.sampling == "beta":
            raise ValueError(f"window={self.window} needs a ranking; set sampling=top as well")
        return self


SPEC = MethodSpec(
    name="dual",
    target=f"{__name__}:Dual",
    config=DualConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="uncertain and difficult samples early in training, easier ones the less is kept",
    paper="Cho et al., Lightweight Dataset Pruning without Full Training, ICML 2025, arXiv:2502.06905",
    needs=("dynamics",),
    prepares=True,
    orders=True,
    scores=True,
    compress_only=("window", "sampling", "exponent"),
    keeps="the uncertain and hard where much is kept, the easier the less is kept (sampling=top: the highest scores)",
    cost="the observer's training with a pass over all samples after each epoch; O(n·T·J) time, O(n·T) memory",
    differs=(
        "The paper looks at the first 30 of 200 epochs; a shorter training is looked at whole, one of fewer than J "
        "epochs in a single window. The network is asked in eval mode after each epoch. The paper chooses c for each "
        "data set; it is 5.5 here. Each class is drawn by itself; scope=dataset draws from all together, as the paper "
        "does."
    ),
)


class Dual(Course):
    """Uncertain and difficult samples, drawn by a Beta density."""

    config: DualConfig
    fewest = 2

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The mean over windows of the standard deviation of p_y times 1 − its mean."""
        from dqbench.observe.windows import sliding

        p_y = self.course(observed).p_y
        windows = sliding(p_y, min(self.config.span, len(p_y)))
        score: npt.NDArray[np.float64] = np.mean(
            [w.std(axis=0, ddof=1) * (1 - w).mean(axis=0) for w in windows], axis=0
        )
        return score

    def measures(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The score and the mean p_y, shape (n, 2)."""
        mean = np.asarray(self.course(observed).p_y, np.float64).mean(axis=0)
        return np.stack([self.score(source, observed, seed), mean], axis=1)

    def arrays(self, source: Source, measured: npt.NDArray[np.float64], seed: int) -> Arrays:
        """As of :class:`Course`, and the mean p_y of each sample under ``mean``, float64 of shape (n,)."""
        return {**super().arrays(source, measured, seed), "mean": np.ascontiguousarray(measured[:, 1])}

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """A draw of each group, or its highest scores."""
        if self.config.sampling == "beta":
            prepared = {**prepared, **self._drawn(source, prepared, budget, seed).arrays()}
        return super().compress(source, prepared, budget, seed)

    def _drawn(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> select.Bins:
        """All samples in the order in which they are drawn."""
        score, mean = prepared["score"], prepared["mean"]
        counts = select.group_budgets(budget, self.config.scope)
        group = select.groups(source, self.config.scope)

        def order(members: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            key = int(group[members[0]])
            dropped = 1 - int(counts[key]) / len(members)
            weights = log_weights(score[members], mean[members], dropped, self.config.exponent)
            return by_weight(weights, generator(seed, "beta-weighted", key).exponential(size=len(members)))

        return select.Bins.ordered(group, order)


def log_weights(
    score: npt.NDArray[np.float64], mean: npt.NDArray[np.float64], dropped: float, exponent: float
) -> npt.NDArray[np.float64]:
    """The logarithm of score times Beta density, shape (n,), up to a constant; −∞ for a score of 0.

    Args:
        score: shape (n,), not negative.
        mean: mean p_y, shape (n,).
        dropped: r, the share that is not kept.
        exponent: c.
    """
    from scipy.special import xlog1py, xlogy

    anchor = float(mean[np.argsort(-score, kind="stable")[:ANCHORS]].mean())
    b = STRENGTH * (1 - anchor) * (1 - dropped**exponent)
    a = STRENGTH + 1 - b
    inside = np.clip(mean, _EDGE, 1 - _EDGE)
    logs = np.log(np.where(score > 0, score, 1.0))
    weights: npt.NDArray[np.float64] = np.where(
        score > 0, logs + xlogy(a - 1, inside) + xlog1py(b - 1, -inside), -np.inf
    )
    return weights


def by_weight(log_weights: npt.NDArray[np.float64], exponential: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Places in the order of successive draws without replacement, each in proportion to the weights left.

    The first of many clocks to ring, each of rate w, is each one with probability w / Σw (Efraimidis & Spirakis, 2006).

    Args:
        log_weights: shape (n,).
        exponential: standard exponential draws, shape (n,).
    """
    order: npt.NDArray[np.int64] = np.argsort(np.log(exponential) - log_weights, kind="stable")
    return order
