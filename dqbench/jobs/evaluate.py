"""Job ``evaluate``: opens the test set, once, at the end; only jobs that make test images from it open it, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dqbench import compressed, predictions
from dqbench.compressed import Subset
from dqbench.data import seal, store
from dqbench.data.kept import KeptImages
from dqbench.data.source import Source
from dqbench.errors import UsageError
from dqbench.jobs.inputs import check_code, load_net, open_source, registry
from dqbench.jobs.job import Context
from dqbench.jobs.metrics import plain_metrics
from dqbench.jobs.prepare import observed
from dqbench.jobs.rebuilding import decoder_bytes, rebuilder, rebuilding_notes
from dqbench.jobs.stored_bytes import stored_parts
from dqbench.jobs.train import file_sizes, training_data
from dqbench.spec_rules import INPUTS
from dqbench.specs import load_target
from dqbench.train.accuracy import top1 as top1  # job specs name it as this module's

Metrics = dict[str, Any]


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Score the last epoch's network, and every snapshot if there are any, on one reading of the test set.

    A task that trains none scores the kept set itself; then the facts hold what it used of it, as a training's would.
    What an evaluator returns as ``predictions``, the class of each test image, is kept as a file beside the score.
    """
    source = open_source(spec["source"])
    evaluator, trains = _evaluator(spec, context), spec.get("trains", True)
    folders = {role: folder for role, folder in inputs.items() if role not in INPUTS}
    given = _Given.of(spec, inputs, source, context)
    staged = (folders,) if folders else ()

    def score(file: str) -> Metrics:
        nets = (load_net(spec["arch"], inputs["network"], source, context, file),) if trains else ()
        found = evaluator(*nets, test, source, context.device, spec["precision"], *staged, **given.named)
        return plain_metrics(found, spec["metric"], spec["evaluator"])

    with seal.broken() as reads:  # while scoring, too: a stage's evaluator opens the test part of other data
        test = store.open_test(spec["source"]["dataset"], spec["test_per_class"])
        if test.content_hash != spec["test_hash"]:
            raise UsageError(f"the test set of {source.name} changed since this run was planned; run the command again")
        metrics = score("model.safetensors")
        if (predicted := metrics.pop("predictions", None)) is not None:
            predictions.save(predicted, test.labels, source.class_names, test.content_hash, out)
    snapshots = sorted(inputs["network"].glob("epoch-*.safetensors")) if spec["best_epoch"] else []
    scores = [score(path.name)[spec["metric"]] for path in snapshots]
    best = min if spec.get("better") == "lower" else max
    return {
        "score": metrics[spec["metric"]],
        "metrics": metrics,
        "best_epoch_score": best(scores) if scores else None,
        "test_samples": len(test.labels),
        "test_reads": len(reads.names),
        **({} if trains else {"used": given.used}),
    }


@dataclass(frozen=True)
class _Given:
    """What an evaluator asked for, by name, and what it used of the kept set: samples, bytes and notes."""

    named: dict[str, Any]
    used: dict[str, Any]

    @classmethod
    def of(cls, spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source, context: Context) -> _Given:
        needs, named, used = spec.get("needs", ()), dict[str, Any](), dict[str, Any]()
        if "kept" in needs:
            named["kept"], used = _kept(spec, inputs, source, context)
        if "observer" in needs:
            seen = {"observe": inputs["observe"], "network": inputs["observer"]}
            named["observed"] = observed(spec, seen, source, context)
        return cls(named, used)


def _kept(
    spec: Mapping[str, Any], inputs: Mapping[str, Path], source: Source, context: Context
) -> tuple[KeptImages, dict[str, Any]]:
    """The images and labels of a kept set, patches rebuilt, or of the whole source; and what a record says of it."""
    kept = compressed.load(inputs["kept"]) if "kept" in inputs else None
    data = training_data(source, kept, rebuilder(spec, inputs, context))
    where = np.arange(len(source)) if kept is None else source.positions(kept.ids) if isinstance(kept, Subset) else None
    parts = {
        **stored_parts(kept, inputs.get("kept"), data.images, data.labels, file_sizes(source, kept)),
        **decoder_bytes(spec, inputs),
    }
    used = {
        "samples": len(data),
        "bytes": sum(parts.values()),
        "bytes_parts": parts,
        "notes": rebuilding_notes(kept, data.images, source),
        "updates": 0,
        "curve": [],
    }
    return KeptImages(data.images, data.labels, data.weights, where), used


def _evaluator(spec: Mapping[str, Any], context: Context) -> Any:
    evaluator = load_target(spec["evaluator"])
    if "evaluator_code" in spec:
        task = next(task for task in registry(context).tasks if task.evaluator == spec["evaluator"])
        check_code(task, spec["evaluator_code"], context)
    return evaluator
