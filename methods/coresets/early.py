"""What el2n and grand share: their score may be taken early in training, from the observer's course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import ADDED_LATER, UsageError
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.ranked import RankedConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Observed


class EarlyConfig(RankedConfig):
    """Options of a score that the papers take early in training."""

    when: Literal["end", "epoch", "mean"] = Field(
        "end",
        json_schema_extra=ADDED_LATER,
        description="score at the end of the observer's recipe, after one epoch, or as the mean over the first epochs",
    )
    epochs: int = Field(
        10,
        ge=1,
        json_schema_extra=ADDED_LATER,
        description="which epoch, or how many from the first; with when=end none",
    )

    def watches(self) -> bool:
        """Where the score is not that of the end."""
        return self.when != "end"


def early(config: EarlyConfig, observed: Observed, name: str) -> npt.NDArray[np.float64]:
    """A score after the epoch that the options name, or its mean over the first ones, shape (n,).

    Args:
        config: the options; ``when`` is not ``end``.
        observed: an observer that was watched.
        name: the score, as :class:`dqbench.observe.Dynamics` has it.

    Raises:
        UsageError: the observer did not train for so long.
    """
    series = np.asarray(getattr(observed.course(), name), np.float64)
    if config.epochs > len(series):
        raise UsageError(
            f"epochs={config.epochs}, but the observer trained for {len(series)}; set fewer, or more of the observer's "
            f"(--set observer.epochs={config.epochs})"
        )
    score: npt.NDArray[np.float64] = (
        series[config.epochs - 1] if config.when == "epoch" else series[: config.epochs].mean(axis=0)
    )
    return score
