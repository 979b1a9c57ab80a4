"""Boards in a terminal: the same numbers as in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from dqbench.board import sentences, tables
from dqbench.board.board import Board
from dqbench.board.files import boards
from dqbench.board.reading import entries_of
from dqbench.board.sections import Network
from dqbench.records import Record

MOST_COLUMNS = 6
"""More than so many numbers in a line are split by network."""


def render(records: Iterable[Record]) -> RenderableType:
    """Scores and differences to random of every section, and how to read them.

    Raises:
        UsageError: records that cannot be used.
    """
    parts: list[RenderableType] = []
    for found in boards(entries_of(records)).values():
        for board in found:
            parts.append(Text(sentences.title(board.section.setting), style="bold"))
            for networks in _groups(board):
                parts.append(_table(_score_title(board), tables.score_table(board, networks)))
                deltas = tables.delta_table(board, networks)
                if any(cell for row in deltas.rows for cell in row[1:]):
                    parts.append(_table(_delta_title(board), deltas))
            said = [*sentences.outcome(board), *sentences.state(board), *sentences.reading(board)]
            parts.append(Text("\n".join(said)))
    return Group(*parts)


def _score_title(board: Board) -> str:
    """``score``; what it is in where that is not percent, the higher the better."""
    measure = board.measure
    return "score" if measure.is_usual else f"score: {measure.axis(board.section.setting.metric)}"


def _delta_title(board: Board) -> str:
    what, unit = board.measure.subtracted, board.measure.differences
    return ", ".join(filter(None, (what, unit and f"in {unit}", "paired by seed")))


def _groups(board: Board) -> list[Sequence[Network]]:
    """All networks in one table, or one table each where that would be too wide."""
    networks = board.section.networks
    return [networks] if len(tables.columns(board)) <= MOST_COLUMNS else [[network] for network in networks]


def _table(title: str, content: tables.Table) -> RichTable:
    shown = RichTable(title=Text(title), title_justify="left")
    for number, name in enumerate(content.header):
        left = number < content.names
        shown.add_column(Text(name.replace(", ", "\n")), justify="left" if left else "right", overflow="fold")
    for row in content.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
