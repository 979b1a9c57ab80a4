"""Longest: the samples with the longest answers, the strong trivial baseline of instruction tuning.

Zhao et al., Long Is More for Alignment, ICML 2024: 1,000 rows of Alpaca with the longest answers beat curated sets of
as many. Length there is in tokens; here in bytes, which hang on no tokenizer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import Config, MethodSpec
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    from dqbench import Arrays, ResolvedBudget, Subset
    from dqbench.data.text_source import TextSource


class LongestConfig(Config):
    """Options of longest: none."""


SPEC = MethodSpec(
    name="longest",
    target=f"{__name__}:Longest",
    config=LongestConfig,
    kind="selection",
    version=1,
    summary="texts with the longest answers",
    paper="Zhao et al., Long Is More for Alignment, ICML 2024, arXiv:2402.04833",
    keeps="the longest answers",
    cost="O(n·log n) time",
    differs="Length is in bytes, in the paper in tokens of a tokenizer.",
    data=("texts",),
)


class Longest:
    """Texts with the longest answers."""

    def __init__(self, config: LongestConfig) -> None:
        self.config = config

    def compress(self, source: TextSource, prepared: Arrays | None, budget: ResolvedBudget, seed: int) -> Subset:
        """The first by falling length; equal lengths by rising id."""
        from dqbench import Subset

        lengths = np.array([len(text.output.encode()) for text in source.texts], dtype=np.int64)
        return Subset(ids=source.ids[np.argsort(-lengths, kind="stable")[: budget.total]])
