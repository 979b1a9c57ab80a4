"""Records as a table for a notebook: one line for each seed of each cell. pandas is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dqbench.records import Record, Run

if TYPE_CHECKING:
    import pandas as pd

TYPES = {
    **dict.fromkeys(("task", "profile", "dataset", "altered", "labels", "precision", "metric"), "string"),
    **dict.fromkeys(("method", "variant", "control_of", "trust", "observer", "teacher", "arch", "recipe"), "string"),
    "budget_kind": "string",
    "budget": "Float64",
    "status": "string",
    "seed": "Int64",
    **dict.fromkeys(("score", "best_epoch_score"), "Float64"),
    **dict.fromkeys(("samples", "bytes", "updates"), "Int64"),
    **dict.fromkeys(("kept_pixels", "seconds"), "Float64"),
    "config": "object",
    "task_version": "Int64",
    "method_version": "Int64",
    "cell": "string",
    "unit": "string",
    "better": "string",
}
"""The columns and their pandas types; what a record does not have is missing (``NA``)."""


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row for each seed of each record, in their order; a failed cell has its seeds without scores.

    ``score`` and ``best_epoch_score`` are the metric, in its ``unit``, of which ``better`` is the
    ``higher`` or the ``lower``; ``seconds`` is the wall time of all jobs on the way
    to the score, shared ones included; ``config`` is the method's options as a dict; ``cell`` is the record's key.
    """
    import pandas as pd

    lines = [line for record in records for line in _lines(record)]
    table: pd.DataFrame = pd.DataFrame(lines, columns=list(TYPES)).astype(TYPES)
    return table


def _lines(record: Record) -> Iterator[dict[str, Any]]:
    cell = record.cell
    shared = {
        **{name: getattr(cell, name) for name in TYPES if name in type(cell).model_fields},
        "dataset": record.source.dataset,
        "altered": record.source.alteration.words if record.source.alteration else "",
        "trust": record.trust,
        "observer": cell.observer_arch,
        "teacher": cell.teacher_arch,
        "recipe": cell.recipe.name,
        "budget": cell.budget_value,
        "status": record.status,
        "cell": record.key,
        "unit": cell.measure.unit,
        "better": cell.measure.better,
    }
    if record.status != "done":
        yield from ({**shared, "seed": seed} for seed in cell.seeds)
        return
    for run in record.runs:
        own = {name: getattr(run, name) for name in TYPES if name in Run.model_fields}
        yield {**shared, **own, "seconds": _seconds(record, run)}


def _seconds(record: Record, run: Run) -> float:
    keys = {key for keys in run.jobs.values() for key in keys}
    return sum(record.jobs[key].wall_s for key in sorted(keys) if key in record.jobs)
