"""A method on features alone, of one part of the data: what jobs on shards share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Subset
from dqbench.compute import computing_on
from dqbench.data.feature_files import checked
from dqbench.data.features import alone
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs.admit import check
from dqbench.jobs.inputs import check_code, registry
from dqbench.jobs.job import Context
from dqbench.observe.given import GivenFeatures
from dqbench.specs import Budget, Config, MethodSpec, load_target


def choose(spec: Mapping[str, Any], values: npt.NDArray[np.floating], keep: int, context: Context) -> Subset:
    """What the method of a job's spec keeps of rows of features; ids are their positions.

    Args:
        spec: the job's: ``method``, ``config``, ``code``, ``budget``, ``seed``, and ``class`` and ``classes``: of which
            of how many classes the rows are.
        values: shape (n, d).
        keep: how many rows.
        context: of the job.

    Raises:
        UsageError: the method needs more than features.
    """
    method_spec = registry(context).methods[spec["method"]]
    config = method_spec.config.model_validate(dict(spec["config"]))
    source = _source(values, spec["class"], spec["classes"])
    per_class = np.zeros(spec["classes"], dtype=np.int64)
    per_class[spec["class"]] = keep
    budget = ResolvedBudget(keep, per_class, Budget(**spec["budget"]))
    hint = f"set {method_spec.name}.embedding=feature" if getattr(config, "embedding", None) == "gradient" else ""
    seen = GivenFeatures(values, source.labels, context.device, method_spec.name, hint)
    with computing_on(context.device, context.scratch):
        prepared = _prepared(method_spec, config, source, seen, budget, spec, context)
        kept = _made(method_spec, config, spec, context).compress(source, prepared, budget, spec["seed"])
    check(kept, source, budget, method_spec, config)
    if not isinstance(kept, Subset):
        raise UsageError(f"{method_spec.name} chose no samples; of shards, samples are chosen")
    return kept


def method_of(spec: Mapping[str, Any], context: Context) -> Any:
    """The method of a job's spec, with the options as they were given."""
    method_spec = registry(context).methods[spec["method"]]
    return _made(method_spec, method_spec.config.model_validate(dict(spec["config"])), spec, context)


def _source(values: npt.NDArray[np.floating], number: int, classes: int) -> Source:
    """The rows as samples of one of several classes, so that what a method draws for its class is the same."""
    names = tuple(str(one) for one in range(classes))
    labels = np.full(len(values), number, dtype=np.int64)
    return replace(alone(checked(values, "the part")), labels=labels, class_names=names)


def _prepared(
    spec: MethodSpec,
    config: Config,
    source: Source,
    seen: GivenFeatures,
    budget: ResolvedBudget,
    words: Mapping[str, Any],
    context: Context,
) -> Any:
    prepared: Any = None
    for each, options in registry(context).preparations(spec, config):
        if options.trainings():
            seen.lacks("observers that it trains on the images")
        extra: dict[str, Any] = {} if prepared is None else {"prior": prepared}
        if each.stops and each is spec:
            extra["largest"] = budget
        prepared = _made(each, options, words, context).prepare(source, seen, words["seed"], **extra)
    return prepared


def _made(spec: MethodSpec, config: Config, words: Mapping[str, Any], context: Context) -> Any:
    made = load_target(spec.target)(config)
    if spec.name == words["method"]:
        check_code(spec, words.get("code", ""), context)
    return made
