"""Perplexity: answers that a language model finds likely, unlikely, or in between.

The mean -ln p of an answer's tokens given its instruction, under a language model that was trained on the source (as a
filter, Marion et al., When Less Is More, 2023, who keep the middle; Ankner et al., 2024, who find that high is best for
some corpora).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dqbench import Config, MethodSpec
from dqbench.deferred import numpy as np
from dqbench.methods.texts.ranked import RankedTexts

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench.data.text_source import TextSource
    from dqbench.observe.texts import ObservedTexts


class PerplexityConfig(Config):
    """Options of perplexity."""

    part: Literal["low", "mid", "high"] = Field("mid", description="which answers are kept, by their perplexity")


SPEC = MethodSpec(
    name="perplexity",
    target=f"{__name__}:Perplexity",
    config=PerplexityConfig,
    kind="selection",
    version=1,
    summary="answers of low, middle or high perplexity under a model of the source",
    paper="Marion et al., When Less Is More, 2023, arXiv:2309.04564",
    needs=("losses",),
    prepares=True,
    orders=True,
    keeps="the middle of the ranks; with part=low or high one end",
    cost="a language model trained on the source, then two passes of it over the answers",
    differs="Of answers given their instructions under a model of the source; the papers rank pretraining texts.",
    data=("texts",),
)


class Perplexity(RankedTexts):
    """Answers by their perplexity."""

    config: PerplexityConfig

    def score(self, source: TextSource, observed: ObservedTexts, seed: int) -> npt.NDArray[np.float64]:
        """The mean loss, its negative, or the closeness of its rank to the middle."""
        loss: npt.NDArray[np.float64] = observed.given / observed.tokens
        if self.config.part == "high":
            return loss
        if self.config.part == "low":
            return -loss
        ranks = np.empty(len(loss))
        ranks[np.argsort(loss, kind="stable")] = np.arange(len(loss))
        middle: npt.NDArray[np.float64] = -np.abs(ranks - (len(loss) - 1) / 2)
        return middle
