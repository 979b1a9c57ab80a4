"""The published numbers of a section as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.board import comparing, tables, text
from dqbench.board.board import Board
from dqbench.board.markup import bullets, escape, table
from dqbench.board.published import Published, Result
from dqbench.board.tables import Table


def published_section(board: Board, published: Published) -> list[str]:
    """The Markdown blocks."""
    compared, others = comparing.compare(board, published), comparing.elsewhere(board, published)
    if not (compared or others):
        return ["### Published", f"No published result of {escape(board.section.setting.task)} fits these rows."]
    blocks = ["### Published"]
    if compared:
        blocks += _compared(compared)
    if others:
        reasons = sorted({comparing.scale(record) for record in board.section.done.values()})
        scale = f"{board.section.setting.profile}: {text.listing(reasons)}" if reasons else "nothing measured"
        blocks.append(f"On architectures that this board did not measure; not comparable ({escape(scale)}):")
        blocks.append(table(_printed_elsewhere(others)))
    papers = sorted({r.paper for c in compared for r in c.results} | {r.paper for r in others})
    blocks.append(bullets(_sources(published, papers)))
    return blocks


def _compared(compared: list[comparing.Comparison]) -> list[str]:
    notes = list(dict.fromkeys(note for c in compared for note in c.differs))
    said = ["Measured − published is of the last epoch." + _best_words(compared) + _z_words(compared)]
    if any(c.bars for c in compared):
        said.append('Where "comparable" says no, the difference is not one of results: the numbers tell why.')
    listed = "\n".join(f"{i}. {escape(note)}" for i, note in enumerate(notes, start=1))
    blocks = [table(comparison_table(compared, notes)), bullets(said)]
    return [*blocks, *([f"How the protocols differ:\n\n{listed}"] if notes else [])]


def comparison_table(compared: list[comparing.Comparison], notes: list[str]) -> Table:
    """A line for each measured cell and published value; ``notes`` are the differences that its numbers count."""
    names = ("method", "arch", "budget", "source", "published", "measured", "measured − published")
    header = (*names, "best epoch", "best epoch − published", "z", "comparable", "protocol")
    rows = []
    for c in compared:
        row, network, budget = c.cell_key
        value = c.results[0].printed + (f" ± {c.results[0].std:g}" if c.results[0].std is not None else "")
        where = (tables.row_name(row), network.label, text.budget(budget), _places(c.results))
        digits = c.decimals
        measured = (f"{text.fixed(c.measured, digits)}", text.signed_or_blank(c.difference, digits))
        best = ("" if c.best is None else text.fixed(c.best, digits), text.signed_or_blank(c.best_difference, digits))
        rows.append(
            (*where, value, *measured, *best, text.signed_or_blank(c.z), _verdict(c, notes), _numbers(c, notes))
        )
    return Table(header, tuple(rows), names=4).without_blanks()


def _verdict(c: comparing.Comparison, notes: list[str]) -> str:
    if c.why_not:
        return f"not comparable ({c.why_not})"
    return f"no ({', '.join(str(notes.index(bar) + 1) for bar in c.bars)})" if c.bars else "yes"


def _numbers(c: comparing.Comparison, notes: list[str]) -> str:
    return ", ".join(str(number) for number in sorted(notes.index(note) + 1 for note in c.differs))


def _best_words(compared: list[comparing.Comparison]) -> str:
    if all(c.best is None for c in compared):
        return ""
    return " Best epoch: chosen on the test set among the snapshots, as the paper's code does, and never a score here."


def _z_words(compared: list[comparing.Comparison]) -> str:
    if all(c.z is None for c in compared):
        return ""
    return (
        " z: the difference of like epochs in standard errors; what the paper prints after ±, or its average error "
        "bar, is taken as the error of its value, as no paper says more."
    )


def _printed_elsewhere(results: list[Result]) -> Table:
    budgets = sorted({r.budget for r in results}, key=lambda b: (b.kind, b.value))
    tables_: dict[tuple[str, str, str, str], list[Result]] = {}
    for r in results:
        tables_.setdefault((r.method, r.arch, r.paper, r.table), []).append(r)
    lines: dict[tuple[str, ...], list[Result]] = {}
    for (method, arch, *_), found in tables_.items():
        values = {r.budget: r.printed for r in found}
        lines.setdefault((method, arch, *(values.get(budget, "") for budget in budgets)), []).append(found[0])
    rows = [(*names[:2], _places(found), *names[2:]) for names, found in sorted(lines.items())]
    return Table(("method", "arch", "source", *(text.budget(b) for b in budgets)), tuple(rows), names=3)


def _places(results: Iterable[Result]) -> str:
    """``dq-iccv2023 Table 2a, Table 2b; adq-aaai2025 Table 1``."""
    found: dict[str, list[str]] = {}
    for r in results:
        found.setdefault(r.paper, []).append(r.table)
    return "; ".join(f"{paper} {', '.join(dict.fromkeys(names))}" for paper, names in found.items())


def _sources(published: Published, papers: list[str]) -> list[str]:
    said = []
    for name in papers:
        paper = published.papers[name]
        arxiv = f", arXiv {paper.arxiv}" if paper.arxiv else ""
        bars = [f"{b.method} {b.printed} ({b.runs} runs)" for b in published.error_bars if b.paper == name]
        average = f". Its average error bars, of unstated kind: {text.listing(bars)}" if bars else ""
        said.append(f"{name}: {paper.title}, {paper.reference}{arxiv}{average}.")
    return said
