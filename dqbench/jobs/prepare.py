"""Job ``prepare``: the part of a method that no budget changes, e.g. DQ's bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.compute import computing_on
from dqbench.data.source import Source
from dqbench.data.text_source import TextSource
from dqbench.jobs.inputs import (
    build_net,
    check_network_code,
    decoding_workers,
    load_arrays,
    load_net,
    make_method,
    open_samples,
    open_source,
    save_arrays,
)
from dqbench.jobs.job import Context
from dqbench.observe.dynamics import Dynamics
from dqbench.observe.observed import Observed
from dqbench.observe.texts import ObservedTexts
from dqbench.observe.training import Trainer
from dqbench.seeds import OBSERVER, training_seed
from dqbench.specs import Recipe
from dqbench.train.setup import Runtime


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Call the method's ``prepare`` and save the arrays that it returns."""
    source = open_samples(spec["source"])
    method = make_method(spec, context)
    seen = (
        texts_observed(inputs, context)
        if isinstance(source, TextSource)
        else all_observed(spec, inputs, source, context)
    )
    more: dict[str, Any] = {"prior": load_arrays(inputs["prior"])} if "prior" in inputs else {}
    if "observer_recipe" in spec:
        more["train"] = trainer(spec, inputs, open_source(spec["source"]), context, "dynamics" in inputs)
    with computing_on(context.device, context.scratch):
        prepared = method.prepare(source, seen, spec["seed"], **more)
    save_arrays(prepared, out)
    return {"arrays": sorted(prepared)}


def texts_observed(inputs: Mapping[str, Path], context: Context) -> ObservedTexts:
    """The view of texts, from the job's inputs ``embed`` and ``losses``, which are read when they are asked for."""
    return ObservedTexts(
        embeddings=lambda: np.asarray(load_arrays(inputs["embed"])["features"]),
        read=lambda: load_arrays(inputs["losses"]),
        device=context.device,
    )


def all_observed(
    spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source, context: Context
) -> Observed | None:
    """What the job's observers say, the first with the others as its ``repeats``; None where it has none."""
    views: list[Observed] = []
    for which in ("", *(f"_{number}" for number in range(1, len(inputs)))):
        if f"dynamics{which}" in inputs:
            folder = inputs[f"dynamics{which}"]
            one = observed(spec, {"observe": folder, "network": folder}, source, context)
            views.append(replace(one, dynamics=Dynamics.from_arrays(load_arrays(folder))))
        elif f"observe{which}" in inputs:
            folders = {role: inputs[f"{role}{which}"] for role in ("observe", "network")}
            views.append(observed(spec, folders, source, context))
    return replace(views[0], repeats=tuple(views[1:])) if views else None


def observed(spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source, context: Context) -> Observed:
    """The observer's view of the source, from the job's inputs ``observe`` and ``network``."""
    arrays = load_arrays(inputs["observe"])
    return Observed(
        features=arrays["features"],
        logits=arrays["logits"],
        labels=source.labels,
        device=context.device,
        network=cache(lambda: load_net(spec["observer_arch"], inputs["network"], source, context)),
        mean=source.mean,
        std=source.std,
    )


def trainer(
    spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source, context: Context, watches: bool
) -> Trainer:
    """What trains observers like that of the job's input ``network`` or ``dynamics`` on parts of the source."""
    check_network_code(spec["observer_arch"], inputs["dynamics" if watches else "network"], context)
    return Trainer(
        source=source,
        build=lambda: build_net(spec["observer_arch"], source, context),
        recipe=Recipe(name="", **spec["observer_recipe"]),
        seed=training_seed(spec["seed"], OBSERVER),
        device=context.device,
        precision=spec["precision"],
        runtime=Runtime(decoding_workers(context), context.scratch),
        on_start=lambda words: print(words, flush=True),
        watches=watches,
    )
