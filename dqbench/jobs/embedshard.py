"""Job ``embedshard``: the observer's penultimate features of every image of one shard, and the images' classes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.data.image_shards import images_of, read_samples
from dqbench.data.shards import Shard
from dqbench.jobs.inputs import load_net, save_arrays
from dqbench.jobs.job import Context
from dqbench.jobs.observeshards import STATISTICS
from dqbench.train.predict import predict


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save features (n, d), float32, and labels (n,), int64, in the order of the shard."""
    statistics = json.loads((inputs["network"] / STATISTICS).read_text(encoding="utf-8"))
    samples = read_samples(Path(spec["folder"]), Shard.of(spec["shard"]))
    source = images_of(samples, spec["class_names"], spec["side"], statistics)
    net = load_net(spec["arch"], inputs["network"], source, context)
    _, features = predict(
        net, source.images, device=context.device, precision=spec["precision"], mean=source.mean, std=source.std,
        features=True,
    )  # fmt: skip
    save_arrays({"features": features, "labels": source.labels}, out)
    return {"rows": len(source), "feature_width": int(features.shape[1])}
