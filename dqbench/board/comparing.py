"""Published numbers beside measured ones: what may be subtracted, and how the protocols differ."""

from __future__ import annotations

from dataclasses import dataclass

from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.published import Paper, Published, Result
from dqbench.board.sections import Network, Place, Row, Section
from dqbench.records import Record
from dqbench.specs import Budget


@dataclass(frozen=True)
class Comparison:
    """A measured cell and one published value of it.

    Attributes:
        place: the cell.
        results: the printed rows with this value.
        measured: the mean score.
        difference: measured - published, None where they cannot be compared.
        why_not: the reason, empty where they can.
        differs: how the protocols differ, in words.
    """

    place: Place
    results: tuple[Result, ...]
    measured: float
    difference: float | None
    why_not: str
    differs: tuple[str, ...]


def compare(board: Board, published: Published) -> list[Comparison]:
    """Every finished cell for which something was published, equal values of several tables in one."""
    section = board.section
    found = []
    rows, networks = list(section.rows), list(section.networks)
    for place in sorted(section.done, key=lambda p: (rows.index(p[0]), networks.index(p[1]), p[2])):
        same: dict[tuple[float, float | None, str], list[Result]] = {}
        for result in published.results:
            if _is_of(result, section, place[0], place[1], place[2]):
                same.setdefault((result.value, result.std, result.labels), []).append(result)
        found += [_comparison(board, published, place, tuple(results)) for results in same.values()]
    return found


def elsewhere(board: Board, published: Published) -> list[Result]:
    """Published results of the board's methods and budgets on architectures that it did not measure."""
    section = board.section
    methods = {row.method for row in section.rows}
    archs = {network.arch for network in section.networks} | {"average"}
    budgets = {*section.budgets, Budget.full()}
    return [
        result
        for result in published.results
        if _fits(result, section) and result.method in methods and result.budget in budgets and result.arch not in archs
    ]


def _fits(result: Result, section: Section) -> bool:
    return (result.task, result.metric) == (section.setting.task, section.setting.metric)


def _is_of(result: Result, section: Section, row: Row, network: Network, budget: Budget) -> bool:
    asked = (row.method, network.arch, budget)
    return _fits(result, section) and (result.method, result.arch, result.budget) == asked


def _comparison(board: Board, published: Published, place: Place, results: tuple[Result, ...]) -> Comparison:
    record = board.section.done[place]
    measured = board.cells[place].score.mean
    why_not = not_comparable(record, results[0])
    notes = [note for result in results for note in differences(record, result, published.papers[result.paper])]
    return Comparison(
        place=place,
        results=results,
        measured=measured,
        difference=None if why_not else measured - results[0].value,
        why_not=why_not,
        differs=tuple(dict.fromkeys(notes)),
    )


def not_comparable(record: Record, result: Result) -> str:
    """Why a published value must not be subtracted from this cell's score; empty if it may."""
    cell, source = record.cell, record.source
    if cell.profile != "paper":
        return f"{cell.profile}: {scale(record)}"
    if source.train_per_class or source.test_per_class:
        return f"part of the data: {scale(record)}"
    regime = "hard" if cell.labels == "hard" else "soft"
    if result.labels != regime:
        return f"labels {result.labels or 'not stated'} there, {cell.labels} here"
    return ""


def scale(record: Record) -> str:
    """Training length and images of the source, in words."""
    return f"{text.plural(record.cell.recipe.epochs, 'epoch')} on {record.source.train_samples:,} images"


def differences(record: Record, result: Result, paper: Paper) -> list[str]:
    """How the paper's protocol and the cell's differ, in words."""
    cell = record.cell
    found = []
    if result.method in paper.patch_ratio_methods and result.budget.kind == "ratio":
        found.append("its keep ratio counts samples × kept patches, here samples")
    if paper.scored_epoch == "best":
        found.append("its released code reports the best epoch on the test set, here the last epoch counts")
    if paper.epochs and record.source.dataset == "cifar10" and paper.epochs != cell.recipe.epochs:
        found.append(f"{paper.epochs} epochs there, {cell.recipe.epochs} here")
    if result.observer and cell.observer_arch and result.observer != cell.observer_arch:
        found.append(f"observer {result.observer} there, {cell.observer_arch} here")
    if cell.variant:
        found.append(f"options here: {cell.variant}")
    if record.source.provenance == "imported":
        found.append("the data here were imported, not a verified download")
    return found
