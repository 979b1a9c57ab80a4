"""The numbers of a section: every statistic of every cell and row, computed once for all ways of showing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dqbench.board import row_numbers
from dqbench.board.chance import nothing_learned
from dqbench.board.equivalent import RandomCurve
from dqbench.board.grid import Grid
from dqbench.board.pairing import full_of, mean, merits, paired, scores, seconds, twin_of
from dqbench.board.pooled import PooledTest, pooled_tests
from dqbench.board.row_numbers import RowNumbers
from dqbench.board.sections import CellKey, Column, Network, Row, Section
from dqbench.board.statistics import LEAST, Estimate, Ratio, estimate, gain, holm, paired_p
from dqbench.measure import Measure
from dqbench.records import Record
from dqbench.specs import Budget

Mark = Literal["above", "below", ""]
_Curves = dict[tuple[Network, tuple[int, ...]], RandomCurve | None]
"""Random curves by network and the seeds that they are of: the same ones serve many cells."""


@dataclass(frozen=True)
class CellNumbers:
    """The statistics of one cell; None is undefined.

    Attributes:
        score: over the seeds.
        delta: paired difference to the random twin, above 0 where it is better.
        mark: the side of 0 that ``delta`` is on, if it is after Holm.
        gain: share of the way from random to full data.
        kappa: random samples that buy the same score, divided by the samples kept.
        samples: mean number trained on.
        bytes: mean bytes stored.
        updates: mean number of optimiser updates.
        train_s: mean seconds of training and evaluation; None where a job's facts are missing.
        best: mean best-epoch score, where it was asked for.
    """

    score: Estimate
    delta: Estimate | None
    mark: Mark
    gain: Ratio | None
    kappa: Ratio | None
    samples: float
    bytes: float
    updates: float
    train_s: float | None
    best: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the interval of ``delta``, where it has one."""
        return self.delta.interval if self.delta else None


@dataclass(frozen=True)
class Board:
    """A section with its numbers.

    Attributes:
        tests: the size of Holm's family.
        ranks: the rows, columns and seeds that ranks are over; None where there are none.
        curves: by network, the rows and keep ratios that areas are over.
        pooled: by method, one test over all its cells.
        unlearned: networks on which nothing was learned, so that nothing is compared there.
    """

    section: Section
    cells: Mapping[CellKey, CellNumbers]
    rows: Mapping[Row, RowNumbers]
    tests: int
    ranks: Grid[Row, Column] | None
    curves: Mapping[Network, Grid[Row, Budget]]
    unlearned: tuple[Network, ...]
    pooled: Mapping[Row, PooledTest]

    @property
    def measure(self) -> Measure:
        """How the section's metric is read."""
        return self.section.setting.measure

    @property
    def decimals(self) -> int:
        """That its scores and differences are shown with."""
        return self.measure.decimals

    def cell(self, row: Row, network: Network, budget: Budget) -> CellNumbers | None:
        """The numbers at a key; the full row has the same ones at every budget."""
        return self.cells.get((row, network, Budget.full() if row.is_full else budget))

    def with_interval(self, row: Row, network: Network, budget: Budget) -> CellNumbers | None:
        """The numbers at a key, where they are held against random with an interval."""
        cell = self.cell(row, network, budget)
        return cell if cell and cell.interval else None


def build(section: Section) -> Board:
    """Compute a section's numbers."""
    unlearned = nothing_learned(section)
    curves: _Curves = {}
    cells = {cell_key: _cell(section, cell_key, record, curves) for cell_key, record in section.done.items()}
    cells |= {cell_key: _uncompared(cell) for cell_key, cell in cells.items() if cell_key[1] in unlearned}
    learned = section.without(unlearned)
    marked = _marks(learned)
    cells |= {cell_key: replace(cells[cell_key], mark=mark) for cell_key, mark in marked.items()}
    grid, grids = row_numbers.rank_grid(learned), row_numbers.curve_grids(learned)
    ranks = row_numbers.ranks(learned, grid) if grid else {}
    rows = {
        row: RowNumbers(
            ranks.get(row),
            dict(row_numbers.transfers(learned, row)),
            dict(row_numbers.lossless(learned, row)),
            dict(row_numbers.areas(learned, row, grids)),
        )
        for row in section.rows
    }
    return Board(section, cells, rows, len(marked), grid if ranks else None, grids, unlearned, pooled_tests(learned))


def _uncompared(cell: CellNumbers) -> CellNumbers:
    return replace(cell, delta=None, gain=None, kappa=None)


def _cell(section: Section, cell_key: CellKey, record: Record, curves: _Curves) -> CellNumbers:
    _, network, _ = cell_key
    score = estimate(list(scores(record).values()))
    samples = mean([run.samples for run in record.runs])
    twin = twin_of(section, cell_key)
    pair = paired(record, twin) if twin else None
    triple = paired(record, twin, full_of(section, network)) if twin else None
    bests = [run.best_epoch_score for run in record.runs if run.best_epoch_score is not None]
    return CellNumbers(
        score=score,
        delta=estimate([a - b for a, b in zip(*pair, strict=True)]) if pair else None,
        mark="",
        gain=gain(*triple) if triple else None,
        kappa=_kappa(section, network, record, samples, curves) if twin else None,
        samples=samples,
        bytes=mean([run.bytes for run in record.runs]),
        updates=mean([run.updates for run in record.runs]),
        train_s=seconds(record, ("train", "finetune", "evaluate")),
        best=mean(bests) if len(bests) == len(record.runs) else None,
    )


def _kappa(section: Section, network: Network, record: Record, samples: float, curves: _Curves) -> Ratio | None:
    """Read off the random curve of the network at the seeds that are paired here."""
    twin = section.record(section.twin, network, record.cell.budget) if section.twin else None
    own = merits(record)
    seeds = tuple(sorted(own.keys() & merits(twin).keys() if twin else own))
    if (network, seeds) not in curves:
        curves[network, seeds] = RandomCurve.of(_random_points(section, network, seeds)) if seeds else None
    curve = curves[network, seeds]
    return curve.equivalent([own[seed] for seed in seeds], samples) if curve else None


def _random_points(section: Section, network: Network, seeds: Sequence[int]) -> list[tuple[float, list[float]]]:
    """Samples and merits of the random cells that have these seeds, and of the full data as their end."""
    found = [section.record(section.twin, network, budget) for budget in section.budgets] if section.twin else []
    points = [(record, merits(record)) for record in (*found, full_of(section, network)) if record]
    return [
        (mean([run.samples for run in record.runs]), [column[seed] for seed in seeds])
        for record, column in points
        if column.keys() >= set(seeds)
    ]


def _marks(section: Section) -> dict[CellKey, Mark]:
    """Holm over the family: every method x budget x network with a twin and three tested seeds, controls left out."""
    family: dict[CellKey, list[float]] = {}
    seeds = section.tested.seeds
    for cell_key, record in section.done.items():
        pair = paired(record, twin_of(section, cell_key), seeds=seeds) if cell_key[0].is_contestant else None
        if pair and len(pair[0]) >= LEAST:
            family[cell_key] = [a - b for a, b in zip(*pair, strict=True)]
    adjusted = holm([float(paired_p(differences)) for differences in family.values()])
    marks: dict[CellKey, Mark] = {}
    for (cell_key, differences), p in zip(family.items(), adjusted, strict=True):
        marks[cell_key] = "" if p >= 0.05 else "above" if mean(differences) > 0 else "below"
    return marks
