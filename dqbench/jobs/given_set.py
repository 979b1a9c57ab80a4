"""The method behind ``--ids``: it gives what the user gave."""

from __future__ import annotations

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Arrays, Compressed, Distilled, Subset
from dqbench.data import given_sets
from dqbench.data.source import Source
from dqbench.given import GivenConfig


class GivenSet:
    """Gives what the user gave."""

    def __init__(self, config: GivenConfig) -> None:
        self.config = config

    def compress(self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int) -> Compressed:
        """The ids for this seed, or the images.

        Raises:
            UsageError: they are not of this source.
        """
        given = self.config.given
        labels, notes = given_sets.labels_of(given, source, seed), {"given": given.file, "content": given.content}
        if given.images is not None:
            return Distilled(given_sets.pixels_of(given, source), labels, notes)
        kept = given.of(seed)
        return Subset(kept.ids, weights=kept.weights, notes=notes)
