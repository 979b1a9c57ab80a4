"""What methods that rank samples by one score share: the highest scores are kept, of each class or of all.

Options over any score: it may be the mean over several observers, or come from observers that did not train on the
sample, one for each fold of the data (after UNSEEN, 2025); and what is kept may be a window further down the ranking
(after BWS, Choi et al., 2024, which searches the best start).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from dqbench import ADDED_LATER, generator, select
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dqbench import Arrays, Observed, ResolvedBudget, Source, Subset
    from dqbench.observe import Trainer


class RankedConfig(select.ScopeConfig):
    """Options over any score."""

    window: float = Field(
        0.0,
        ge=0,
        lt=1,
        json_schema_extra=ADDED_LATER,
        description="share of each class (or of all) at the top that is passed over, at most what is not kept",
    )
    several: int = Field(
        1,
        ge=1,
        json_schema_extra=ADDED_LATER,
        description="observers whose scores are averaged, by draws of their own",
    )
    folds: int = Field(
        0, ge=0, json_schema_extra=ADDED_LATER, description="parts, each scored by an observer of the others; 0: none"
    )

    @model_validator(mode="after")
    def _folds_are_parts(self) -> RankedConfig:
        if self.folds == 1:
            raise ValueError("folds=1 leaves nothing to train on; give 2 or more, or 0 for none")
        if self.folds and self.several > 1:
            raise ValueError(f"folds={self.folds} and several={self.several} do not go together; leave one out")
        return self

    def observers(self) -> int:
        """As many as are averaged."""
        return self.several

    def trainings(self) -> float:
        """One observer for each fold, on all but that fold."""
        return max(self.folds - 1.0, 0.0)


class Ranked:
    """Samples by falling score; equal scores by rising id."""

    def __init__(self, config: RankedConfig) -> None:
        self.config = config

    def score(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The score of each sample, shape (n,): the higher, the sooner it is kept."""
        raise NotImplementedError

    def prepare(self, source: Source, observed: Observed, seed: int, train: Trainer | None = None) -> Arrays:
        """The order, which serves every budget, and the scores under ``score``, float64 of shape (n,)."""
        measured = self._unseen(source, train, seed) if train is not None else self._mean(source, observed, seed)
        return self.arrays(source, measured, seed)

    def measures(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        """The score of each sample and, after it, what else is measured of it, shape (n, m)."""
        return self.score(source, observed, seed)[:, None]

    def arrays(self, source: Source, measured: npt.NDArray[np.float64], seed: int) -> Arrays:
        """What is prepared from what was measured."""
        score = np.ascontiguousarray(measured[:, 0])
        return {**self.order(source, score, seed).arrays(), "score": score}

    def order(self, source: Source, score: npt.NDArray[np.float64], seed: int) -> select.Bins:
        """All samples by falling score."""
        return select.Bins.ranked(select.groups(source, self.config.scope), score)

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The highest scores, or those after the start of the window."""
        bins, config = select.Bins.from_arrays(prepared), self.config
        if config.window:
            bins = passed_over(bins, config, budget)
        return select.first(source, bins, budget, config.scope)

    def _mean(self, source: Source, observed: Observed, seed: int) -> npt.NDArray[np.float64]:
        measured = self.measures(source, observed, seed)
        if self.config.several > 1:
            others = (self.measures(source, one, seed) for one in observed.repeats)
            measured = np.mean([measured, *others], axis=0)
        return measured

    def _unseen(self, source: Source, train: Trainer, seed: int) -> npt.NDArray[np.float64]:
        fold = folds(source.labels, self.config.folds, seed)
        inside = [np.flatnonzero(fold == number) for number in range(self.config.folds)]
        found = []
        for number, positions in enumerate(inside):
            observed = train.shown(np.flatnonzero(fold != number), positions, "fold", number)
            found.append(self.measures(part(source, positions), observed, seed))
        measured = np.empty((len(source), found[0].shape[1]))
        measured[np.concatenate(inside)] = np.concatenate(found)
        return measured


def folds(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold of each sample, shape (n,): drawn, as many of each class and in all as whole numbers allow.

    Raises:
        ValueError: there are more folds than samples.
    """
    if count > len(labels):
        raise ValueError(f"{count} folds of {len(labels)} samples leave one empty; set fewer folds")
    drawn = generator(seed, "folds").permutation(len(labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[drawn[np.argsort(labels[drawn], kind="stable")]] = np.arange(len(labels)) % count
    return fold


def part(source: Source, positions: npt.NDArray[np.int64]) -> Source:
    """The samples of a source at these positions, in rising order."""
    from dqbench.data.lazy import take

    files = None if source.files is None else tuple(source.files[i] for i in positions)
    sizes = None if source.file_sizes is None else source.file_sizes[positions]
    return replace(
        source,
        images=take(source.images, positions),
        labels=source.labels[positions],
        ids=source.ids[positions],
        files=files,
        file_sizes=sizes,
    )


def passed_over(bins: select.Bins, config: RankedConfig, budget: ResolvedBudget) -> select.Bins:
    """The order of each group from the start of the window on, what was passed over last."""
    counts = select.group_budgets(budget, config.scope)
    place = np.empty(len(bins.order), dtype=np.int64)
    for group, _, positions in bins.cells():
        start = min(int(config.window * len(positions) + 1e-9), len(positions) - int(counts[group]))
        place[positions] = (np.arange(len(positions)) - start) % len(positions)
    return select.Bins.ordered(bins.group, lambda members: np.argsort(place[members], kind="stable"))
