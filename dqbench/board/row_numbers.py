"""The numbers of a row over several cells: ranks, transfer, the lossless ratio and the area under its curve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dqbench.board import curves
from dqbench.board.grid import Grid, largest
from dqbench.board.pairing import full_of, mean, paired, twin_of
from dqbench.board.sections import Column, Network, Row, Section
from dqbench.board.statistics import LEAST, Estimate, estimate
from dqbench.specs import Budget


@dataclass(frozen=True)
class RowNumbers:
    """The statistics of one row.

    Attributes:
        rank: interval of ranks over the board.
        transfer: by budget.
        lossless: by network, the smallest lossless keep ratio or None if no measured one is; networks where it is
            undefined are left out.
        area: by network where the row has all keep ratios of :func:`curve_grids`, the mean score under the curve.
    """

    rank: tuple[int, int] | None
    transfer: Mapping[Budget, Estimate]
    lossless: Mapping[Network, float | None]
    area: Mapping[Network, Estimate]


def rank_grid(section: Section) -> Grid[Row, Column] | None:
    """What ranks are over: the largest grid of tested cells, random in it; None where there is nothing to rank.

    Only random and contestants count: what is claimed, a control or full data takes no cell from them.
    """
    seeds = frozenset(section.tested.seeds)
    columns = [(network, budget) for network in section.networks for budget in section.budgets]
    cells = {
        row: {(n, b): seeds for n, b in columns if section.is_tested((row, n, b))}
        for row in section.rows
        if row.is_twin or row.is_contestant
    }
    return largest(cells, seeds=LEAST, required=section.twin)


def ranks(section: Section, grid: Grid[Row, Column]) -> dict[Row, tuple[int, int]]:
    """The interval of ranks of the grid's rows, by the mean over its columns for each seed."""
    means = {}
    for row in grid.rows:
        columns = [section.done[row, n, b].merits for n, b in grid.columns]
        means[row.label] = [mean([column[seed] for column in columns]) for seed in grid.seeds]
    found = curves.ranks(means)
    return {row: found[row.label] for row in grid.rows if row.label in found}


def curve_grids(section: Section) -> dict[Network, Grid[Row, Budget]]:
    """By network, what areas are over: the largest grid of random and contestants and at least two keep ratios."""
    ratios, one = [budget for budget in section.budgets if budget.kind == "ratio"], frozenset({0})
    found = {}
    for network in section.networks:
        cells = {
            row: {budget: one for budget in ratios if section.record(row, network, budget)}
            for row in section.rows
            if row.is_twin or row.is_contestant
        }
        if grid := largest(cells, rows=1, columns=2, required=section.twin):
            found[network] = grid
    return found


def transfers(section: Section, row: Row) -> Iterator[tuple[Budget, Estimate]]:
    """By budget, where the observer's architecture and at least one other are measured for the row and its twin."""
    for budget in section.budgets:
        cells = [(n, section.record(row, n, budget)) for n in section.networks]
        measured = [(n, record, twin_of(section, (row, n, budget))) for n, record in cells if record]
        seen = [(record, twin) for n, record, twin in measured if n.arch == row.observer_arch]
        unseen = [(record, twin) for n, record, twin in measured if n.arch != row.observer_arch]
        if len(seen) != 1 or not unseen:
            continue
        own, twin = seen[0]
        columns = paired(own, twin, *(record for pair in unseen for record in pair))
        if columns:
            yield budget, estimate(curves.transfer(columns[2::2], columns[0], columns[3::2], columns[1]).tolist())


def lossless(section: Section, row: Row) -> Iterator[tuple[Network, float | None]]:
    """By network, where every measured keep ratio of the row is paired with full data over three tested seeds.

    None where the task calls no loss small enough.
    """
    least = section.setting.measure.lossless
    for network in section.networks if least else ():
        losses: dict[float, list[float]] = {}
        found = [(b.value, section.record(row, network, b)) for b in section.budgets if b.kind == "ratio"]
        seeds, full = section.tested.seeds, full_of(section, network)
        pairs = [(value, paired(record, full, seeds=seeds)) for value, record in found if record]
        for value, pair in pairs:
            if pair and len(pair[0]) >= LEAST:
                losses[value] = [a - b for a, b in zip(*pair, strict=True)]
        if pairs and len(losses) == len(pairs) and not row.is_full:
            yield network, curves.lossless(losses, least)


def areas(section: Section, row: Row, grids: Mapping[Network, Grid[Row, Budget]]) -> Iterator[tuple[Network, Estimate]]:
    """By network where the row has all keep ratios of its grid, over the seeds that these share."""
    for network, grid in grids.items():
        records = [record for budget in grid.columns if (record := section.record(row, network, budget))]
        if row.is_full or len(records) < len(grid.columns):
            continue
        columns = [record.scores for record in records]
        common = sorted(set.intersection(*(set(column) for column in columns)))
        if common:
            values = curves.area([b.value for b in grid.columns], [[c[seed] for seed in common] for c in columns])
            yield network, estimate(values.tolist())
