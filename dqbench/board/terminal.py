"""Boards in a terminal: the same numbers as in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from dqbench.board import sentences, tables
from dqbench.board.files import boards
from dqbench.board.reading import entries_of
from dqbench.records import Record


def render(records: Iterable[Record]) -> RenderableType:
    """Scores and differences to random of every section, and how to read them.

    Raises:
        UsageError: records that cannot be used.
    """
    parts: list[RenderableType] = []
    for found in boards(entries_of(records)).values():
        for board in found:
            parts.append(_table(sentences.title(board.section.setting), tables.score_table(board)))
            deltas = tables.delta_table(board)
            if any(cell for row in deltas.rows for cell in row[1:]):
                parts.append(_table("difference to random, in points, paired by seed", deltas))
            parts.append(Text(" ".join([*sentences.reading(board), *sentences.state(board)]), style="dim"))
    return Group(*parts)


def _table(title: str, content: tables.Table) -> RichTable:
    shown = RichTable(title=Text(title), title_justify="left")
    for number, name in enumerate(content.header):
        left = number < content.names
        shown.add_column(Text(name), justify="left" if left else "right", no_wrap=True)
    for row in content.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown
