"""What Markdown is written with: escaping, inline code, pipe tables and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dqbench.board.tables import Table

_SPECIAL = re.compile(r"[&<>\\`*_|~\]]")


def escape(words: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    line = " ".join(words.split())
    if not _SPECIAL.search(line):
        return line
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_|~])", r"\\\1", line)
    return re.sub(r"\](?=[(\[:])", r"\\]", line)


def code(words: str) -> str:
    """Text as inline code, safe inside a table too."""
    line = re.sub(r"\s+", " ", words).strip().replace("`", "'").replace("|", "¦")
    return f"`{line}`"


def table(content: Table) -> str:
    """A pipe table; numbers are aligned right."""
    rule = ["---"] * content.names + ["---:"] * (len(content.header) - content.names)
    lines = [[escape(cell) for cell in content.header], rule]
    lines += [[escape(cell) for cell in row] for row in content.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bullets(said: Iterable[str]) -> str:
    """A list of sentences."""
    return "\n".join("- " + re.sub(r"^([#+\-=])", r"\\\1", escape(sentence)) for sentence in said)
