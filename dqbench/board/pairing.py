"""Cells beside each other: a method, its random twin and full data, paired by seed; and what their runs took."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dqbench.board.sections import CellKey, Network, Section
from dqbench.records import Record
from dqbench.specs import Budget


def paired(
    record: Record, *others: Record | None, seeds: Collection[int] | None = None
) -> tuple[list[float], ...] | None:
    """Merits of several cells by the seeds that all share, or by ``seeds``; None if a cell or a seed is missing."""
    if any(other is None for other in others):
        return None
    columns = [record.merits, *(other.merits for other in others if other)]
    seeds_of_all = tuple(columns[0])
    if seeds_of_all and seeds in (None, seeds_of_all) and all(found.keys() == columns[0].keys() for found in columns):
        return tuple(list(found.values()) for found in columns)  # the usual case, in a fraction of the time
    wanted = sorted(_shared(columns) if seeds is None else seeds)
    if not wanted or any(seed not in column for column in columns for seed in wanted):
        return None
    return tuple([column[seed] for seed in wanted] for column in columns)


def _shared(columns: Sequence[Mapping[int, float]]) -> Collection[int]:
    first, *others = columns
    return [seed for seed in first if all(seed in other for other in others)]


def twin_of(section: Section, cell_key: CellKey) -> Record | None:
    """The random cell with the same network, recipe and budget."""
    row, network, budget = cell_key
    twin = section.twin
    return section.record(twin, network, budget) if twin and not (row.is_twin or row.is_full) else None


def full_of(section: Section, network: Network) -> Record | None:
    """The full-data cell of a network."""
    return section.record(section.full, network, Budget.full()) if section.full else None


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean."""
    return sum(values) / len(values)


def seconds(record: Record, roles: Sequence[str]) -> float | None:
    """Mean over the seeds of the wall seconds of the jobs in these roles; None if a job's facts are missing."""
    jobs = record.jobs
    try:
        return mean([
            sum([jobs[key].wall_s for role in roles for key in run.jobs.get(role, ())]) for run in record.runs
        ])  # fmt: skip
    except KeyError:
        return None
