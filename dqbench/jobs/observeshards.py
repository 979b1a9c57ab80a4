"""Job ``observeshards``: an observer of shards of images, trained on a uniform draw that fits memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from dqbench.data.form_files import Sample
from dqbench.data.image_shards import images_of, read_samples
from dqbench.data.shards import Shard
from dqbench.jobs.inputs import build_net, check_code, registry
from dqbench.jobs.job import Context
from dqbench.jobs.teacher import describe
from dqbench.observe.training import Trainer
from dqbench.seeds import OBSERVER, generator, training_seed
from dqbench.specs import Recipe
from dqbench.train.setup import Runtime

STATISTICS = "statistics.json"


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save the network, and the channel statistics that it normalises by."""
    source = images_of(_drawn(spec), spec["class_names"], spec["side"])
    trainer = Trainer(
        source=source,
        build=lambda: build_net(spec["arch"], source, context),
        recipe=Recipe(name="", **spec["recipe"]),
        seed=training_seed(spec["seed"], OBSERVER),
        device=context.device,
        precision=spec["precision"],
        runtime=Runtime(scratch=context.scratch),
    )
    observed = trainer(None)
    check_code(registry(context).archs[spec["arch"]], spec.get("arch_code", ""), context)
    weights = observed.network().state_dict()
    save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, out / "model.safetensors")
    describe(out, spec["arch"], source, code=spec.get("arch_code", ""))
    statistics = {"mean": source.mean.tolist(), "std": source.std.tolist()}
    (out / STATISTICS).write_text(json.dumps(statistics) + "\n", encoding="utf-8")
    accuracy = float(np.mean(observed.logits.argmax(axis=1) == source.labels))
    return {"samples": len(source), "train_accuracy": 100 * accuracy, "feature_width": int(observed.features.shape[1])}


def _drawn(spec: Mapping[str, Any]) -> list[Sample]:
    """The images of the draw, read shard after shard: bytes of no more than one shard are held beside them."""
    shards = [Shard.of(words) for words in spec["shards"]]
    total = sum(shard.rows for shard in shards)
    rows = np.sort(generator(spec["seed"], "observed-rows").permutation(total)[: spec["drawn"]])
    found: list[Sample] = []
    for shard in shards:
        places = rows[(rows >= shard.first) & (rows < shard.first + shard.rows)] - shard.first
        if len(places):
            samples = read_samples(Path(spec["folder"]), shard)
            found += [samples[place] for place in places.tolist()]
    return found
