"""Checking a bundle: everything that can be recomputed without training is, and must agree."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from dqbench.budgets import resolve
from dqbench.compressed import Subset
from dqbench.data import store
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs.compress import content_hash
from dqbench.plugins import Registry
from dqbench.records import FORMAT, Record, Run, SourceFacts
from dqbench.run.bundle_file import Contents, parse
from dqbench.run.grid import plan
from dqbench.run.own_data import OwnData
from dqbench.run.planned import Plan, PlannedCell
from dqbench.run.request import Request
from dqbench.run.submitting import REFERENCES
from dqbench.specs import OWN_DATA, Recipe

MOST_SEEDS = 100
TOP1 = "dqbench.jobs.evaluate:top1"


@dataclass(frozen=True)
class Submission:
    """A record that agrees with what this dqbench would run, its request, and the plan of its cell."""

    record: Record
    request: Request
    plan: Plan
    planned: PlannedCell


def check(contents: Contents, registry: Registry) -> list[Submission]:
    """Verify every record of a bundle: schema, keys, seeds, hashes, budgets on the ids, class counts, arithmetic.

    Raises:
        UsageError: the first thing that does not agree, or data or plugins that are not here.
    """
    files = dict(contents.files)
    names = sorted(name for name in files if name.startswith("records/"))
    if not names:
        raise UsageError("the bundle is refused: it holds no record")
    found = []
    for name in names:
        try:
            record = _record(name, files.pop(name), contents)
            found.append(_agreed(record, registry))
            _check_kept(found[-1], contents.files, files)
        except UsageError as error:
            raise UsageError(f"the bundle is refused: {name[:22]}…: {error}") from None
    if files:
        raise UsageError(f"the bundle is refused: no record speaks of {min(files)}")
    return found


def _record(name: str, data: bytes, contents: Contents) -> Record:
    value = parse(data, "the record")
    try:
        record = Record.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"its {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}") from None
    cell = record.cell
    _expect(record.format == FORMAT, f"record format {record.format} is not {FORMAT}")
    _expect(record.status == "done" and not record.failures, "it is not of a finished cell")
    _expect(f"records/{record.key}.json" == name, "its key is not its name")
    asked = (contents.facts.get("task"), contents.facts.get("method"))
    _expect(asked == (cell.task, cell.method), f"it is of {cell.method!r} on {cell.task!r}, not as the manifest says")
    _expect(cell.method not in REFERENCES, f"{cell.method} is a reference, which each board measures itself")
    _expect(cell.budget_kind in ("ratio", "ipc"), "its budget is no keep ratio and no ipc")
    seeds = [run.seed for run in record.runs]
    _expect(seeds == list(cell.seeds) == list(range(len(seeds))), "its seeds are not 0, 1, 2, …, one run for each")
    _expect(0 < len(seeds) <= MOST_SEEDS, f"it has {len(seeds)} seeds")
    return record


def _agreed(record: Record, registry: Registry) -> Submission:
    """The record beside the plan of its cell, made anew here."""
    request = request_of(record, registry)
    made = plan(request, registry, "cuda" if record.cell.precision == "bf16" else "cpu")
    planned = next((p for p in made.cells if p.cell.method == record.cell.method), None)
    if planned is None or planned.cell != record.cell:
        raise UsageError(f"its cell is not what dqbench runs here: {_difference(record, planned)}")
    _check_source(record.source, planned.source)
    for run, mine in zip(record.runs, planned.runs, strict=True):
        theirs = {role: tuple(keys) for role, keys in run.jobs.items()}
        _expect(theirs == dict(mine.jobs), f"the job keys of seed {run.seed} are not those computed here: {_CODE}")
        _check_run(run, record, registry)
    _expect(record.key == planned.key, f"its key is not the one computed here: {_CODE}")
    _check_jobs(record, made)
    return Submission(record, request, made, planned)


_CODE = "another version, data or code of the method"


def request_of(record: Record, registry: Registry) -> Request:
    """The request whose plan has this record's cell.

    Raises:
        UsageError: a task, method or option that is not known here.
    """
    cell = record.cell
    if any("pixels" in run.jobs for run in record.runs):
        raise UsageError(f"{cell.row}: bundles hold kept ids, not patches; leave rows that drop patches out")
    if cell.observer_weights or cell.teacher_weights:
        raise UsageError(f"{cell.row}: bundles hold no weights; leave rows that look through pretrained networks out")
    defaults = registry.methods[cell.method].config().model_dump(mode="json")
    settings = [f"{cell.method}.{k}={_one(v)}" for k, v in cell.config.items() if defaults.get(k) != v]
    profile = registry.tasks[cell.task].profiles.get(cell.profile)
    if profile is not None:
        settings += _overrides("recipe", cell.recipe, profile.recipe(cell.arch))
        if cell.observer_arch and cell.observer_recipe:
            settings += [f"observer.arch={cell.observer_arch}"] * (cell.observer_arch != profile.observer.arch)
            settings += _overrides("observer", cell.observer_recipe, profile.observer.recipe)
    return Request(
        tasks=(cell.task,),
        methods=(cell.method,),
        keeps=(cell.budget_value,) if cell.budget_kind == "ratio" else (),
        ipcs=(int(cell.budget_value),) if cell.budget_kind == "ipc" else (),
        archs=(cell.arch,),
        seeds=len(cell.seeds),
        profile=cell.profile,
        settings=tuple(settings),
        best_epoch=any(run.best_epoch_score is not None for run in record.runs),
        data=OwnData(record.source.dataset, "") if registry.tasks[cell.task].dataset == OWN_DATA else None,
    )


def _overrides(target: str, recipe: Recipe, default: Recipe) -> list[str]:
    """In the order in which the recipe's name has them."""
    theirs, ours = recipe.model_dump(mode="json"), default.model_dump(mode="json")
    changed = [name for name in theirs if name != "name" and theirs[name] != ours[name]]
    named = re.findall(r"(\w+)=", recipe.name)
    ordered = sorted(changed, key=lambda name: named.index(name) if name in named else len(named))
    return [f"{target}.{name}={_one(theirs[name])}" for name in ordered]


def _one(value: Any) -> str:
    """A value as ``--set`` takes it, a list in brackets."""
    return value if isinstance(value, str) else json.dumps(value)


def _difference(record: Record, planned: PlannedCell | None) -> str:
    if planned is None:
        return "no such cell"
    theirs, ours = record.cell.model_dump(mode="json"), planned.cell.model_dump(mode="json")
    name = next(name for name in theirs if theirs[name] != ours[name])
    return f"{name} is {str(theirs[name])[:80]!r} there and {str(ours[name])[:80]!r} here"


def _check_source(theirs: SourceFacts, ours: SourceFacts) -> None:
    for name, value in ours.model_dump(exclude={"provenance"}).items():
        given = getattr(theirs, name)
        _expect(given == value, f"its source has {name} {str(given)[:64]}, the one here {value}")


def _check_run(run: Run, record: Record, registry: Registry) -> None:
    cell, source = record.cell, record.source
    numbers = [run.score, *(value for point in run.curve for value in point.values())]
    _expect(all(math.isfinite(number) for number in numbers), f"seed {run.seed} has numbers that are not finite")
    _expect(run.metrics.get(cell.metric) == run.score, f"seed {run.seed}: score and metrics disagree")
    _expect(len(run.curve) == cell.recipe.epochs, f"seed {run.seed}: the curve has {len(run.curve)} epochs")
    steps = -(-run.samples // cell.recipe.batch_size) * cell.recipe.epochs
    _expect(run.updates == steps, f"seed {run.seed}: {run.updates} updates; the recipe takes {steps}")
    if registry.tasks[cell.task].evaluator == TOP1:
        for score in (run.score, run.best_epoch_score or run.score):
            hits = score / 100 * source.test_samples
            fits = 0 <= score <= 100 and abs(hits - round(hits)) < 1e-6 * max(1.0, hits)
            _expect(fits, f"seed {run.seed}: {score} % is no share of {source.test_samples} images")


def _check_jobs(record: Record, made: Plan) -> None:
    keys = {key for run in record.runs for found in run.jobs.values() for key in found}
    _expect(keys == set(record.jobs), "its jobs are not those of its runs")
    _expect(all(made.jobs[key].kind == facts.kind for key, facts in record.jobs.items()), "a job is of another kind")
    _expect(all(math.isfinite(f.wall_s) and f.wall_s >= 0 for f in record.jobs.values()), "a job took no possible time")


def _check_kept(submission: Submission, files: Mapping[str, bytes], unread: dict[str, bytes]) -> None:
    """The ids of every seed against the data here: in the source, no repeats, the budget, the classes, the hash."""
    record = submission.record
    source = store.open_train(record.source.dataset, record.source.train_per_class)
    for run in record.runs:
        (key,) = run.jobs["compress"]
        ids, weights = (
            _array(files.get(f"kept/{key}.{what}"), kind) for what, kind in (("ids", "<i8"), ("weights", "<f8"))
        )
        if ids is None:
            raise UsageError(f"the ids that seed {run.seed} kept are missing")
        for what in ("ids", "weights"):
            unread.pop(f"kept/{key}.{what}", None)
        try:
            kept = Subset(ids.astype(np.int64), weights=None if weights is None else weights.astype(np.float64))
            where = source.positions(kept.ids)
        except ValueError as error:
            raise UsageError(f"seed {run.seed}: {error}") from None
        _check_budget(kept, where, run, record, source)


def _check_budget(kept: Subset, where: Any, run: Run, record: Record, source: Source) -> None:
    seed, asked, labels = run.seed, record.cell.budget, source.labels[where]
    wanted = resolve(asked, source.class_counts, seed)
    _expect(len(kept) == wanted.total, f"seed {seed} kept {len(kept)} samples; the budget {asked} is {wanted.total}")
    counts = np.bincount(labels, minlength=source.classes)
    if asked.kind == "ipc":
        _expect(bool((counts == wanted.per_class).all()), f"seed {seed} kept {counts.tolist()} of the classes")
    _expect(run.samples == len(kept), f"seed {seed}: {run.samples} samples trained on, {len(kept)} kept")
    _expect(run.kept_hash == content_hash(kept), f"seed {seed}: the hash of what was kept is not that of its ids")
    if record.cell.labels != "hard":
        return
    label_bytes = 1 if int(labels.max(initial=0)) < 256 else 2
    pixels = int(np.prod(source.images.shape[1:])) * len(kept)
    images = pixels if source.file_sizes is None else int(source.file_sizes[where].sum())
    total = images + (label_bytes + (0 if kept.weights is None else 4)) * len(kept)
    _expect(run.bytes == total, f"seed {seed}: {run.bytes} bytes; what was kept takes {total}")


def _array(data: bytes | None, kind: str) -> np.ndarray[Any, Any] | None:
    if data is None:
        return None
    _expect(len(data) % 8 == 0 and len(data) > 0, "a file of kept numbers is cut")
    return np.frombuffer(data, dtype=kind)


def _expect(good: bool, message: str) -> None:
    if not good:
        raise UsageError(message)
