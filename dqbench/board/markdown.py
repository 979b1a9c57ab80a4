"""A task's board as Markdown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from dqbench.board import comparing, costs, sentences, tables, text
from dqbench.board.board import Board
from dqbench.board.published import Cost, Published, Result
from dqbench.board.sections import Section
from dqbench.board.tables import Table
from dqbench.records import Record
from dqbench.specs import Budget

GENERATED = "<!-- Made by dqbench leaderboard from the records; do not edit. -->"


def escape(words: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    line = re.sub(r"\s+", " ", words).strip()
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_|\[\]#~])", r"\\\1", line)


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


def document(task: str, boards: Sequence[Board], published: Published) -> str:
    """The whole file of one task."""
    titles = [sentences.title(board.section.setting) for board in boards]
    blocks = [GENERATED, f"# {escape(task)}"]
    if len(boards) > 1:
        blocks.append("Regimes are never mixed; each has its own section:")
        blocks.append("\n".join(f"{i}. {escape(words)}" for i, words in enumerate(titles, start=1)))
    for number, (words, board) in enumerate(zip(titles, boards, strict=True), start=1):
        heading = f"## {number}. " if len(boards) > 1 else "## "
        blocks += [heading + escape(words), *_section(board, published)]
    return "\n\n".join(blocks) + "\n"


def overview(boards: dict[str, list[Board]]) -> str:
    """The list of all boards."""
    rows = []
    for task, found in sorted(boards.items()):
        for board in found:
            done, failed = len(board.section.done), len(board.section.failed)
            rows.append((f"[{escape(task)}]({task}.md)", escape(sentences.title(board.section.setting)), done, failed))
    lines = ["| task | board | cells | failed |", "| --- | --- | ---: | ---: |"]
    lines += [f"| {link} | {words} | {done} | {failed} |" for link, words, done, failed in rows]
    return "\n\n".join([GENERATED, "# Leaderboards", "\n".join(lines) if rows else "No records yet."]) + "\n"


def _section(board: Board, published: Published) -> list[str]:
    return [
        " ".join(escape(s) for s in sentences.state(board)),
        *_scores(board),
        *_details(board),
        *_costs(board, published),
        *_published(board, published),
        *_making(board.section),
    ]


def _scores(board: Board) -> list[str]:
    blocks = ["### Scores", table(tables.score_table(board)), _bullets(sentences.reading(board))]
    deltas = tables.delta_table(board)
    if any(cell for row in deltas.rows for cell in row[1:]):
        blocks += [
            "### Difference to random",
            table(deltas),
            "Points, paired by seed: the same seed gives a method and its random twin the same initial weights and "
            "augmentation.",
        ]
    return blocks


def _details(board: Board) -> list[str]:
    blocks = ["### Details"]
    for network in board.section.networks:
        recipe = network.recipe
        blocks.append(
            f"**{escape(network.label)}**, recipe {escape(recipe.name)}: {text.plural(recipe.epochs, 'epoch')}, "
            f"batch {recipe.batch_size}, {recipe.optimizer} at {recipe.lr:g}, {recipe.schedule}"
        )
        blocks.append(table(tables.detail_table(board, network)))
    blocks.append(_bullets(sentences.columns(board)))
    across = tables.across_table(board)
    if across.rows:
        blocks += ["### Across architectures and budgets", table(across), _bullets(_across_words(board))]
    return blocks


def _across_words(board: Board) -> list[str]:
    numbers = list(board.rows.values())
    said = []
    if any(row.transfer for row in numbers):
        said.append(
            "Transfer: (mean over unseen architectures − score on the observer's) − the same for random, in points."
        )
    if any(row.lossless for row in numbers):
        said.append(
            "Lossless: the smallest keep ratio from which on every measured one loses less than 0.5 points against "
            "full data (one-sided 95 % bound of the paired difference)."
        )
    return said


def _costs(board: Board, published: Published) -> list[str]:
    blocks = ["### What was kept, and what choosing it cost", table(costs.cost_table(board))]
    blocks.append(
        "Seconds are means over the seeds, of the work in each seed's path: work that several cells share is counted "
        "in each of them. Memory is the highest peak of that work; training on what was kept is not in it."
    )
    printed = costs.published_costs(board, published)
    if printed:
        blocks += ["Published costs, on other hardware:", table(_printed_costs(printed))]
    return blocks


def _printed_costs(found: Iterable[Cost]) -> Table:
    rows = [(c.paper, c.table, c.method, c.budget, c.quantity.replace("_", " "), c.printed) for c in found]
    return Table(("paper", "table", "method", "budget", "quantity", "value"), tuple(rows), names=5)


def _published(board: Board, published: Published) -> list[str]:
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
    blocks.append(_bullets(_sources(published, papers)))
    return blocks


def _compared(compared: list[comparing.Comparison]) -> list[str]:
    notes = list(dict.fromkeys(note for c in compared for note in c.differs))
    rows = []
    for c in compared:
        row, network, budget = c.place
        sources = "; ".join(f"{r.paper} {r.table}" for r in c.results)
        value = c.results[0].printed + (f" ± {c.results[0].std:g}" if c.results[0].std is not None else "")
        result = f"not comparable ({c.why_not})" if c.difference is None else text.signed(c.difference)
        numbers = ", ".join(str(notes.index(note) + 1) for note in c.differs)
        where = (tables.row_name(row), network.label, text.budget(budget), sources)
        rows.append((*where, value, f"{c.measured:.1f}", result, numbers))
    header = ("method", "arch", "budget", "source", "published", "measured", "measured − published", "protocol")
    content = Table(header, tuple(rows), names=4)
    listed = "\n".join(f"{i}. {escape(note)}" for i, note in enumerate(notes, start=1))
    return [table(content), *([f"How the protocols differ:\n\n{listed}"] if notes else [])]


def _printed_elsewhere(results: list[Result]) -> Table:
    budgets = sorted({r.budget for r in results}, key=lambda b: (b.kind, b.value))
    lines: dict[tuple[str, str, str], dict[Budget, str]] = {}
    for r in results:
        lines.setdefault((r.method, r.arch, f"{r.paper} {r.table}"), {})[r.budget] = r.printed
    header = ("method", "arch", "source", *(text.budget(budget) for budget in budgets))
    rows = [(*names, *(values.get(budget, "") for budget in budgets)) for names, values in sorted(lines.items())]
    return Table(header, tuple(rows), names=3)


def _sources(published: Published, papers: list[str]) -> list[str]:
    said = []
    for name in papers:
        paper = published.papers[name]
        arxiv = f", arXiv {paper.arxiv}" if paper.arxiv else ""
        bars = [f"{b.method} {b.printed} ({b.runs} runs)" for b in published.error_bars if b.paper == name]
        average = f". Its average error bars, of unstated kind: {text.listing(bars)}" if bars else ""
        said.append(f"{name}: {paper.title}, {paper.reference}{arxiv}{average}.")
    return said


def _making(section: Section) -> list[str]:
    records = [entry.record for entry in section.entries]
    digest = hashlib.sha256("".join(sorted(entry.digest for entry in section.entries)).encode()).hexdigest()
    facts = [
        f"Data: {_data(section)}",
        *(f"Command: {code(words)}" for words in sorted({record.command for record in records})),
        *(f"Machine: {escape(words)}" for words in sorted({_machine(record) for record in records})),
        *(f"Versions: {escape(words)}" for words in sorted({_versions(record) for record in records})),
        *(f"Code: {escape(words)}" for words in sorted({_code(record) for record in records} - {""})),
        *(f"Observer: {escape(words)}" for words in sorted({_observer(record) for record in records} - {""})),
        f"Records: {len(records)}, SHA-256 of all {code(digest)}",
    ]
    blocks = ["### How this was made", "\n".join(f"- {fact}" for fact in facts)]
    return [*blocks, "Failed:", table(_failures(section))] if section.failed else blocks


def _data(section: Section) -> str:
    words = sentences.data(section.setting)
    return "`".join(part if i % 2 else escape(part) for i, part in enumerate(words.split("`")))


def _machine(record: Record) -> str:
    m = record.machine
    return f"{m.device}; {m.cpu}, {text.plural(m.cores, 'core')}, {text.plural(m.threads, 'thread')} a job"


def _versions(record: Record) -> str:
    v = record.versions
    dirty = {True: " with uncommitted changes", False: "", None: ""}[v.git_dirty]
    commit = f", git {v.git_commit[:12]}{dirty}" if v.git_commit else ""
    packages = ", ".join(f"{name} {number}" for name, number in sorted(v.packages.items()))
    return f"dqbench {v.dqbench}{commit}; {packages}"


def _code(record: Record) -> str:
    plugin = record.versions.method
    c = record.cell
    return f"{c.method} v{c.method_version} of {plugin.distribution}, {plugin.source_hash[:12]}" if plugin else ""


def _observer(record: Record) -> str:
    c = record.cell
    if not (c.observer_arch and c.observer_recipe):
        return ""
    epochs = text.plural(c.observer_recipe.epochs, "epoch")
    return f"{c.observer_arch}, recipe {c.observer_recipe.name}, {epochs} on the full source"


def _failures(section: Section) -> Table:
    rows = []
    for (row, network, budget), record in section.failed.items():
        cell = (tables.row_name(row), network.label, text.budget(budget))
        for f in record.failures:
            rows.append((*cell, str(f.seed), f.kind, f"{f.error}: {(f.message.splitlines() or [''])[0]}"))
    return Table(("method", "arch", "budget", "seed", "job", "what happened"), tuple(sorted(rows)), names=6)


def _bullets(said: Iterable[str]) -> str:
    return "\n".join(f"- {escape(sentence)}" for sentence in said)
