"""A task's board as one tidy CSV: a line for each cell, numbers to ten digits, blank where undefined."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from csv import writer

from dqbench.board import comparing, costs
from dqbench.board.board import Board, CellNumbers
from dqbench.board.comparing import Comparison
from dqbench.board.pairing import seconds
from dqbench.board.published import Published
from dqbench.board.row_numbers import RowNumbers
from dqbench.board.sections import CellKey, Row, Section, Setting
from dqbench.board.statistics import Estimate, Ratio
from dqbench.records import Record

Cells = dict[str, str]
_FORMULA = frozenset("=+-@\t\r")
_NUMBER = r"[-+]?[0-9][0-9.]*(e[-+]?[0-9]+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(; {_NUMBER})*")

COLUMNS = (
    *("task", "version", "profile", "labels", "precision", "dataset", "provenance", "train_hash", "test_hash"),
    *("train_per_class", "test_per_class", "altered", "train_samples", "test_samples", "metric"),
    *("row", "method", "method_version", "variant", "control_of", "trust", "observer", "arch", "recipe"),
    *("budget_kind", "budget", "status", "seeds", "tested_seeds", "parts"),
    *("score", "score_ci", "score_min", "score_max", "delta", "delta_ci", "delta_min", "delta_max", "mark"),
    *("gain", "gain_low", "gain_high", "kappa", "kappa_low", "kappa_high", "rank_first", "rank_last"),
    *("transfer", "transfer_ci", "transfer_min", "transfer_max", "lossless", "area", "area_ci", "area_min", "area_max"),
    *("pooled", "pooled_ci", "pooled_min", "pooled_max", "pooled_p", "pooled_cells"),
    *("samples", "bytes", "updates", "observe_s", "prepare_s", "compress_s", "train_s", "host_gib", "device_gib"),
    *("device", "best_epoch", "published", "published_in", "difference", "best_difference", "z", "comparable"),
)
"""``*_ci`` is half the width of the 95 % interval; where several values were published they are separated by ``; ``.
``pooled*`` are of the row's one test over all budgets and architectures, p adjusted by Holm over the rows. ``parts``
are the records that a cell is pooled from; marks, ranks and lossless ratios are of ``tested_seeds``."""


MEASURE_COLUMNS = ("unit", "better")
"""Of tasks whose metric is not percent, the higher the better; ``delta``, ``transfer`` and marks are turned so that
above 0 is better."""


def document(boards: Sequence[Board], published: Published) -> str:
    """The whole file of one task."""
    columns = COLUMNS if all(board.measure.is_usual for board in boards) else (*COLUMNS, *MEASURE_COLUMNS)
    file = io.StringIO()
    written = writer(file, lineterminator="\n")
    written.writerow(columns)
    blank = dict.fromkeys(columns, "")
    for board in boards:
        written.writerows((blank | line).values() for line in _lines(board, published))
    return file.getvalue()


def _lines(board: Board, published: Published) -> Iterator[Cells]:
    section = board.section
    printed: dict[CellKey, list[Comparison]] = {}
    for comparison in comparing.compare(board, published):
        printed.setdefault(comparison.cell_key, []).append(comparison)
    setting = _setting(section.setting)
    for cell_key in section.in_order({**section.done, **section.failed}):
        record = section.done.get(cell_key) or section.failed[cell_key]
        line = {**setting, **_cell(cell_key, record), **_parts(section, cell_key)}
        if cell_key in board.cells:
            line |= (
                _numbers(board.cells[cell_key])
                | _row_numbers(board.rows[cell_key[0]], cell_key)
                | _pooled(board, cell_key[0])
            )
            line |= _costs(record) | _published(printed.get(cell_key, []))
        yield {name: _no_formula(cell) if cell[:1] in _FORMULA else cell for name, cell in line.items()}


def _no_formula(cell: str) -> str:
    """Words that a spreadsheet would take for a formula get an apostrophe in front; numbers are left alone."""
    return cell if _NUMBERS.fullmatch(cell) else f"'{cell}"


def _setting(s: Setting) -> Cells:
    return {
        "task": s.task,
        "version": str(s.task_version),
        "train_per_class": str(s.train_per_class or ""),
        "test_per_class": str(s.test_per_class or ""),
        "train_samples": str(s.train_samples),
        "test_samples": str(s.test_samples),
        **{
            name: str(getattr(s, name))
            for name in (
                "profile",
                "labels",
                "precision",
                "dataset",
                "provenance",
                "train_hash",
                "test_hash",
                "metric",
                "altered",
            )
        },
        **({} if s.measure.is_usual else {name: str(getattr(s.measure, name)) for name in MEASURE_COLUMNS}),
    }


def _cell(cell_key: CellKey, record: Record) -> Cells:
    row, network, budget = cell_key
    return {
        "row": row.label,
        "method": row.method,
        "method_version": str(record.cell.method_version),
        "variant": row.variant,
        "control_of": row.control_of or "",
        "trust": row.trust,
        "observer": row.observer_arch or "",
        "arch": network.label,
        "recipe": network.recipe.name,
        "budget_kind": budget.kind,
        "budget": f"{budget.value:g}",
        "status": record.status,
        "seeds": " ".join(str(seed) for seed in sorted(record.cell.seeds)),
    }


def _parts(section: Section, cell_key: CellKey) -> Cells:
    tested = section.tested.seeds if section.is_tested(cell_key) else ()
    parts = section.parts.get(cell_key, ())
    return {
        "tested_seeds": " ".join(map(str, tested)), "parts": "; ".join(part.record.file_name for part in parts),
    }  # fmt: skip


def _numbers(cell: CellNumbers) -> Cells:
    return {
        **_estimate("score", cell.score),
        **_estimate("delta", cell.delta),
        "mark": cell.mark,
        **_ratio("gain", cell.gain),
        **_ratio("kappa", cell.kappa),
        "samples": _number(cell.samples),
        "bytes": _number(cell.bytes),
        "updates": _number(cell.updates),
        "train_s": _number(cell.train_s),
        "best_epoch": _number(cell.best),
    }


def _row_numbers(row: RowNumbers, cell_key: CellKey) -> Cells:
    _, network, budget = cell_key
    first, last = row.rank or (None, None)
    return {
        "rank_first": _number(first),
        "rank_last": _number(last),
        **_estimate("transfer", row.transfer.get(budget)),
        "lossless": "none" if row.lossless.get(network, 0.0) is None else _number(row.lossless.get(network)),
        **_estimate("area", row.area.get(network)),
    }


def _pooled(board: Board, row: Row) -> Cells:
    test = board.pooled.get(row)
    if test is None:
        return {}
    return {
        **_estimate("pooled", test.difference), "pooled_p": _number(test.p), "pooled_cells": str(test.cells),
    }  # fmt: skip


def _costs(record: Record) -> Cells:
    facts = costs.compression_facts(record)
    times = {
        name.replace(" ", "_"): _number(seconds(record, roles))
        for name, roles in costs.ROLES.items()
        if any(run.jobs.get(role) for run in record.runs for role in roles)
    }
    return {
        **times,
        "host_gib": _number(max((f.peak_host_gib for f in facts), default=None)),
        "device_gib": _number(max((f.peak_device_gib for f in facts), default=None)),
        "device": ", ".join(sorted({f.device for f in facts})),
    }


def _published(found: Sequence[Comparison]) -> Cells:
    columns = {
        "published": [c.results[0].printed for c in found],
        "published_in": [", ".join(dict.fromkeys(f"{r.paper} {r.table}" for r in c.results)) for c in found],
        "difference": [_number(c.difference) for c in found],
        "best_difference": [_number(c.best_difference) for c in found],
        "z": [_number(c.z) for c in found],
        "comparable": ["yes" if c.comparable else f"no: {c.why_not or ', '.join(c.bars)}" for c in found],
    }
    return {name: "; ".join(values) if any(values) else "" for name, values in columns.items()}


def _estimate(name: str, value: Estimate | None) -> Cells:
    if value is None:
        return {}
    ends = {"ci": value.half, "min": value.least, "max": value.most}
    return {name: _number(value.mean), **{f"{name}_{end}": _number(number) for end, number in ends.items()}}


def _ratio(name: str, value: Ratio | None) -> Cells:
    if value is None:
        return {}
    return {name: _number(value.value), f"{name}_low": _number(value.low), f"{name}_high": _number(value.high)}


def _number(value: float | None) -> str:
    """As :func:`text.settled`, which has ten digits."""
    if value is None:
        return ""
    shown = f"{value:.10g}"
    return "0" if shown == "-0" else shown
