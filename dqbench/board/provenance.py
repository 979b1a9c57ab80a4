"""How a section was made: data, commands, machines, versions, code, failures and a digest of the records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from dqbench.board import sentences, tables, text
from dqbench.board.markup import code, escape, table
from dqbench.board.sections import Section
from dqbench.board.tables import Table
from dqbench.records import Record


def making(section: Section) -> list[str]:
    """The Markdown blocks."""
    records = [entry.record for entry in section.entries]
    digest = hashlib.sha256("".join(sorted(entry.digest for entry in section.entries)).encode()).hexdigest()
    facts = [
        f"Data: {_data(section)}",
        *(f"Command: {code(words)}" for words in sorted({record.command for record in records})),
        *_places(records),
        *(f"Machine: {escape(words)}" for words in sorted({_machine(record) for record in records})),
        *(f"Versions: {escape(words)}" for words in sorted({_versions(record) for record in records})),
        *(f"Code: {escape(words)}" for words in sorted({_code(record) for record in records} - {""})),
        *(f"Observer: {escape(words)}" for words in sorted({_observer(record) for record in records} - {""})),
        f"Records: {len(records)}, SHA-256 of all {code(digest)}",
        *_trust(records),
    ]
    blocks = ["### How this was made", "\n".join(f"- {fact}" for fact in facts)]
    return [*blocks, "Failed:", table(_failures(section))] if section.failed else blocks


def _places(records: Sequence[Record]) -> Iterator[str]:
    """What a path in a command stands for, where there is one."""
    if any(re.search(r"--(data|plugin|ids) ", record.command) for record in records):
        yield "Paths in commands start in the folder where they ran; of what lay elsewhere the bare name is given"


def _trust(records: Sequence[Record]) -> Iterator[str]:
    measured = sum(record.trust == "measured" for record in records)
    if measured:
        yield f"Measured: {measured} of these records, which nothing but the run that made each vouches for"
    for trust in ("verified", "claimed"):
        if count := sum(record.trust == trust for record in records):
            yield f"{trust.capitalize()}: {count}, from bundles"


def _data(section: Section) -> str:
    words = escape(sentences.data(section.setting))
    return re.sub(r"\\`([0-9a-f]*)\\`", r"`\1`", words)


def _machine(record: Record) -> str:
    m = record.machine
    made_of = f"{text.brief(m.device)}; {text.brief(m.cpu)}"
    return f"{made_of}, {text.plural(m.cores, 'core')}, {text.plural(m.threads, 'thread')} a job"


def _versions(record: Record) -> str:
    v = record.versions
    dirty = {True: " with uncommitted changes", False: "", None: ""}[v.git_dirty]
    commit = f", git {v.git_commit[:12]}{dirty}" if v.git_commit else ""
    packages = text.brief(", ".join(f"{name} {number}" for name, number in sorted(v.packages.items())), 500)
    return f"dqbench {text.brief(v.dqbench)}{commit}; {packages}"


def _code(record: Record) -> str:
    plugin = record.versions.method
    c = record.cell
    return f"{c.method} v{c.method_version} of {plugin.distribution}, {plugin.source_hash[:12]}" if plugin else ""


def _observer(record: Record) -> str:
    c = record.cell
    if c.observer_arch and c.observer_weights:
        return f"{c.observer_arch}, pretrained: {c.observer_weights}"
    if not (c.observer_arch and c.observer_recipe):
        return ""
    epochs = text.plural(c.observer_recipe.epochs, "epoch")
    return f"{c.observer_arch}, recipe {c.observer_recipe.name}, {epochs} on the full source"


def _failures(section: Section) -> Table:
    rows = []
    for (row, network, budget), record in section.failed.items():
        cell = (tables.row_name(row), network.label, text.budget(budget))
        whats = [(str(f.seed), f.kind, f"{f.error}: {(f.message.splitlines() or [''])[0]}") for f in record.failures]
        rows += [(*cell, *what) for what in whats]
    return Table(("method", "arch", "budget", "seed", "job", "what happened"), tuple(sorted(rows)), names=6)
