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
    line = re.sub(r"\s+", " ", words).strip()
    return "".join(_SPECIAL.get(character) or _ascii(character) for character in line)


def _ascii(character: str) -> str:
    if " " <= character <= "~":
        return character
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return "".join(_SPECIAL.get(c, c) for c in plain) or f"(U+{ord(character):04X})"


def document(task: str, boards: Sequence[Board], published: Published) -> str:
    """The whole file of one task."""
    blocks = [GENERATED, "% Needs \\usepackage{booktabs} and \\usepackage{textcomp}."]
    for board in boards:
        title = sentences.title(board.section.setting)
        blocks.append(f"% {escape(title)}")
        blocks += [_table(content, f"{title}: {what}") for what, content in _tables(board, published)]
    return "\n\n".join(blocks) + "\n"


def _tables(board: Board, published: Published) -> Iterator[tuple[str, Table]]:
    """The tables that have a number, with what they show; wide ones are split by network."""
    for network in board.section.networks:
        yield f"scores, {network.label}", tables.score_table(board, [network])
        deltas = tables.delta_table(board, [network])
        if any(cell for row in deltas.rows for cell in row[1:]):
            yield f"difference to random in points, {network.label}", deltas
        yield f"details, {network.label}", tables.detail_table(board, network)
    across = tables.across_table(board)
    if across.rows:
        yield "across architectures and budgets", across
    compared = comparing.compare(board, published)
    if compared:
        notes = list(dict.fromkeys(note for c in compared for note in c.differs))
        listed = "; ".join(f"({number}) {note}" for number, note in enumerate(notes, start=1))
        yield f"published numbers. {listed}", comparison_table(compared, notes)


def _table(content: Table, caption: str) -> str:
    columns = "l" * content.names + "r" * (len(content.header) - content.names)
    lines = [
        r"\begin{table}",
        r"\centering",
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
