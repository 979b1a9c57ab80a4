"""Checking a bundle: everything that can be recomputed without training is, and must agree."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from dqbench.bundles.check_kept import check_kept, expect
from dqbench.bundles.check_scores import check_scores
from dqbench.bundles.zip_file import Contents, parse
from dqbench.errors import UsageError
from dqbench.pixels.options import PixelOptions
from dqbench.plan.grid import plan
from dqbench.plan.own_data import OwnData
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.plan.request import Request
from dqbench.plausible import implausible
from dqbench.plugins import Registry
from dqbench.records import FORMAT, Cell, Record, Run, SourceFacts
from dqbench.references import FULL, REFERENCES, TWIN
from dqbench.seed_ranges import seeds_text
from dqbench.specs import OWN_DATA, Recipe
from dqbench.train.recipes import RECIPES

MOST_SEEDS = 100
MOST_WORDS = 64 * 1024


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
            found.append(agreed(record, registry))
            check_kept(found[-1].record, found[-1].plan, contents.files, files, registry)
        except UsageError as error:
            raise UsageError(f"the bundle is refused: {name[:22]}…: {error}") from None
    if files:
        raise UsageError(f"the bundle is refused: no record speaks of {min(files)}")
    return found


def _record(name: str, data: bytes, contents: Contents) -> Record:
    record = validated(parse(data, "the record"))
    cell = record.cell
    wrong = implausible(record)
    expect(not wrong, wrong)
    expect(record.status == "done" and not record.failures, "it is not of a finished cell")
    expect(f"records/{record.key}.json" == name, "its key is not its name")
    asked = (contents.facts.get("task"), contents.facts.get("method"))
    expect(asked == (cell.task, cell.method), f"it is of {cell.method!r} on {cell.task!r}, not as the manifest says")
    expect(cell.method not in REFERENCES, f"{cell.method} is a reference, which each board measures itself")
    expect(cell.budget_kind != "full", "its budget is no part of the source")
    _check_seeds(record)
    return record


def validated(value: Any) -> Record:
    """The record that a JSON value is, with no more words than a board can bear.

    Raises:
        UsageError: a field is missing, wrong or unknown, or too long.
    """
    try:
        record = Record.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"its {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}") from None
    spoken = [run.notes for run in record.runs] + [run.metrics for run in record.runs]
    brief = all(len(json.dumps(words)) <= MOST_WORDS for words in spoken)
    expect(brief, f"its notes or metrics of a seed have more than {MOST_WORDS:,} characters")
    expect(record.format == FORMAT, f"record format {record.format} is not {FORMAT}")
    return record


def _check_seeds(record: Record) -> None:
    seeds = [run.seed for run in record.runs]
    expect(seeds == list(record.cell.seeds) == sorted(set(seeds)), "its seeds are not ascending, one run for each")
    expect(all(0 <= seed < MOST_SEEDS for seed in seeds), f"a seed is not between 0 and {MOST_SEEDS - 1}")
    expect(0 < len(seeds) <= MOST_SEEDS, f"it has {len(seeds)} seeds")


def agreed(record: Record, registry: Registry) -> Submission:
    """The record beside the plan of its cell, made anew here.

    Raises:
        UsageError: what does not agree first, or data or plugins that are not here.
    """
    request = request_of(record, registry)
    made = plan(request, registry, "cuda" if record.cell.precision == "bf16" else "cpu")
    planned = next((p for p in made.cells if p.cell.method == record.cell.method), None)
    if planned is None or planned.cell != record.cell:
        raise UsageError(f"its cell is not what dqbench runs here: {_difference(record, planned)}")
    _check_source(record.source, planned.source)
    for run, mine in zip(record.runs, planned.runs, strict=True):
        theirs = {role: tuple(keys) for role, keys in run.jobs.items()}
        expect(theirs == dict(mine.jobs), f"the job keys of seed {run.seed} are not those computed here: {_CODE}")
    check_numbers(record, registry)
    expect(record.key == planned.key, f"its key is not the one computed here: {_CODE}")
    _check_jobs(record, made)
    return Submission(record, request, made, planned)


_CODE = "another version, data or code of the method"


def request_of(record: Record, registry: Registry) -> Request:
    """The request whose plan has this record's cell.

    Raises:
        UsageError: a task, method or option that is not known here.
    """
    cell = record.cell
    if any(" (sha256 " in str(cell.config.get(name)) for name in ("mae", "cam_weights")):
        raise UsageError(f"{cell.row}: bundles hold no weights; leave rows with an MAE or weights of a file out")
    if cell.observer_weights or cell.teacher_weights:
        raise UsageError(f"{cell.row}: bundles hold no weights; leave out rows whose observer or teacher is pretrained")
    method = TWIN if cell.method == FULL else cell.method
    defaults = _defaults(cell, registry) if cell.method == method else {}
    settings = [f"{cell.method}.{k}={_one(v)}" for k, v in cell.config.items() if defaults.get(k) != v]
    profile = registry.tasks[cell.task].profiles.get(cell.profile)
    catalogued = cell.recipe.name.partition(" (")[0]
    usual = profile.recipe(cell.arch) if profile else cell.recipe
    own = catalogued not in (usual.name, *RECIPES)  # of a file: all of it is in the record
    asked = cell.recipe if own else RECIPES[catalogued] if catalogued != usual.name else None
    if profile is not None:
        settings += [] if own else _overrides("recipe", cell.recipe, asked or usual)
        if cell.observer_arch and cell.observer_recipe:
            settings += [f"observer.arch={cell.observer_arch}"] * (cell.observer_arch != profile.observer.arch)
            settings += _overrides("observer", cell.observer_recipe, profile.observer.recipe)
    asked_data = record.source.alteration.model_dump(exclude_defaults=True) if record.source.alteration else {}
    settings += [f"data.{name}={_one(value)}" for name, value in asked_data.items()]
    return Request(
        tasks=(cell.task,),
        methods=(method,),
        keeps=(cell.budget_value,) if cell.budget_kind == "ratio" else (),
        ipcs=(int(cell.budget_value),) if cell.budget_kind == "ipc" else (),
        byte_budgets=(int(cell.budget_value),) if cell.budget_kind == "bytes" else (),
        token_budgets=(cell.budget_value,) if cell.budget_kind == "tokens" else (),
        labels=(cell.labels,),
        recipe=asked,
        archs=(cell.arch,),
        seeds=seeds_text(cell.seeds),
        profile=cell.profile,
        settings=tuple(settings),
        best_epoch=any(run.best_epoch_score is not None for run in record.runs),
        precision=cell.precision,
        data=OwnData(record.source.dataset, "") if registry.tasks[cell.task].dataset == OWN_DATA else None,
    )


def _defaults(cell: Cell, registry: Registry) -> dict[str, Any]:
    """The options of a row for which nothing is set: the method's at this profile, and those of dropping patches."""
    spec = registry.methods[cell.method]
    own = {**spec.config().model_dump(mode="json"), **spec.scaled.get(cell.profile, {})}
    return {**PixelOptions().model_dump(mode="json"), **own}


def _overrides(target: str, recipe: Recipe, default: Recipe) -> list[str]:
    """In the order in which the recipe's name has them."""
    theirs, ours = ({**dict(each), **each.model_dump(mode="json")} for each in (recipe, default))
    changed = [name for name in theirs if name != "name" and theirs[name] != ours[name]]
    named = re.findall(r"(\w+)=", recipe.name)
    ordered = sorted(changed, key=lambda name: named.index(name) if name in named else len(named))
    return [f"{target}.{name}={_one(_as_named(name, theirs[name], recipe))}" for name in ordered]


def _as_named(name: str, value: Any, recipe: Recipe) -> Any:
    """A whole number without a point where the recipe's name has it so."""
    whole = isinstance(value, float) and value.is_integer() and re.search(rf"\b{name}={int(value)}[,)]", recipe.name)
    return int(value) if whole else value


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
    apart = {"provenance", "leaks"}
    given = theirs.model_dump(exclude=apart)
    for name, value in ours.model_dump(exclude=apart).items():
        there = given.get(name)
        expect(there == value, f"its source has {name} {str(there)[:64]}, the one here {str(value)[:64]}")


def check_numbers(record: Record, registry: Registry) -> None:
    """Hold the numbers of a finished record against each other, its recipe and its task, without any data.

    Raises:
        UsageError: seeds, curves, updates, scores or jobs that do not agree.
    """
    _check_seeds(record)
    for run in record.runs:
        _check_run(run, record, registry)
    keys = {key for run in record.runs for found in run.jobs.values() for key in found}
    expect(keys == set(record.jobs), "its jobs are not those of its runs")


def _check_run(run: Run, record: Record, registry: Registry) -> None:
    cell, source = record.cell, record.source
    numbers = [run.score, *(value for point in run.curve for value in point.values())]
    expect(all(math.isfinite(number) for number in numbers), f"seed {run.seed} has numbers that are not finite")
    expect(run.metrics.get(cell.metric) == run.score, f"seed {run.seed}: score and metrics disagree")
    recipe, trains = cell.recipe.for_samples(run.samples), registry.tasks[cell.task].trains
    epochs = recipe.epochs if trains else 0
    expect(len(run.curve) == epochs, f"seed {run.seed}: the curve has {len(run.curve)} epochs")
    steps = -(-run.samples // recipe.batch_size) * epochs
    expect(run.updates == steps, f"seed {run.seed}: {run.updates} updates; the recipe takes {steps}")
    check_scores(run, registry.tasks[cell.task].evaluator, source.test_samples)


def _check_jobs(record: Record, made: Plan) -> None:
    expect(all(made.jobs[key].kind == facts.kind for key, facts in record.jobs.items()), "a job is of another kind")
    expect(all(math.isfinite(f.wall_s) and f.wall_s >= 0 for f in record.jobs.values()), "a job took no possible time")
