"""Job ``train``: one network from scratch on a compressed set, or on the whole source where no set is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.torch import save_file
from torch import Tensor

from dqbench import compressed
from dqbench.compressed import Compressed, Distilled
from dqbench.data.source import Source
from dqbench.jobs.inputs import build_net, open_source
from dqbench.jobs.job import Context
from dqbench.specs import Recipe
from dqbench.train.loop import TrainResult, seeded_net, train


@dataclass(frozen=True)
class TrainingSet:
    """What a network is trained on: images (k, h, w, c) uint8, labels (k,), loss weights (k,) or None."""

    images: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    weights: npt.NDArray[np.float64] | None

    @property
    def bytes(self) -> int:
        """Bytes to store it: pixels, labels in the fewest whole bytes, weights as float32."""
        label_bytes = 1 if int(self.labels.max(initial=0)) < 256 else 2
        weight_bytes = 0 if self.weights is None else 4
        return int(self.images.nbytes) + len(self.labels) * (label_bytes + weight_bytes)


def training_set(source: Source, kept: Compressed | None) -> TrainingSet:
    """The images, labels and weights of a compressed set, or of the whole source."""
    if kept is None:
        return TrainingSet(np.asarray(source.images), source.labels, None)
    if isinstance(kept, Distilled):
        return TrainingSet(kept.images, kept.labels, None)
    where = source.positions(kept.ids)
    return TrainingSet(np.asarray(source.images[where]), source.labels[where], kept.weights)


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Train and save the last weights, and on request snapshots; the test set is not opened."""
    source = open_source(spec["source"])
    kept = compressed.load(inputs["kept"]) if "kept" in inputs else None
    data = training_set(source, kept)
    net = seeded_net(lambda: build_net(spec["arch"], source, context), spec["seed"])
    result = train(
        net,
        data.images,
        data.labels,
        Recipe(name="", **spec["recipe"]),
        seed=spec["seed"],
        device=context.device,
        precision=spec["precision"],
        mean=source.mean,
        std=source.std,
        weights=data.weights,
        snapshots=spec["snapshots"],
    )
    _save(net.state_dict(), result, out)
    return {
        "samples": len(data.labels),
        "bytes": data.bytes,
        "updates": result.updates,
        "curve": result.curve,
        "snapshots": [epoch for epoch, _ in result.snapshots],
    }


def _save(weights: Mapping[str, Tensor], result: TrainResult, out: Path) -> None:
    save_file(_contiguous(weights), out / "model.safetensors")
    for epoch, snapshot in result.snapshots:
        save_file(_contiguous(snapshot), out / f"epoch-{epoch}.safetensors")
    (out / "curve.json").write_text(json.dumps(result.curve, indent=1) + "\n")


def _contiguous(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in weights.items()}
