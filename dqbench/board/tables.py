"""The tables of a section as text, cell by cell, for Markdown and terminal alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dqbench.board import text
from dqbench.board.board import Board, CellNumbers
from dqbench.board.sections import Network, Row
from dqbench.specs import Budget


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells; the first ``names`` columns are words, the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1

    def without_blanks(self) -> Table:
        """The table without columns that are blank throughout."""
        kept = [i for i in range(len(self.header)) if i < self.names or any(row[i] for row in self.rows)]
        rows = tuple(tuple(row[i] for i in kept) for row in self.rows)
        return Table(tuple(self.header[i] for i in kept), rows, self.names)


def row_name(row: Row) -> str:
    """The row's label, and what it is a control of."""
    return f"{row.label} (control of {row.control_of})" if row.control_of else row.label


Networks = Sequence[Network] | None


def columns(board: Board, networks: Networks = None) -> list[tuple[Network, Budget]]:
    """Network by network, small budgets first, where something was kept; full data alone where nothing was."""
    section, found = board.section, []
    for network in networks or section.networks:
        here = [budget for budget in section.budgets if (network, budget) in section.kept]
        found += [(network, budget) for budget in here or [Budget.full()]]
    return found


def score_table(board: Board, networks: Networks = None) -> Table:
    """Score of every row at every budget of the networks (default: all), with marks and, at the end, ranks."""

    most, decimals = max((cell.score.count for cell in board.cells.values()), default=0), board.decimals

    def show(cell: CellNumbers) -> str:
        fewer = f" ({text.plural(cell.score.count, 'seed')})" if cell.score.count < most else ""
        return text.score(cell.score, decimals) + fewer + text.MARKS[cell.mark]

    table = _matrix(board, board.section.rows, networks, show)
    ranks = [board.rows[row].rank for row in board.section.rows]
    shown = tuple("" if r is None else str(r[0]) if r[0] == r[1] else f"{r[0]}–{r[1]}" for r in ranks)
    rows = tuple((*cells, rank) for cells, rank in zip(table.rows, shown, strict=True))
    with_ranks = Table((*table.header, "rank"), rows)
    return with_ranks if any(shown) else table


def delta_table(board: Board, networks: Networks = None) -> Table:
    """Paired difference to random of every method at every budget of the networks (default: all)."""

    most = max((cell.delta.count for cell in board.cells.values() if cell.delta), default=0)
    decimals = board.decimals

    def show(cell: CellNumbers) -> str:
        fewer = f" ({text.plural(cell.delta.count, 'seed')})" if cell.delta and cell.delta.count < most else ""
        return text.points(cell.delta, decimals) + fewer + text.MARKS[cell.mark]

    rows = [row for row in board.section.rows if not (row.is_full or row.is_twin)]
    return _matrix(board, rows, networks, show)


def _matrix(board: Board, rows: Sequence[Row], networks: Networks, show: Callable[[CellNumbers], str]) -> Table:
    places = columns(board, networks)
    header = ("method", *(f"{network.label}, {text.budget(budget)}" for network, budget in places))
    return Table(header, tuple((row_name(row), *(_shown(board, row, *p, show) for p in places)) for row in rows))


def _shown(board: Board, row: Row, network: Network, budget: Budget, show: Callable[[CellNumbers], str]) -> str:
    cell = board.cell(row, network, budget)
    if cell:
        return show(cell)
    return "failed" if (row, network, Budget.full() if row.is_full else budget) in board.section.failed else ""


def detail_table(board: Board, network: Network) -> Table:
    """What one network's cells used and gained."""
    header = ("method", "budget", "gain", "κ", "updates", "train s", "best epoch")
    rows = [
        (
            row_name(row),
            text.budget(budget),
            text.ratio(cell.gain),
            text.ratio(cell.kappa),
            text.count(cell.updates),
            text.seconds(cell.train_s),
            "" if cell.best is None else text.fixed(cell.best, board.decimals),
        )
        for row, budget, cell in _cells(board, network)
    ]
    return Table(header, tuple(rows), names=2).without_blanks()


def _cells(board: Board, network: Network) -> Iterator[tuple[Row, Budget, CellNumbers]]:
    for row in board.section.rows:
        for budget in [Budget.full()] if row.is_full else board.section.budgets:
            cell = board.cell(row, network, budget)
            if cell:
                yield row, budget, cell


def across_table(board: Board) -> Table:
    """Transfer by budget; the lossless ratio and the area under the keep-ratio curve by network."""
    section = board.section
    header = (
        "method",
        *(f"transfer, {text.budget(b)}" for b in section.budgets),
        *(f"lossless, {n.label}" for n in section.networks),
        *(f"area, {n.label}" for n in section.networks),
    )
    rows = []
    for row in section.rows:
        numbers = board.rows[row]
        transfers = (text.points(numbers.transfer.get(b), board.decimals) for b in section.budgets)
        ratios = (_lossless(numbers.lossless[n]) if n in numbers.lossless else "" for n in section.networks)
        areas = (text.score(numbers.area[n], board.decimals) if n in numbers.area else "" for n in section.networks)
        rows.append((row_name(row), *transfers, *ratios, *areas))
    return Table(header, tuple(row for row in rows if any(row[1:]))).without_blanks()


def pooled_table(board: Board) -> Table:
    """The one test of each method against random over all its budgets and architectures."""
    rows = []
    for row, test in board.pooled.items():
        difference = text.points(test.difference, board.decimals) + text.MARKS[test.mark]
        rows.append((row_name(row), difference, text.fixed(test.p, 3), str(test.cells)))
    return Table(("method", "difference", "p (Holm)", "cells"), tuple(rows))


def _lossless(ratio: float | None) -> str:
    return "none" if ratio is None else f"{ratio:g}"
