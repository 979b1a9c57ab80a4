"""Job ``observe``: what the trained observer says of every sample of the source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dqbench.jobs.inputs import load_net, open_source, save_arrays
from dqbench.jobs.job import Context
from dqbench.train.predict import predict


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save penultimate features (n, d) and logits (n, classes), float32, in the source's order."""
    source = open_source(spec["source"])
    net = load_net(spec["arch"], inputs["network"], source, context)
    logits, features = predict(
        net,
        source.images,
        device=context.device,
        precision=spec["precision"],
        mean=source.mean,
        std=source.std,
        features=True,
    )
    save_arrays({"logits": logits, "features": features}, out)
    accuracy = float(np.mean(logits.argmax(axis=1) == source.labels))
    return {"train_accuracy": 100 * accuracy, "feature_width": int(features.shape[1])}
