"""A task's board as LaTeX: booktabs tables to ``\\input``, with the numbers of the Markdown board. ASCII only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from dqbench.board import comparing, sentences, tables
from dqbench.board.board import Board
from dqbench.board.published import Published
from dqbench.board.published_section import comparison_table
from dqbench.board.tables import Table

TEXT_WIDTH, CHARACTER, BETWEEN = 345.0, 4.3, 6.0
"""Points: of a page of LaTeX's article class, and at \\footnotesize of a character and of what lies between columns."""

LONG = 30
"""Characters from which a column of words has lines."""

GENERATED = "% Made by dqbench leaderboard from the records; do not edit."

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "*": "{*}",
    "[": "{[}",
    "]": "{]}",
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "κ": r"$\kappa$",
    "Δ": r"$\Delta$",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
    "…": r"\dots{}",
    "–": "--",
    "·": r"$\cdot$",
    "§": r"\S{}",
    "√": r"$\surd$",
    "²": r"$^2$",
}


def escape(words: str) -> str:
    """Text that LaTeX prints as it is, on one line; characters outside ASCII that it may not know are spelled out."""
    return _ELSE.sub(lambda found: _SPECIAL.get(found[0]) or _ascii(found[0]), " ".join(words.split()))


_ELSE = re.compile(rf"[^ -~]|[{re.escape(''.join(c for c in _SPECIAL if c.isascii()))}]")
"""What is not printed as it is."""


def _ascii(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return "".join(_SPECIAL.get(c, c) for c in plain) or f"(U+{ord(character):04X})"


def document(task: str, boards: Sequence[Board], published: Published) -> str:
    """The whole file of one task."""
    blocks = [GENERATED, "% Needs \\usepackage{booktabs} and \\usepackage{textcomp}."]
    for board in boards:
        title = sentences.title(board.section.setting)
        blocks.append(f"% {escape(title)}")
        for what, content in _tables(board, published):
            parts = _fitting(content)
            of = [f" ({number} of {len(parts)})" if len(parts) > 1 else "" for number in range(1, len(parts) + 1)]
            blocks += [_table(part, f"{title}: {what}{words}") for part, words in zip(parts, of, strict=True)]
    return "\n\n".join(blocks) + "\n"


def _tables(board: Board, published: Published) -> Iterator[tuple[str, Table]]:
    """The tables that have a number, with what they show; wide ones are split by network."""
    for network in board.section.networks:
        yield f"scores, {network.label}", _without(network.label, tables.score_table(board, [network]))
        deltas = _without(network.label, tables.delta_table(board, [network]))
        if any(cell for row in deltas.rows for cell in row[1:]):
            yield f"{board.measure.heading}, {network.label}", deltas
        yield f"details, {network.label}", tables.detail_table(board, network)
    across = tables.across_table(board)
    if across.rows:
        yield "across architectures and budgets", across
    if board.pooled:
        yield f"{board.measure.heading}, all budgets and architectures together", tables.pooled_table(board)
    compared = comparing.compare(board, published)
    if compared:
        notes = list(dict.fromkeys(note for c in compared for note in c.differs))
        listed = "; ".join(f"({number}) {note}" for number, note in enumerate(notes, start=1))
        yield f"published numbers. {listed}", comparison_table(compared, notes)


def _without(network: str, content: Table) -> Table:
    """The table with the network's name in its caption alone."""
    return Table(tuple(name.removeprefix(f"{network}, ") for name in content.header), content.rows, content.names)


def _fitting(content: Table) -> list[Table]:
    """The table in parts that are no wider than a page, each with all columns of words."""
    widths = [
        min(LONG, max(len(row[i]) for row in (content.header, *content.rows))) for i in range(len(content.header))
    ]
    points = [CHARACTER * width + BETWEEN for width in widths]
    start = list(range(content.names))
    parts, room = [list(start)], TEXT_WIDTH - sum(points[: content.names])
    left = room
    for column in range(content.names, len(content.header)):
        if points[column] > left and len(parts[-1]) > len(start):
            parts.append(list(start))
            left = room
        parts[-1].append(column)
        left -= points[column]
    return [
        Table(
            tuple(content.header[i] for i in part),
            tuple(tuple(row[i] for i in part) for row in content.rows),
            content.names,
        )
        for part in parts
    ]


def _column(content: Table, index: int) -> str:
    if max(len(row[index]) for row in (content.header, *content.rows)) > LONG:
        return rf"p{{{LONG * CHARACTER / 72.27:.2f}in}}"
    return "l" if index < content.names else "r"


def _table(content: Table, caption: str) -> str:
    columns = "".join(_column(content, index) for index in range(len(content.header)))
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escape(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _line(content.header),
        r"\midrule",
        *(_line(row) for row in content.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"
