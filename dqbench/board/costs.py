"""What is stored of each row at each budget, and what choosing it cost: seconds by kind of work, memory, device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dqbench import byte_sizes
from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.pairing import mean, seconds
from dqbench.board.published import Cost, Published
from dqbench.board.sections import Row
from dqbench.board.tables import Table, row_name
from dqbench.records import JobFacts, Record, Run
from dqbench.specs import Budget

ROLES = {"observe s": ("observer", "observe", "dynamics"), "prepare s": ("prepare",), "compress s": ("compress",)}
"""Columns of the cost table and the roles of jobs that they add up."""

_LATER = {"drop s": ("pixels",), "MAE s": ("pretrain",), "labels s": ("teacher", "relabel")}
"""The same of what only some rows need: patches dropped, the MAE that rebuilds them, a teacher and its labels."""

_TRAINING = ("train", "finetune", "corrupt", "tokenize", "scored_by", "evaluate", "benchmark")
"""Roles that come after the choice."""

_PARTS = ("images", "texts", "patches", "masks", "labels", "weights", "keys")
_BESIDE = ("teacher", "decoder")
"""Networks that training needs besides the set; no budget holds them."""


def storage_table(board: Board) -> Table:
    """Samples, pixels and bytes of every row and budget: of the set, part by part, and of networks needed beside it.

    Pixels are there where patches were dropped, with the PSNR of the rebuilt images. What takes more bytes than its
    source saves a negative share.
    """
    rows = [_stored(board, row, budget, records[0]) for row, budget, records in _compressed(board)]
    header = (
        "method",
        "budget",
        "samples",
        "tokens",
        "pixels",
        "PSNR dB",
        "bytes",
        "saved",
        *(f"of it {part}" for part in _PARTS),
        *(f"beside it {network}" for network in _BESIDE),
        "saved with that",
    )
    return Table(header, tuple(rows), names=2).without_blanks()


def cost_table(board: Board) -> Table:
    """Seconds, memory and device of every row and budget, without training the networks."""
    rows = [_spent(row, budget, records[0]) for row, budget, records in _compressed(board)]
    columns = (
        *ROLES,
        *_LATER,
        "other s",
        "choosing FLOPs",
        "training FLOPs",
        "ms/image",
        "host GiB",
        "device GiB",
        "device",
    )
    return Table(("method", "budget", *columns), tuple(rows), names=2).without_blanks()


def _compressed(board: Board) -> Iterator[tuple[Row, Budget, list[Record]]]:
    section = board.section
    for row in section.rows:
        for budget in [Budget.full()] if row.is_full else section.budgets:
            records = [record for n in section.networks if (record := section.record(row, n, budget))]
            if records:
                yield row, budget, records


def _stored(board: Board, row: Row, budget: Budget, record: Record) -> tuple[str, ...]:
    runs, whole = record.runs, _source_bytes(board)
    samples, size = (mean([getattr(run, name) for run in runs]) for name in ("samples", "bytes"))
    share, pixels = samples / board.section.setting.train_samples, runs[0].kept_pixels
    parts = {name: _mean_of([run.bytes_parts.get(name) for run in runs]) for name in (*_PARTS, *_BESIDE)}
    beside = sum(parts[name] or 0 for name in _BESIDE)
    saved = [1 - stored / whole if whole and not row.is_full else None for stored in (size - beside, size)]
    shown = [part for part in _PARTS if parts[part]]
    return (
        row_name(row),
        text.budget(budget),
        f"{text.count(samples)} ({share:.1%})",
        _tokens(runs),
        "" if pixels is None else f"{pixels:.1%}",
        _note(runs, "psnr_db", 1),
        byte_sizes.rounded(size - beside),
        "" if saved[0] is None else f"{saved[0]:.1%}",
        *(byte_sizes.rounded(parts[name] or 0) if name in shown and len(shown) > 1 else "" for name in _PARTS),
        *("" if parts[name] is None else byte_sizes.rounded(parts[name] or 0) for name in _BESIDE),
        f"{saved[1]:.1%}" if beside and saved[1] is not None else "",
    )


def _spent(row: Row, budget: Budget, record: Record) -> tuple[str, ...]:
    known = {role for roles in (*ROLES.values(), *_LATER.values(), _TRAINING) for role in roles}
    other = sorted({role for run in record.runs for role in run.jobs} - known)
    columns = [*ROLES.values(), *_LATER.values(), tuple(other)]
    used = [any(run.jobs.get(role) for run in record.runs for role in roles) for roles in columns]
    times = [text.seconds(seconds(record, roles)) if use else "" for roles, use in zip(columns, used, strict=True)]
    facts = compression_facts(record)
    return (
        row_name(row),
        text.budget(budget),
        *times,
        *(_flops(record.runs, name) for name in ("selection_flops", "training_flops")),
        _note(record.runs, "ms_per_image", 1),
        f"{max(f.peak_host_gib for f in facts):.2f}" if facts else "",
        f"{max(f.peak_device_gib for f in facts):.2f}" if any(f.peak_device_gib for f in facts) else "",
        ", ".join(sorted({f.device for f in facts})),
    )


def _tokens(runs: Sequence[Run]) -> str:
    """Tokens of kept texts and their share of all, the mean over the seeds; blank of images."""
    tokens, share = (_mean_of([run.notes.get(name) for run in runs]) for name in ("tokens", "tokens_share"))
    return "" if tokens is None or share is None else f"{text.count(tokens)} ({share:.1%})"


def _flops(runs: Sequence[Run], name: str) -> str:
    """The mean over the seeds; blank where none are counted."""
    found = _mean_of([run.notes.get(name) for run in runs])
    return "" if found is None else f"{found:.2g}"


def _note(runs: Sequence[Run], name: str, decimals: int) -> str:
    """The mean over the seeds of a number that the method noted; blank where it did not."""
    found = _mean_of([run.notes.get(name) for run in runs])
    return "" if found is None else text.fixed(found, decimals)


def _mean_of(values: Sequence[Any]) -> float | None:
    """The mean; None where a value is no number."""
    numbers = [value for value in values if isinstance(value, int | float)]
    return mean(numbers) if numbers and len(numbers) == len(values) else None


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
