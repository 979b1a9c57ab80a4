"""Records that cannot both be true: one cell twice, and results of one run in the places of several."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dqbench.records import Record, Run
from dqbench.seed_ranges import overlaps, seeds_words

LAST = ("evaluate",)
"""Roles of jobs that belong to one run of one cell; earlier ones are shared on purpose."""


def copies(found: Mapping[Path, Record]) -> Iterator[tuple[Path, str]]:
    """Each file that repeats what is in one before it, and what it repeats, in words."""
    seen: dict[Hashable, tuple[Any, str]] = {}
    for path, record in sorted(found.items()):
        if record.status == "done":
            for what, key, own in _marks(record):
                other, where = seen.setdefault(key, (own, f"{path.parent.name}/{path.name}"))
                if other != own:
                    yield path, f"{what} is that of {where}" + (f" ({other})" if isinstance(other, str) else "")
    yield from _cells_twice(found)


def _marks(record: Record) -> Iterator[tuple[str, Hashable, Any]]:
    """What belongs to one run or job alone, under a name that says whose it is: equal names of other owners clash."""
    for run in record.runs:
        seed = f"seed {run.seed}"
        for role, keys in run.jobs.items():
            if role in LAST:
                yield from ((f"the {role} job of {seed}", ("job", key), (record.key, run.seed)) for key in keys)
        if len(run.curve) > 1:
            yield f"the training curve of {seed}", ("curve", _digest(run.curve)), _trained_on(record, run)
    for key, facts in record.jobs.items():
        yield f"the kind of job {key[:12]}, {facts.kind},", ("kind", key), facts.kind


def _trained_on(record: Record, run: Run) -> tuple[Any, ...]:
    """What makes a training what it is: runs that share all of it may well share their curve."""
    cell = record.cell
    recipe, teacher = cell.recipe.model_dump_json(), (cell.labels, cell.teacher_arch, cell.teacher_weights)
    return record.source.train_hash, run.kept_hash, run.samples, run.seed, cell.arch, recipe, teacher, cell.precision


def _cells_twice(found: Mapping[Path, Record]) -> Iterator[tuple[Path, str]]:
    """Records of one cell that share some of their seeds, and of which none replaces the other."""
    by_cell: dict[str, list[tuple[Path, Record]]] = {}
    for path, record in sorted(found.items()):
        if record.status == "done":
            facts = [
                record.cell.model_dump(mode="json", exclude={"seeds"}),
                record.source.model_dump(exclude={"leaks"}),
                record.trust,
            ]
            by_cell.setdefault(_digest(facts), []).append((path, record))
    for same in by_cell.values():
        for first, second, shared in overlaps([record.cell.seeds for _, record in same]):
            yield same[second][0], f"it is of the same cell as {same[first][0].name}, and shares {seeds_words(shared)}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
