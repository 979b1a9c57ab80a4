"""Rows that kept the same sets: what lies between their scores comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.board import text
from dqbench.board.sections import Row, Section
from dqbench.board.tables import row_name
from dqbench.seed_ranges import seeds_words
from dqbench.specs import Budget

_Kept = tuple[int, Row, str]
"""A seed, a row and the hash of what it kept."""


def words(section: Section) -> Iterable[str]:
    """Which rows kept the same sets at which budgets and seeds, by the content hashes in their records.

    A hash covers ids in their order with their weights, made images with their labels, or patches with all that goes
    with them. Equal samples in another order are not found.
    """
    alike: dict[tuple[tuple[Row, ...], str], list[Budget]] = {}
    kept = _kept(section)
    for budget in section.budgets:
        for rows, seeds in _same(section, kept[budget]).items():
            common = set.intersection(*({seed for seed, one, _ in kept[budget] if one == row} for row in rows))
            when = "every seed" if seeds == common else seeds_words(sorted(seeds))
            alike.setdefault((rows, when), []).append(budget)
    for (rows, when), budgets in alike.items():
        at = text.listing([text.budget(budget) for budget in budgets])
        yield (
            f"{text.listing([row_name(row) for row in rows])} kept the same sets at {at} in {when}: what lies between "
            "their scores there does not come from what they kept."
        )


def _same(section: Section, kept: Iterable[_Kept]) -> dict[tuple[Row, ...], set[int]]:
    """The seeds in which rows have one kept set, by these rows."""
    keepers: dict[tuple[int, str], set[Row]] = {}
    for seed, row, digest in kept:
        keepers.setdefault((seed, digest), set()).add(row)
    found: dict[tuple[Row, ...], set[int]] = {}
    for (seed, _), rows in keepers.items():
        if len(rows) > 1:
            found.setdefault(tuple(row for row in section.rows if row in rows), set()).add(seed)
    return found


def _kept(section: Section) -> dict[Budget, list[_Kept]]:
    found: dict[Budget, list[_Kept]] = {budget: [] for budget in section.budgets}
    for (row, _, budget), record in section.done.items():
        if budget in found:
            found[budget] += ((run.seed, row, run.kept_hash) for run in record.runs if run.kept_hash)
    return found
