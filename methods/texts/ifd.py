"""IFD: answers that an instruction helps least to foretell, without those that it hinders (Cherry).

Instruction-following difficulty: loss(answer | instruction) / loss(answer), both means over the answer's tokens under a
language model that knows the source (Li et al., From Quantity to Quality, NAACL 2024, Eq. 3). High: the instruction
says little of the answer, which the model has yet to learn. Above 1: the instruction makes the answer less likely, so
that they do not belong together: dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import Config, MethodSpec
from dqbench.deferred import numpy as np
from dqbench.methods.texts.ranked import RankedTexts

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench.data.text_source import TextSource
    from dqbench.observe.texts import ObservedTexts


class IFDConfig(Config):
    """Options of IFD."""


SPEC = MethodSpec(
    name="ifd",
    target=f"{__name__}:IFD",
    config=IFDConfig,
    kind="selection",
    version=1,
    summary="answers that the instruction helps least to foretell, without those that it hinders",
    paper="Li et al., From Quantity to Quality (Cherry), NAACL 2024, arXiv:2308.12032",
    needs=("losses",),
    prepares=True,
    orders=True,
    keeps="the highest ratio of losses up to 1",
    cost="a language model trained on the source, then two passes of it over the answers",
    differs=(
        "The model is trained on the whole source; the paper fine-tunes a pretrained one on 1,000 rows from clusters. "
        "What is above 1 comes last, nearest to 1 first, so that a budget is met even where too few are below."
    ),
    data=("texts",),
)


class IFD(RankedTexts):
    """Answers by their instruction-following difficulty."""

    def score(self, source: TextSource, observed: ObservedTexts, seed: int) -> npt.NDArray[np.float64]:
        """The ratio up to 1, above it its negative."""
        ratio = observed.given / np.maximum(observed.alone, np.finfo(np.float64).tiny)
        scores: npt.NDArray[np.float64] = np.where(ratio <= 1, ratio, -ratio)
        return scores
