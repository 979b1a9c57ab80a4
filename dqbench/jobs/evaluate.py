"""Job ``evaluate``: opens the test set, once, at the end; only jobs that make test images from it open it, too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench import predictions
from dqbench.data import seal, store
from dqbench.errors import UsageError
from dqbench.jobs.inputs import check_code, load_net, open_source, registry
from dqbench.jobs.job import Context
from dqbench.jobs.metrics import plain_metrics
from dqbench.specs import load_target
from dqbench.train.accuracy import top1 as top1  # job specs name it as this module's

Metrics = dict[str, Any]


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Score the last epoch's network, and every snapshot if there are any, on one reading of the test set.

    What an evaluator returns as ``predictions``, the class of each test image, is kept as a file beside the score.
    """
    source = open_source(spec["source"])
    evaluator = _evaluator(spec, context)
    folders = {role: folder for role, folder in inputs.items() if role != "network"}
    staged = (folders,) if folders else ()

    def score(file: str) -> Metrics:
        net = load_net(spec["arch"], inputs["network"], source, context, file)
        found = evaluator(net, test, source, context.device, spec["precision"], *staged)
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
    }


def _evaluator(spec: Mapping[str, Any], context: Context) -> Any:
    evaluator = load_target(spec["evaluator"])
    if "evaluator_code" in spec:
        task = next(task for task in registry(context).tasks if task.evaluator == spec["evaluator"])
        check_code(task, spec["evaluator_code"], context)
    return evaluator
