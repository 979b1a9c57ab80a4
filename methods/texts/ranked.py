"""What methods that rank texts by one score share: the highest scores are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import select

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Config, ResolvedBudget, Subset
    from dqbench.data.text_source import TextSource
    from dqbench.deferred import numpy as np
    from dqbench.observe.texts import ObservedTexts


class RankedTexts:
    """Texts by falling score; equal scores by rising id."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def score(self, source: TextSource, observed: ObservedTexts, seed: int) -> npt.NDArray[np.float64]:
        """The score of each text, shape (n,): the higher, the sooner it is kept."""
        raise NotImplementedError

    def prepare(self, source: TextSource, observed: ObservedTexts, seed: int) -> Arrays:
        """The order, which serves every budget, and the scores under ``score``, float64 of shape (n,)."""
        score = self.score(source, observed, seed)
        return {**select.Bins.ranked(source.labels, score).arrays(), "score": score}

    def compress(self, source: TextSource, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The highest scores."""
        from dqbench import Subset

        bins = select.Bins.from_arrays(prepared)
        return Subset(ids=source.ids[bins.order[: budget.total]])
