"""The numbers of a section: every statistic of every cell and row, computed once for all ways of showing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from dqbench.board import row_numbers
from dqbench.board.chance import nothing_learned
from dqbench.board.equivalent import RandomCurve
from dqbench.board.grid import Grid
from dqbench.board.pairing import full_of, mean, paired, seconds, twin_of
from dqbench.board.pooled import PooledTest, pooled_tests
from dqbench.board.row_numbers import RowNumbers
from dqbench.board.sections import CellKey, Column, Network, Row, Section
from dqbench.board.statistics import LEAST, Estimate, Ratio, estimates, gains, holm, paired_p
from dqbench.measure import Measure
from dqbench.records import Record
from dqbench.specs import Budget

Mark = Literal["above", "below", ""]
T = TypeVar("T")
R = TypeVar("R")


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
    cells = _numbers(section)
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


def _numbers(section: Section) -> dict[CellKey, CellNumbers]:
    """The statistics of all finished cells but marks, each of all cells at once."""
    keys, records = list(section.done), list(section.done.values())
    twins = [twin_of(section, key) for key in keys]
    pairs = [paired(record, twin) if twin else None for record, twin in zip(records, twins, strict=True)]
    triples = [
        paired(record, twin, full_of(section, key[1])) if twin else None
        for key, record, twin in zip(keys, records, twins, strict=True)
    ]
    samples = [mean([run.samples for run in record.runs]) for record in records]
    columns = zip(
        keys,
        records,
        estimates([list(record.scores.values()) for record in records]),
        _where_any(pairs, lambda found: estimates([_differences(*pair) for pair in found])),
        _where_any(triples, gains),
        _kappas(section, keys, twins, samples),
        samples,
        strict=True,
    )
    return {key: _cell(*found) for key, *found in columns}


def _where_any(found: Sequence[T | None], of: Callable[[list[T]], Sequence[R | None]]) -> list[R | None]:
    """A function of all that are there, each at its place."""
    there = iter(of([one for one in found if one is not None]))
    return [None if one is None else next(there) for one in found]


def _differences(own: Sequence[float], other: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(own, other, strict=True)]


def _cell(
    record: Record, score: Estimate, delta: Estimate | None, gain: Ratio | None, kappa: Ratio | None, samples: float
) -> CellNumbers:
    bests = [run.best_epoch_score for run in record.runs if run.best_epoch_score is not None]
    return CellNumbers(
        score=score,
        delta=delta,
        mark="",
        gain=gain,
        kappa=kappa,
        samples=samples,
        bytes=mean([run.bytes for run in record.runs]),
        updates=mean([run.updates for run in record.runs]),
        train_s=seconds(record, ("train", "finetune", "evaluate")),
        best=mean(bests) if len(bests) == len(record.runs) else None,
    )


def _kappas(
    section: Section, keys: Sequence[CellKey], twins: Sequence[Record | None], samples: Sequence[float]
) -> list[Ratio | None]:
    """Read off the random curve of each cell's network at the seeds that are paired there."""
    places: dict[tuple[Network, tuple[int, ...]], list[int]] = {}
    for place, (key, twin) in enumerate(zip(keys, twins, strict=True)):
        if twin and (seeds := tuple(seed for seed in section.done[key].merits if seed in twin.merits)):
            places.setdefault((key[1], seeds), []).append(place)
    found: dict[int, Ratio | None] = {}
    for (network, seeds), own in places.items():
        if curve := RandomCurve.of(_random_points(section, network, seeds)):
            columns = [[section.done[keys[place]].merits[seed] for seed in seeds] for place in own]
            found |= zip(own, curve.equivalents(columns, [samples[place] for place in own]), strict=True)
    return [found.get(place) for place in range(len(keys))]


def _random_points(section: Section, network: Network, seeds: Sequence[int]) -> list[tuple[float, list[float]]]:
    """Samples and merits of the random cells that have these seeds, and of the full data as their end."""
    found = [section.record(section.twin, network, budget) for budget in section.budgets] if section.twin else []
    points = [(record, record.merits) for record in (*found, full_of(section, network)) if record]
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
            family[cell_key] = _differences(*pair)
    adjusted = holm(paired_p(list(family.values()))) if family else ()
    marks: dict[CellKey, Mark] = {}
    for (cell_key, differences), p in zip(family.items(), adjusted, strict=True):
        marks[cell_key] = "" if p >= 0.05 else "above" if mean(differences) > 0 else "below"
    return marks
