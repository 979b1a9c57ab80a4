"""One test for each method, over all its budgets and architectures together: what single cells are too few seeds for.

Of each seed the differences to random are averaged over the cells, so that seeds stay the unit: cells of one seed share
their draws. Paired t-test over the tested seeds, Holm over the methods; beside the marks of single cells, not in their
place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dqbench.board.pairing import mean
from dqbench.board.sections import Row, Section
from dqbench.board.statistics import LEAST, LEVEL, Estimate, estimate, holm, paired_p


@dataclass(frozen=True)
class PooledTest:
    """A method against random over several cells: the difference, its number of cells, and Holm's adjusted p."""

    difference: Estimate
    cells: int
    p: float

    @property
    def mark(self) -> Literal["above", "below", ""]:
        """The side of random that the method is on, where the test says that it is on one."""
        return "" if self.p >= 1 - LEVEL else "above" if self.difference.mean > 0 else "below"


def pooled_tests(section: Section) -> Mapping[Row, PooledTest]:
    """By contestant, where it and random have tested cells with three seeds or more."""
    seeds = section.tested.seeds
    found = {row: _columns(section, row) for row in section.rows if row.is_contestant}
    found = {row: columns for row, columns in found.items() if columns}
    if len(seeds) < LEAST or not found:
        return {}
    differences = {
        row: [mean([column[seed] for column in columns]) for seed in seeds] for row, columns in found.items()
    }
    adjusted = holm([float(paired_p(values)) for values in differences.values()])
    return {
        row: PooledTest(estimate(values), len(found[row]), float(p))
        for (row, values), p in zip(differences.items(), adjusted, strict=True)
    }


def _columns(section: Section, row: Row) -> list[dict[int, float]]:
    """By cell of the row and of random that is tested, the difference of each tested seed."""
    found = []
    for network in section.networks:
        for budget in section.budgets:
            if section.twin is None or not section.is_tested((row, network, budget)):
                continue
            if section.is_tested((section.twin, network, budget)):
                own, twin = (section.done[one, network, budget].merits for one in (row, section.twin))
                found.append({seed: own[seed] - twin[seed] for seed in section.tested.seeds})
    return found
