"""What compressing cost: seconds by kind of work, peak memory and device, per row and budget."""

from __future__ import annotations

from collections.abc import Iterator

from dqbench.board import text
from dqbench.board.board import Board, mean, seconds
from dqbench.board.published import Cost, Published
from dqbench.board.sections import Row
from dqbench.board.tables import Table, row_name
from dqbench.records import JobFacts, Record, Run
from dqbench.specs import Budget

ROLES = {"observe s": ("observer", "observe"), "prepare s": ("prepare",), "compress s": ("compress",)}
"""Columns of the cost table and the roles of jobs that they add up."""

_TRAINING = ("train", "evaluate")


def cost_table(board: Board) -> Table:
    """Samples, pixels, bytes, seconds, memory and device of every row and budget, without training the networks.

    Pixels are there where patches were dropped. What takes more bytes than its source saves a negative share.
    """
    rows = [_line(board, row, budget, records) for row, budget, records in _compressed(board)]
    header = (
        "method",
        "budget",
        "samples",
        "pixels",
        "bytes",
        "bytes saved",
        *ROLES,
        "other s",
        "host GiB",
        "device GiB",
        "device",
    )
    return Table(header, tuple(rows), names=2).without_blanks()


def _compressed(board: Board) -> Iterator[tuple[Row, Budget, list[Record]]]:
    section = board.section
    for row in section.rows:
        for budget in [Budget.full()] if row.is_full else section.budgets:
            records = [record for n in section.networks if (record := section.record(row, n, budget))]
            if records:
                yield row, budget, records


def _line(board: Board, row: Row, budget: Budget, records: list[Record]) -> tuple[str, ...]:
    record = records[0]
    samples, size = (mean([getattr(run, name) for run in record.runs]) for name in ("samples", "bytes"))
    share = samples / board.section.setting.train_samples
    pixels, whole = record.runs[0].kept_pixels, _source_bytes(board)
    other = sorted({role for run in record.runs for role in run.jobs} - {r for rs in ROLES.values() for r in rs})
    columns = [*ROLES.values(), tuple(role for role in other if role not in _TRAINING)]
    used = [any(run.jobs.get(role) for run in record.runs for role in roles) for roles in columns]
    times = [text.seconds(seconds(record, roles)) if use else "" for roles, use in zip(columns, used, strict=True)]
    facts = compression_facts(record)
    return (
        row_name(row),
        text.budget(budget),
        f"{text.count(samples)} ({share:.1%})",
        "" if pixels is None else f"{pixels:.1%}",
        text.size(size) + _apart(record),
        "" if row.is_full or not whole else f"{1 - size / whole:.1%}",
        *times,
        f"{max(f.peak_host_gib for f in facts):.2f}" if facts else "",
        f"{max(f.peak_device_gib for f in facts):.2f}" if any(f.peak_device_gib for f in facts) else "",
        ", ".join(sorted({f.device for f in facts})),
    )


def _apart(record: Record) -> str:
    """What the bytes hold of networks that training needs besides the set."""
    parts = record.runs[0].bytes_parts
    told = [f"{name} {text.size(parts[name])}" for name in ("teacher", "decoder") if name in parts]
    return f" (with {', '.join(told)})" if told else ""


def _source_bytes(board: Board) -> float | None:
    """Bytes of the whole source with its classes, from its own row."""
    full = (row for row in board.section.rows if row.is_full)
    found = (board.section.record(row, n, Budget.full()) for row in full for n in board.section.networks)
    runs = [record.runs[0] for record in found if record and record.runs]
    return next((_plain_bytes(run, board.section.setting.classes) for run in runs), None)


def _plain_bytes(run: Run, classes: int) -> float:
    """Bytes of the source that a run trained on, without soft labels and teacher."""
    if "images" not in run.bytes_parts:
        return run.bytes
    return run.bytes_parts["images"] + run.samples * (1 if classes <= 256 else 2)


def compression_facts(record: Record) -> list[JobFacts]:
    """What is known of the jobs behind a cell, training of the networks left out."""
    keys = {key for run in record.runs for role, keys in run.jobs.items() if role not in _TRAINING for key in keys}
    return [record.jobs[key] for key in sorted(keys) if key in record.jobs]


def published_costs(board: Board, published: Published) -> list[Cost]:
    """Printed costs of the board's methods on its data set."""
    methods = {row.method for row in board.section.rows}
    return [c for c in published.costs if c.dataset == board.section.setting.dataset and c.method in methods]
