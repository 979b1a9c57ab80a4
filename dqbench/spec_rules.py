"""What a spec must be so that everything after it can rely on it; checked when plugins are loaded. Imports no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from dqbench.errors import PluginError, UsageError, explain
from dqbench.precision import WANTED
from dqbench.specs import (
    OWN_DATA,
    REGIMES,
    ArchSpec,
    Budget,
    Config,
    Data,
    DatasetSpec,
    JobSpec,
    MethodKind,
    MethodSpec,
    ObserverSpec,
    Profile,
    Recipe,
    Stage,
    TaskSpec,
)

Spec = MethodSpec | TaskSpec | DatasetSpec | ArchSpec | JobSpec

TASK_NEEDS = ("kept", "observer")
"""What an evaluator may ask for."""

ROLES = (
    "train", "relabel", "observe", "dynamics", "prepare", "compress", "evaluate", "pixels", "pretrain", "corrupt",
    "finetune", "pretrained", "tokenize", "embed", "trainlm", "losses", "scorelm", "benchmark", "observer", "teacher",
    "scored_by",
)  # fmt: skip
"""Names of dqbench's own kinds of jobs, and of what they are to a cell."""

INPUTS = ("network", "kept", "observer", "observe", "decoder")
"""Roles of what an evaluation reads besides the folders of stages."""

NEEDS = ("observer", "dynamics", "losses")
"""What a method may ask for."""

LONGEST = 64
"""Characters of a name, which becomes part of file names."""

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_METHOD = re.compile(rf"{_KEBAB.pattern}(:\w+)?")  # after the colon, the name that another library gives it
_DATASET = re.compile(r"[a-z0-9][a-z0-9_-]*")
_METRIC = re.compile(r"[A-Za-z][\w.@-]*")
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_RESERVED = {
    "full": "the whole source",
    "observer": "--set observer",
    "recipe": "--set recipe",
    "data": "--set data",
    OWN_DATA: "--data",
}


def kind_of(spec: Spec) -> str:
    """What a spec is, in a word."""
    words = {
        MethodSpec: "method",
        TaskSpec: "task",
        DatasetSpec: "data set",
        ArchSpec: "architecture",
        JobSpec: "kind of job",
    }
    return words[type(spec)]


def check_spec(spec: Spec) -> None:
    """Refuse a spec that something later would stumble over.

    Raises:
        PluginError: the first thing that is wrong, with its value.
    """
    fault = next(faults(spec), None)
    if fault is not None:
        raise PluginError(fault)


def faults(spec: Spec) -> Iterator[str]:
    """Everything that is wrong with a spec, in words."""
    patterns = {DatasetSpec: _DATASET, MethodSpec: _METHOD}
    yield from _name(spec.name, patterns.get(type(spec), _KEBAB))
    yield from _texts(spec, "summary")
    rules: Mapping[type, Callable[[Any], Iterator[str]]] = {
        MethodSpec: _method, TaskSpec: _task, DatasetSpec: _dataset, ArchSpec: _arch, JobSpec: _job,
    }  # fmt: skip
    yield from rules[type(spec)](spec)


def _name(name: Any, form: re.Pattern[str], what: str = "the name") -> Iterator[str]:
    if not isinstance(name, str) or not form.fullmatch(name) or len(name) > LONGEST:
        yield f"{what} {name!r} is not kebab-case; take at most {LONGEST} small letters and digits with - between"
    elif name in _RESERVED:
        yield f"{what} {name!r} stands for {_RESERVED[name]}; take another"


def _texts(spec: Any, *names: str) -> Iterator[str]:
    for name in names:
        if not isinstance(getattr(spec, name), str):
            yield f"{name}={getattr(spec, name)!r} is no text"


def _target(name: str, target: Any) -> Iterator[str]:
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        yield f"{name}={target!r} is not 'module:attribute'"


def _whole(spec: Any, name: str, least: int = 1) -> Iterator[str]:
    value = getattr(spec, name)
    if not _is_whole(value, least):
        yield f"{name}={value!r} is no whole number from {least} up"


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _positive(spec: Any, name: str, zero: bool = False) -> Iterator[str]:
    value = getattr(spec, name)
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    if not fits or (value == 0 and not zero):
        yield f"{name}={value!r} is no {'number from 0 up' if zero else 'positive number'}"


def _among(spec: Any, name: str, known: tuple[Any, ...]) -> Iterator[str]:
    if getattr(spec, name) not in known:
        yield f"{name}={getattr(spec, name)!r} is none of {', '.join(map(repr, known))}"


def _all_among(spec: Any, name: str, known: tuple[str, ...], may_be_empty: bool) -> Iterator[str]:
    values = getattr(spec, name)
    if not isinstance(values, tuple | list) or not set(values) <= set(known):
        yield f"{name}={values!r} is no tuple of {', '.join(map(repr, known))}"
    elif not values and not may_be_empty:
        yield f"{name} is empty"


def _method(spec: MethodSpec) -> Iterator[str]:
    yield from _target("target", spec.target)
    yield from _whole(spec, "version")
    yield from _texts(spec, "paper", "differs", "keeps", "cost", "wraps")
    yield from _among(spec, "kind", get_args(MethodKind))
    yield from _all_among(spec, "labels", REGIMES, may_be_empty=False)
    yield from _all_among(spec, "needs", NEEDS, may_be_empty=True)
    yield from _all_among(spec, "data", get_args(Data), may_be_empty=False)
    yield from _among(spec, "makes", ("", "uint8", "float32"))
    yield from _positive(spec, "gpu_gib", zero=True)
    for name in ("builds_on", "control_of"):
        yield from _name(getattr(spec, name), _KEBAB, name) if getattr(spec, name) is not None else ()
    yield from _config(spec)


def _config(spec: Any) -> Iterator[str]:
    if not (isinstance(spec.config, type) and issubclass(spec.config, Config)):
        yield f"config={getattr(spec.config, '__name__', spec.config)!r} is no subclass of dqbench.Config"
        return
    fields = spec.config.model_fields
    required = [name for name, option in fields.items() if option.is_required()]
    if isinstance(spec, MethodSpec) and spec.wraps and spec.wraps not in fields:
        yield f"wraps={spec.wraps!r} is no option of {spec.config.__name__}"
    if required:
        yield f"option {required[0]!r} has no default; every option needs one"
        return
    unknown = sorted(set(spec.compress_only) - set(fields))
    if unknown:
        yield f"compress_only names {unknown[0]!r}, which is no option"
    for profile, start in {"the defaults": {}, **spec.scaled, "texts": spec.on_texts}.items():
        try:
            json.dumps(spec.config.model_validate(dict(start)).model_dump(mode="json"), allow_nan=False)
        except (ValidationError, ValueError, TypeError) as error:
            why = explain(error, "") if isinstance(error, ValidationError) else str(error).splitlines()[0]
            yield f"its options do not work with {profile}: {why}"


def _task(spec: TaskSpec) -> Iterator[str]:
    yield from _whole(spec, "version")
    yield from _texts(spec, "licence", "citation", "smoke_leaves_out", "paper")
    yield from _target("evaluator", spec.evaluator)
    if spec.dataset != OWN_DATA:
        yield from _name(spec.dataset, _DATASET, "dataset")
    if not isinstance(spec.metric, str) or not _METRIC.fullmatch(spec.metric):
        yield f"metric={spec.metric!r} is no plain word, such as top1"
    try:
        spec.measure  # noqa: B018
    except (ValueError, TypeError) as error:
        yield str(error)
    yield from _all_among(spec, "needs", TASK_NEEDS, may_be_empty=True)
    yield from _among(spec, "trains", (True, False))
    if not spec.trains and not {*TASK_NEEDS} <= {*spec.needs}:
        yield "trains=False leaves nothing to score with; say needs=('kept', 'observer')"
    if not isinstance(spec.profiles, Mapping) or not spec.profiles:
        yield "it has no profiles; give at least one, e.g. {'smoke': Profile(...)}"
        return
    for name, profile in spec.profiles.items():
        found = [*_name(name, _KEBAB, "the profile's name"), *_profile(profile)]
        found += [] if found or spec.trains else _untrained(profile)
        yield from (f"profile {name!r}: {fault}" for fault in found)


def _profile(profile: Any) -> Iterator[str]:
    if not isinstance(profile, Profile):
        yield f"{profile!r} is no dqbench.Profile"
        return
    yield from _archs_and_recipes(profile)
    yield from _budgets(profile)
    for name in ("seeds", "threads"):
        yield from _whole(profile, name)
    for name in ("train_per_class", "test_per_class"):
        yield from _whole(profile, name) if getattr(profile, name) is not None else ()
    yield from _positive(profile, "time_limit_s")
    yield from _among(profile, "precision", (None, *WANTED))
    yield from _stages(profile)


def _stages(profile: Any) -> Iterator[str]:
    if not isinstance(profile.stages, tuple | list):
        yield f"stages={profile.stages!r} is no tuple of dqbench.Stage"
        return
    for stage in profile.stages:
        yield from _stage(stage)
    roles = [stage.role for stage in profile.stages if isinstance(stage, Stage)]
    twice = next((role for role in roles if roles.count(role) > 1), None)
    if twice is not None:
        yield f"two stages have the role {twice!r}, under which the evaluator gets one folder"


def _untrained(profile: Profile) -> Iterator[str]:
    if tuple(profile.archs) != (profile.observer.arch,):
        yield f"archs={profile.archs!r} is not ({profile.observer.arch!r},), the observer's, which alone scores"
    for stage in profile.stages:
        if stage.after_training:
            yield f"stage {stage.role!r} goes on from a trained network, and the task trains none"


def _archs_and_recipes(profile: Any) -> Iterator[str]:
    if isinstance(profile.archs, str) or not profile.archs:
        yield f"archs={profile.archs!r} is no tuple of names"
        return
    lacking = [name for name in profile.archs if name not in profile.recipes and "*" not in profile.recipes]
    if lacking:
        yield f"recipes has none for {lacking[0]}; give one, or '*' for the rest"
    if not isinstance(profile.observer, ObserverSpec):
        yield f"observer={profile.observer!r} is no dqbench.ObserverSpec"
        return
    for recipe in (*profile.recipes.values(), profile.observer.recipe):
        if type(recipe) is not Recipe:
            yield f"{recipe!r} is no dqbench.Recipe"


def _budgets(profile: Any) -> Iterator[str]:
    try:
        budgets = [*map(Budget.ratio, profile.keeps), *map(Budget.ipc, profile.ipcs)]
    except (UsageError, TypeError) as error:
        yield str(error)
        return
    if not budgets:
        yield "it has neither keeps nor ipcs"


def _stage(stage: Any) -> Iterator[str]:
    if not isinstance(stage, Stage):
        yield f"{stage!r} is no dqbench.specs.Stage"
        return
    if not stage.role.isidentifier() or stage.role in INPUTS:
        yield f"stage role {stage.role!r} is no plain word, or is taken"
    try:
        json.dumps(dict(stage.options), allow_nan=False)
    except (TypeError, ValueError):
        yield f"options of stage {stage.role!r} are no JSON values: {stage.options!r}"
    if stage.check:
        yield from _target("check", stage.check)


def _dataset(spec: DatasetSpec) -> Iterator[str]:
    yield from _texts(spec, "licence", "citation")
    yield from _among(spec, "origin", ("bundled", "download", "import"))
    yield from _among(spec, "form", ("arrays", "files", "texts"))
    for name in ("target",) if spec.origin != "import" else ():
        yield from _target(name, spec.target)
    for name in ("layout", "class_list"):
        yield from _target(name, getattr(spec, name)) if getattr(spec, name) else ()
    if len(tuple(spec.counts)) != 2 or not all(_is_whole(count, 0) for count in spec.counts):
        yield f"counts={spec.counts!r} is not (training samples, test samples)"
    yield from _of_texts(spec) if spec.form == "texts" else _of_images(spec)


def _of_texts(spec: DatasetSpec) -> Iterator[str]:
    if spec.classes or spec.class_names or tuple(spec.shape) != (0, 0, 0) or spec.origin != "import":
        yield "texts have no classes and the shape (0, 0, 0), and come by an import"


def _of_images(spec: DatasetSpec) -> Iterator[str]:
    yield from _whole(spec, "classes")
    shape = tuple(spec.shape)
    if len(shape) != 3 or not all(_is_whole(side, 1) for side in shape) or shape[2] not in (1, 3):
        yield f"shape={spec.shape!r} is not (height, width, channels) with 1 or 3 channels"
    if spec.class_names and len(spec.class_names) != spec.classes:
        yield f"{len(spec.class_names)} class names do not fit classes={spec.classes}"


def _job(spec: JobSpec) -> Iterator[str]:
    yield from _target("target", spec.target)
    yield from _whole(spec, "version")
    yield from _among(spec, "reads_test", (True, False))
    if spec.name in ROLES:
        yield f"the name {spec.name!r} is that of a job or role of dqbench's own; take another"


def _arch(spec: ArchSpec) -> Iterator[str]:
    yield from _target("target", spec.target)
    yield from _whole(spec, "version")
    yield from _texts(spec, "source")
    yield from _among(spec, "data", get_args(Data))
    if spec.data == "texts":
        return
    sizes = tuple(spec.sizes) if isinstance(spec.sizes, tuple | list | range) else ()
    if not sizes or not all(_is_whole(side, 1) for side in sizes):
        yield f"sizes={spec.sizes!r} is no tuple of image sides in pixels"
