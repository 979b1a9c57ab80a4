"""What methods share that score samples by the course of the observer's training: which epochs they look at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from dqbench import UsageError
from dqbench.deferred import numpy as np
from dqbench.methods.coresets.ranked import Ranked, RankedConfig

if TYPE_CHECKING:
    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.observe import Dynamics, Trainer


class CourseConfig(RankedConfig):
    """Options over any score of the course of a training."""

    epochs: int | None = Field(
        None, ge=1, description="T: epochs that are looked at, from the first; at most all, and none is all"
    )


class Course(Ranked):
    """Samples ranked by a score of the course of the observer's training."""

    config: CourseConfig
    fewest = 1
    """Epochs without which there is no score."""

    def course(self, observed: Observed) -> Dynamics:
        """The epochs that are looked at.

        Raises:
            UsageError: there are too few for the score.
        """
        found = observed.course().first(self.config.epochs)
        if len(found) < self.fewest:
            raise UsageError(
                f"this score needs {self.fewest} epochs of the observer's training, not {len(found)}; raise epochs, or "
                "the observer's (--set observer.epochs=10)"
            )
        return found

    def prepare(self, source: Source, observed: Observed, seed: int, train: Trainer | None = None) -> Arrays:
        """As of :class:`Ranked`, and the number of epochs that were looked at under ``epochs``."""
        arrays = super().prepare(source, observed, seed, train)
        return {**arrays, "epochs": np.array(len(self.course(observed)))}

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The highest scores; the notes say how the network was asked, and after how many epochs."""
        from dqbench.observe.dynamics import MODE

        kept = super().compress(source, prepared, budget, seed)
        facts = {"dynamics": MODE, "dynamics_epochs": int(prepared["epochs"])}
        return replace(kept, notes={**(kept.notes or {}), **facts})
