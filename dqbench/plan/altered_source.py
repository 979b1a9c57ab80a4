"""A training set with replaced labels or unequal classes, as plans and records speak of it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dqbench.alteration import Alteration
from dqbench.data import store
from dqbench.records import AlteredFacts


@dataclass(frozen=True)
class AlteredSource:
    """What is known of it before any job runs.

    Attributes:
        facts: what records say.
        class_counts: samples of each class by the labels that it has then.
    """

    facts: AlteredFacts
    class_counts: list[int]

    @property
    def spec(self) -> dict[str, Any]:
        """What job specs say, as ``altered`` of their source."""
        return {**self.facts.alteration.model_dump(mode="json"), "hash": self.facts.hash}


def alter(dataset: str, per_class: int | None, alteration: Alteration) -> AlteredSource:
    """Alter the training set, or the first ``per_class`` images of each class, to see what it will be.

    Raises:
        UsageError: it is not there or damaged, or cannot be altered so.
    """
    from dqbench.data.altering import altered_hash

    source, plain = store.open_train(dataset, per_class, alteration), store.open_train(dataset, per_class)
    replaced = int((plain.labels[plain.positions(source.ids)] != source.labels).sum())
    facts = AlteredFacts(**alteration.model_dump(), replaced=replaced, hash=altered_hash(source.ids, source.labels))
    return AlteredSource(facts, source.class_counts.tolist())
