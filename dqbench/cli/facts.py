"""Specs as plain facts (JSON values), for ``list`` and ``show``."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dqbench.pixels.options import PixelOptions
from dqbench.plugins import Origin
from dqbench.plurals import plural
from dqbench.specs import ArchSpec, DatasetSpec, MethodSpec, Profile, Recipe, Stage, TaskSpec

Facts = dict[str, Any]


def of(spec: MethodSpec | TaskSpec | DatasetSpec | ArchSpec, origin: Origin) -> Facts:
    """All that ``dqbench show`` prints of a spec."""
    told = {MethodSpec: method, TaskSpec: task, DatasetSpec: dataset, ArchSpec: arch}
    return {**told[type(spec)](spec), "from": str(origin), "plugin": origin.plugin}  # type: ignore[operator]


def method(spec: MethodSpec) -> Facts:
    """A method's facts."""
    return {
        "name": spec.name,
        "summary": spec.summary,
        "kind": spec.kind,
        "version": spec.version,
        "paper": spec.paper,
        "needs": list(spec.needs),
        "labels": list(spec.labels),
        "builds_on": spec.builds_on,
        "control_of": spec.control_of,
        "keeps": spec.keeps,
        "cost": spec.cost,
        "differs": spec.differs,
        "starts_from": [f"{profile}: {_plain(start)[1:-1]}" for profile, start in spec.scaled.items()],
        "options": options(spec.config, spec.compress_only) + pixel_options(spec),
        "target": spec.target,
    }


def task(spec: TaskSpec) -> Facts:
    """A task's facts."""
    return {
        "name": spec.name,
        "summary": spec.summary,
        "version": spec.version,
        "dataset": spec.dataset,
        "metric": spec.metric,
        "paper": spec.paper,
        "licence": spec.licence,
        "citation": spec.citation,
        "superseded_by": spec.superseded_by,
        "smoke_leaves_out": spec.smoke_leaves_out,
        "published": published(spec.name),
        "profiles": {name: profile(p) for name, p in spec.profiles.items()},
    }


def published(task: str) -> list[str]:
    """The published results of a task, a line per paper and table."""
    from dqbench.board.published import load

    methods: dict[str, list[str]] = {}
    for result in load().results:
        if result.task == task:
            methods.setdefault(f"{result.paper}, {result.table}", []).append(result.method)
    return [f"{place}: {plural(len(of), 'result')} of {', '.join(dict.fromkeys(of))}" for place, of in methods.items()]


def profile(spec: Profile) -> Facts:
    """A profile's facts."""
    return {
        "dataset": spec.dataset,
        "archs": list(spec.archs),
        "keeps": list(spec.keeps),
        "ipcs": list(spec.ipcs),
        "seeds": spec.seeds,
        "seed_blocks": spec.seed_blocks,
        "precision": spec.precision,
        "train_per_class": spec.train_per_class,
        "test_per_class": spec.test_per_class,
        "recipes": {arch: recipe(r) for arch, r in spec.recipes.items()},
        "observer": {"arch": spec.observer.arch, "recipe": recipe(spec.observer.recipe)},
        "stages": stages(spec.stages),
    }


def stages(specs: Sequence[Stage]) -> list[str]:
    """What the stages do, in words; those that differ in the values of options alone together."""
    alike: dict[tuple[object, ...], list[Stage]] = {}
    for spec in specs:
        alike.setdefault((spec.kind, spec.after_training, spec.dataset, spec.stand_in, *spec.options), []).append(spec)
    return [_alike(group) for group in alike.values()]


def _alike(group: Sequence[Stage]) -> str:
    first = group[0]
    reads = f" with {first.dataset}" if first.dataset else ""
    otherwise = f", else {first.stand_in}" if first.stand_in else ""
    when = "after" if first.after_training else "beside"
    values = {name: list(dict.fromkeys(_plain(spec.options[name]) for spec in group)) for name in first.options}
    options = "; ".join(f"{name}={', '.join(found)}" for name, found in values.items())
    return f"{first.kind} {when} training{reads}{otherwise}; {options}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={_plain(inner)}" for name, inner in value.items()) + "}"
    return str(value)


def recipe(spec: Recipe) -> Facts:
    """A recipe's fields."""
    return spec.model_dump(mode="json")


def dataset(spec: DatasetSpec) -> Facts:
    """A data set's facts."""
    return {
        "name": spec.name,
        "summary": spec.summary,
        "classes": spec.classes,
        "shape": list(spec.shape),
        "train": spec.counts[0] or None,
        "test": spec.counts[1] or None,
        "origin": spec.origin,
        "licence": spec.licence,
        "citation": spec.citation,
        "class_names": list(spec.class_names),
        "class_titles": list(spec.class_titles),
    }


def arch(spec: ArchSpec) -> Facts:
    """An architecture's facts."""
    return {
        "name": spec.name,
        "summary": spec.summary,
        "version": spec.version,
        "sizes": list(spec.sizes),
        "source": spec.source,
        "target": spec.target,
    }


def options(config: type[BaseModel], compress_only: Iterable[str]) -> list[Facts]:
    """The options of a method: name, type, range, default and meaning."""
    late = set(compress_only)
    return [
        {
            "name": name,
            "type": type_name(field.annotation),
            "range": _range(field),
            "default": field.get_default(call_default_factory=True) if not field.is_required() else None,
            "required": field.is_required(),
            "compress_only": name in late,
            "meaning": field.description or "",
        }
        for name, field in config.model_fields.items()
    ]


def pixel_options(spec: MethodSpec) -> list[Facts]:
    """The options of dropping patches, which dqbench adds to all methods that keep samples; a method's own go first."""
    if spec.kind == "distillation":
        return []
    own = spec.config.model_fields
    return [{**option, "added": True} for option in options(PixelOptions, ()) if option["name"] not in own]


def type_name(annotation: Any) -> str:
    """A type as a user reads it: ``Literal["a", "b"] | None`` is ``a | b | none``."""
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in (None, type(None)):
        return "none"
    if origin is Literal:
        return " | ".join(str(value) for value in args)
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(part) for part in args)
    if origin in (tuple, list):
        return f"list of {type_name(args[0])}"
    return str(getattr(annotation, "__name__", annotation))


def _range(field: FieldInfo) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    bounds = [(sign, getattr(m, key, None)) for m in field.metadata for key, sign in signs.items()]
    return ", ".join(f"{sign} {bound}" for sign, bound in bounds if bound is not None)
