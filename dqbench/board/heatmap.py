"""A heat map of a board for papers, drawn by matplotlib: methods against networks for each budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.plots import titled
from dqbench.board.sections import Row
from dqbench.board.sentences import title
from dqbench.errors import UsageError
from dqbench.specs import Budget

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


def heatmap(board: Board) -> Figure:
    """Methods against networks, a panel for each budget, at most four side by side.

    Number and colour are both the difference to random; marks are those of the board.

    Raises:
        UsageError: no method beside full data and random.
    """
    import matplotlib.pyplot as plt

    section = board.section
    rows = [row for row in section.rows if not (row.is_full or row.is_twin)]
    if not rows or not section.budgets:
        raise UsageError(f"{title(section.setting)} has no method to draw beside full data and random")
    columns = min(4, len(section.budgets))
    lines = -(-len(section.budgets) // columns)
    shape = (2.2 + (0.3 + 0.62 * len(section.networks)) * columns, 0.9 + (0.9 + 0.24 * len(rows)) * lines)
    figure, grid = plt.subplots(lines, columns, figsize=shape, squeeze=False, layout="constrained", sharey=True)
    deltas = [abs(cell.delta.mean) for cell in board.cells.values() if cell.delta]
    most = max(deltas, default=1.0) or 1.0
    for axes, budget in zip(grid.flat, section.budgets, strict=False):
        image = _heat(axes, board, rows, budget, most)
    for axes in list(grid.flat)[len(section.budgets) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=list(grid.flat), label=_to_random(board), shrink=0.9)
    return titled(figure, title(section.setting))


def _to_random(board: Board) -> str:
    measure = board.measure
    usual = f"{measure.differences} to random".strip()
    return f"{measure.heading}; above 0 is better" if measure.lower_is_better else usual


def _heat(axes: Axes, board: Board, rows: Sequence[Row], budget: Budget, most: float) -> AxesImage:
    """One budget's panel."""
    networks = board.section.networks
    cells = [[board.cell(row, network, budget) for network in networks] for row in rows]
    values = [[cell.delta.mean if cell and cell.delta else float("nan") for cell in line] for line in cells]
    image = axes.imshow(values, cmap="RdBu", vmin=-most, vmax=most, aspect="auto")
    for (i, j), cell in ((at, cells[at[0]][at[1]]) for at in np.ndindex(len(rows), len(networks))):
        words = f"{text.signed(cell.delta.mean, board.decimals)}{text.MARKS[cell.mark]}" if cell and cell.delta else "–"
        strong = bool(cell and cell.delta and abs(cell.delta.mean) > 0.6 * most)
        axes.text(j, i, words, ha="center", va="center", fontsize=6.5, color="white" if strong else "black")
    axes.set_xticks(range(len(networks)), [n.label for n in networks], rotation=30, ha="right", fontsize=7)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=7)
    axes.set_title(text.budget(budget), fontsize=8)
    axes.tick_params(length=0)
    return image
