"""What a cell's dialog shows: seeds, curves, options, versions, costs and the log of a failure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dqbench.board.board import mean
from dqbench.records import Record

MOST_POINTS = 20
"""Epochs of a training curve that are kept, evenly spaced, the first and the last among them."""

MOST_NOTES = 600
"""Characters of JSON that a method's notes may take."""


class Facts:
    """Values that many cells share, each kept once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._index: dict[str, int] = {}

    def add(self, value: Any) -> int:
        """The number of a JSON value."""
        key = json.dumps(value, sort_keys=True)
        if key not in self._index:
            self._index[key] = len(self.values)
            self.values.append(value)
        return self._index[key]


def details(record: Record, facts: Facts) -> dict[str, Any]:
    """A record as its dialog shows it; long values that recur are numbers of ``facts``."""
    cell, versions = record.cell, record.versions
    observer = {"architecture": cell.observer_arch, "recipe": cell.observer_recipe} if cell.observer_arch else None
    return {
        "key": record.key[:16],
        "ended": record.ended,
        "command": facts.add(record.command),
        "config": facts.add(cell.config),
        "variant": cell.variant,
        "recipe": facts.add(cell.recipe.model_dump(mode="json")),
        "observer": facts.add(_plain(observer)),
        "versions": facts.add(versions.model_dump(mode="json")),
        "machine": facts.add(record.machine.model_dump(mode="json")),
        "seeds": [_seed(run.model_dump()) for run in sorted(record.runs, key=lambda run: run.seed)],
        "curves": [_curve(run.curve) for run in sorted(record.runs, key=lambda run: run.seed)],
        "notes": _notes(record),
        "jobs": _jobs(record),
        "failures": [failure.model_dump(mode="json") for failure in record.failures],
    }


def _plain(observer: dict[str, Any] | None) -> Any:
    if observer and observer["recipe"] is not None:
        return {**observer, "recipe": observer["recipe"].model_dump(mode="json")}
    return observer


def _seed(run: Mapping[str, Any]) -> list[Any]:
    """Seed, score, best epoch, samples, bytes, updates, the start of the kept set's hash."""
    numbers = [run[name] for name in ("samples", "bytes", "updates")]
    return [run["seed"], finite(run["score"]), finite(run["best_epoch_score"]), *numbers, (run["kept_hash"] or "")[:12]]


def _curve(points: Sequence[Mapping[str, float]]) -> dict[str, list[float | None]]:
    """Epoch, training accuracy in percent and loss of at most ``MOST_POINTS`` epochs."""
    last = len(points) - 1
    count = min(len(points), MOST_POINTS)
    chosen = [points[round(i * last / max(1, count - 1))] for i in range(count)]
    return {
        "epoch": [finite(point.get("epoch")) for point in chosen],
        "accuracy": [_scaled(point.get("accuracy"), 100) for point in chosen],
        "loss": [_scaled(point.get("loss"), 1) for point in chosen],
    }


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value * factor:.3g}")


def finite(value: Any) -> Any:
    """The value, with None in place of floats that JSON cannot hold and no more than six digits."""
    if isinstance(value, Mapping):
        return {str(name): finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _notes(record: Record) -> dict[str, Any]:
    """The notes of the first seed's kept set, as far as they are short."""
    first = min(record.runs, key=lambda run: run.seed, default=None)
    found: dict[str, Any] = {}
    for name, value in sorted((first.notes if first else {}).items()):
        more = {**found, name: finite(value)}
        if len(json.dumps(more, default=str)) <= MOST_NOTES:
            found = more
    return found


def _jobs(record: Record) -> list[list[Any]]:
    """Role, mean seconds, peak host and device GiB, devices: of the jobs on the cell's path, in order of work."""
    roles = dict.fromkeys(role for run in record.runs for role in run.jobs)
    lines = []
    for role in roles:
        keys = [key for run in record.runs for key in run.jobs.get(role, [])]
        found = [record.jobs[key] for key in keys if key in record.jobs]
        if found:
            peaks = [round(max(getattr(f, n) for f in found), 3) for n in ("peak_host_gib", "peak_device_gib")]
            lines.append([role, round(mean([f.wall_s for f in found]), 3), *peaks, sorted({f.device for f in found})])
    return lines
