"""Published numbers beside measured ones: what may be subtracted, and how the protocols differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.published import Published, Result
from dqbench.board.sections import CellKey, Section
from dqbench.board.statistics import LEVEL, Estimate, estimate, t_quantile
from dqbench.records import Record
from dqbench.specs import Budget


@dataclass(frozen=True)
class Comparison:
    """A measured cell and one published value of it.

    Attributes:
        cell_key: the cell.
        results: the printed rows with this value.
        measured: the mean score.
        difference: measured - published, None where even the subtraction makes no sense.
        why_not: the reason for that, empty where there is a difference.
        differs: how the protocols differ, in words, ``bars`` included.
        bars: those of ``differs`` for which the two must not be compared, so that the difference says nothing of the
            method.
        best: the mean score at the best epoch, where it was asked for and the paper prints the best.
        best_difference: best - published.
        z: the difference of what is printed the same way (the best epoch where ``best`` is there) in standard
            errors, None without a difference, three seeds or a printed error.
        decimals: that scores are shown with.
    """

    cell_key: CellKey
    results: tuple[Result, ...]
    measured: float
    difference: float | None
    why_not: str
    differs: tuple[str, ...]
    bars: tuple[str, ...] = ()
    best: float | None = None
    best_difference: float | None = None
    z: float | None = None
    decimals: int = 1

    @property
    def comparable(self) -> bool:
        """Whether the difference may be read as a difference of results."""
        return not (self.why_not or self.bars)


def compare(board: Board, published: Published) -> list[Comparison]:
    """Every finished cell for which something was published, equal values of several tables in one."""
    section = board.section
    printed: dict[tuple[str, str, Budget], list[Result]] = {}
    for result in published.results:
        if _fits(result, section):
            printed.setdefault((result.method, result.arch, result.budget), []).append(result)
    found = []
    for cell_key in section.in_order(section.done) if printed else ():
        row, network, budget = cell_key
        same: dict[tuple[float, float | None, str], list[Result]] = {}
        for result in printed.get((row.method, network.arch, budget), ()):
            same.setdefault((result.value, result.std, result.labels), []).append(result)
        found += [_comparison(board, published, cell_key, tuple(results)) for results in same.values()]
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
    setting = section.setting
    return not setting.altered and (result.task, result.metric) == (setting.task, setting.metric)


def _comparison(board: Board, published: Published, cell_key: CellKey, results: tuple[Result, ...]) -> Comparison:
    record, first = board.section.done[cell_key], results[0]
    why_not = not_comparable(record, first)
    bars = dict.fromkeys(note for result in results for note in barriers(record, result, published))
    notes = dict.fromkeys(n for r in results for n in differences(record, r, published))
    measured = board.cells[cell_key].score
    best = _best_epoch(record) if any(published.papers[r.paper].scored_epoch == "best" for r in results) else None
    alike = best or measured
    error = None if why_not else _printed_error(first, published)
    return Comparison(
        cell_key=cell_key,
        results=results,
        measured=measured.mean,
        difference=None if why_not else measured.mean - first.value,
        why_not=why_not,
        differs=(*bars, *notes),
        bars=tuple(bars),
        best=best.mean if best else None,
        best_difference=best.mean - first.value if best and not why_not else None,
        z=_z(alike, first.value, error),
        decimals=board.decimals,
    )


def _best_epoch(record: Record) -> Estimate | None:
    found = [run.best_epoch_score for run in record.runs if run.best_epoch_score is not None]
    return estimate(found) if len(found) == len(record.runs) else None


def _printed_error(result: Result, published: Published) -> float | None:
    """The ± of the value, else the paper's average error bar of the method; as printed, as the error of the mean."""
    if result.std is not None:
        return result.std
    bars = [b for b in published.error_bars if (b.paper, b.method) == (result.paper, result.method)]
    return float(bars[0].printed) if bars else None


def _z(measured: Estimate, value: float, error: float | None) -> float | None:
    if error is None or measured.half is None:
        return None
    own = measured.half / t_quantile(0.5 + LEVEL / 2, measured.count)
    total = math.hypot(own, error)
    return (measured.mean - value) / total if total else None


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


def barriers(record: Record, result: Result, published: Published) -> list[str]:
    """Why a published number and this cell's must not be compared, although both have the same name; in words."""
    paper, found = published.papers[result.paper], []
    if result.method in paper.patch_ratio_methods and result.budget.kind == "ratio":
        found.append("its keep ratio counts samples × kept patches, here samples")
    if paper.scored_epoch == "best" and _best_epoch(record) is None:
        found.append("its released code reports the best epoch on the test set, here the last epoch counts")
    if not paper.scored_epoch:
        found.append("which epoch it scores is not known, here the last epoch counts")
    return found + _said(record, result, published, bars=True)


def differences(record: Record, result: Result, published: Published) -> list[str]:
    """How else the paper's protocol and the cell's differ, in words."""
    cell = record.cell
    found = _said(record, result, published, bars=False)
    if result.observer and cell.observer_arch and result.observer != cell.observer_arch:
        found.append(f"observer {result.observer} there, {cell.observer_arch} here")
    if cell.variant:
        found.append(f"options here: {cell.variant}")
    if record.source.provenance == "imported":
        found.append("the data here were imported, not a verified download")
    return found


def _said(record: Record, result: Result, published: Published, bars: bool) -> list[str]:
    names = (result.paper, result.task, result.method, result.arch, result.budget)
    fitting = (caveat for caveat in published.caveats if caveat.bars == bars and caveat.fits(*names))
    return [words for caveat in fitting for words in caveat.words(record)]
