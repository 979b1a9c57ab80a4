"""The answer that an overview opens with: by each task's strongest evidence, which method to use at which budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dqbench.board import sentences, text
from dqbench.board.board import Board, CellNumbers, Mark
from dqbench.board.sections import Network, Row, Section
from dqbench.board.tables import Table, row_name
from dqbench.specs import Budget

STRENGTH = ("smoke", "quick", "proxy", "paper")
"""Profiles whose numbers may be read, weakest first; ``smoke`` answers nothing."""

_MARKED: dict[Mark, str] = {"above": " ▲", "below": " ▼", "": " ○"}

LEGEND = (
    "By the share of samples kept: difference to random, ± the half-width of its paired 95 % interval. ▲ and ▼: "
    "above and below random after Holm's correction over the board. ○: not distinguishable from random, which is not "
    "to say equal. —: not measured."
)


TURNED = (
    "Where a task's metric is not in percent, its differences are in the unit that its title names; where lower is "
    "better, they are turned, so that above 0 is better."
)


@dataclass(frozen=True)
class Answer:
    """What the strongest evidence on one task says.

    Attributes:
        task: the name of the task.
        title: what was measured, on what data, with which labels.
        said: which method to use, a sentence for each budget at which one differs from random, one for all others.
        network: that the table is of.
        table: difference to random of each method (rows) at each budget (columns) on one network.
        legend: how to read the table.
    """

    task: str
    title: str
    said: tuple[str, ...]
    network: str
    table: Table
    legend: str = LEGEND


def strongest(boards: Mapping[str, Sequence[Board]]) -> dict[str, Board]:
    """Of each task the board to answer from: hard labels first, then the profile, the tested seeds, the cells.

    Tasks of which nothing but ``smoke`` was run, or none but altered data, have none.
    """
    found = {
        task: [b for b in group if b.section.setting.profile in STRENGTH[1:] and not b.section.setting.altered]
        for task, group in boards.items()
    }
    return {task: max(group, key=lambda board: _evidence(board.section)) for task, group in found.items() if group}


def _evidence(section: Section) -> tuple[bool, int, int, int]:
    setting = section.setting
    return (
        setting.labels == "hard",
        STRENGTH.index(setting.profile),
        len(section.tested.seeds),
        sum(not row.is_claimed for row, _, _ in section.done),
    )


def answer(board: Board) -> Answer | None:
    """What a board says of its methods on the network with most cells; None where nothing is compared."""
    network = main_network(board)
    if network is None:
        return None
    budgets = [b for b in board.section.budgets if any(_cell(board, row, network, b) for row in compared(board))]
    rows = [row for row in compared(board) if any(_cell(board, row, network, b) for b in budgets)]
    rows.sort(key=lambda row: -_mean(board, row, network, budgets))
    table = Table(
        ("method", *map(_share, budgets)),
        tuple((row_name(row), *(_shown(board, _cell(board, row, network, b)) for b in budgets)) for row in rows),
    )
    said = {**_open(board, rows, network, budgets), **_settled(board, rows, network, budgets)}
    setting = board.section.setting
    unit = "" if board.measure.is_usual else f" · {board.measure.axis(setting.metric)}"
    legend = LEGEND if board.measure.is_usual else f"{LEGEND} {TURNED}"
    title = f"{sentences.title(setting)} · {network.label}{unit}"
    return Answer(setting.task, title, tuple(said[b] for b in budgets if b in said), network.label, table, legend)


def legend(found: Sequence[Answer]) -> str:
    """How to read the tables of several answers."""
    return max((one.legend for one in found), key=len, default=LEGEND)


def answers(boards: Mapping[str, Board]) -> list[Answer]:
    """The answers of several tasks, the largest data set first; of one data set what trains networks before others."""
    ordered = sorted(boards.items(), key=lambda item: (*place(item[1].section), item[0]))
    return [found for _, board in ordered if (found := answer(board))]


def place(section: Section) -> tuple[int, bool]:
    """What answers are ordered by."""
    return -section.setting.train_samples, not section.trains


def main_network(board: Board) -> Network | None:
    """The network with most compared cells; None where nothing is compared."""
    counts = {
        network: sum(
            key[1] == network and cell.delta is not None and not key[0].is_claimed for key, cell in board.cells.items()
        )
        for network in board.section.networks
    }
    best = max(counts, key=counts.__getitem__, default=None)
    return best if best is not None and counts[best] else None


def compared(board: Board) -> list[Row]:
    """Methods at their defaults, controls among them; variants and claims are the board's own matter."""
    return [row for row in board.section.rows if not (row.is_full or row.is_twin or row.variant or row.is_claimed)]


def _cell(board: Board, row: Row, network: Network, budget: Budget) -> CellNumbers | None:
    cell = board.cell(row, network, budget)
    return cell if cell and cell.delta else None


def _mean(board: Board, row: Row, network: Network, budgets: Sequence[Budget]) -> float:
    found = [cell.delta.mean for b in budgets if (cell := _cell(board, row, network, b)) and cell.delta]
    return sum(found) / len(found)


def _shown(board: Board, cell: CellNumbers | None) -> str:
    if cell is None or cell.delta is None:
        return "—"
    # Below three seeds there is no test, so no mark of one.
    return text.points(cell.delta, board.decimals) + (_MARKED[cell.mark] if cell.interval else "")


Tested = dict[str, CellNumbers]
"""Contestants with an interval at one budget by label, the highest difference first."""


def _tested(board: Board, rows: Sequence[Row], network: Network, budget: Budget) -> Tested:
    found = {row.label: board.with_interval(row, network, budget) for row in rows if row.is_contestant}
    tested = {label: cell for label, cell in found.items() if cell}
    return dict(sorted(tested.items(), key=lambda item: -_delta(item[1])))


def _settled(board: Board, rows: Sequence[Row], network: Network, budgets: Sequence[Budget]) -> dict[Budget, str]:
    """Who is above and who is below random, at each budget where somebody is."""
    said = {}
    for budget in budgets:
        tested = _tested(board, rows, network, budget)
        above, below = ([label for label, cell in tested.items() if cell.mark == side] for side in ("above", "below"))
        if above:
            best = f"use {above[0]}, {_against(board, tested[above[0]])} {board.measure.to_random}"
            others = f"; also better than random: {text.listing(above[1:])}" if above[1:] else ""
            said[budget] = f"At {_share(budget)}, {best} ({_seeds(tested)}){others}.{_worse(board, below, tested)}"
        elif below:
            first = next(iter(tested))
            said[budget] = (
                f"At {_share(budget)}, use random selection: {_none(rows, tested)} distinguishably better "
                f"({_seeds(tested)}); the highest is {first}, {_against(board, tested[first])}."
                f"{_worse(board, below, tested)}"
            )
    return said


def _open(board: Board, rows: Sequence[Row], network: Network, budgets: Sequence[Budget]) -> dict[Budget, str]:
    """One sentence for all budgets at which nobody can be told from random, by the first of them."""
    found = {budget: _tested(board, rows, network, budget) for budget in budgets}
    alike = {budget: tested for budget, tested in found.items() if tested and not any(c.mark for c in tested.values())}
    if not alike:
        return {}
    places = [(budget, label, cell) for budget, tested in alike.items() for label, cell in tested.items()]
    budget, label, cell = max(places, key=lambda place: _delta(place[2]))
    where = f" at {_share(budget)}" if len(alike) > 1 else ""
    words = (
        f"At {text.listing([_share(b) for b in alike])}, use random selection: {_none(rows, *alike.values())} "
        f"distinguishable from it ({_seeds(*alike.values())}); the highest difference is {label}'s{where}, "
        f"{_against(board, cell)}."
    )
    return {next(iter(alike)): words}


def _share(budget: Budget) -> str:
    """``10 %`` of the samples; other budgets as everywhere."""
    return f"{100 * budget.value:.6g} %" if budget.kind == "ratio" else text.budget(budget)


def _none(rows: Sequence[Row], *found: Tested) -> str:
    """``none of 4 methods is``, and that controls, which the table has as well, are not counted."""
    aside = " (controls aside)" if any(row.control_of for row in rows) else ""
    counts = sorted({len(tested) for tested in found})
    if counts == [1]:
        return f"the one method tested{aside} is not"
    return f"none of {' to '.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))} methods{aside} is"


def _seeds(*found: Tested) -> str:
    counts = sorted({cell.delta.count for tested in found for cell in tested.values() if cell.delta})
    return text.plural(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def _against(board: Board, cell: CellNumbers) -> str:
    return board.measure.amount(text.points(cell.delta, board.decimals))


def _worse(board: Board, below: Sequence[str], tested: Tested) -> str:
    if not below:
        return ""
    found = [f"{label} ({text.points(tested[label].delta, board.decimals)})" for label in reversed(below)]
    worse = "Worse than" if board.measure.lower_is_better else "Below"
    return f" {worse} random: {text.listing(found)}."


def _delta(cell: CellNumbers) -> float:
    return cell.delta.mean if cell.delta else 0.0
