"""Job ``pretrain``: a small MAE on the source itself, which rebuilds dropped patches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench.data.lazy import in_memory
from dqbench.jobs.inputs import open_source
from dqbench.jobs.job import Context
from dqbench.pixels import mae
from dqbench.specs import Recipe


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Train it and save it as a folder of transformers' form."""
    source = open_source(spec["source"])
    return mae.pretrain(
        in_memory(source.images, "pretraining an MAE"),
        source.mean,
        source.std,
        spec["patch_size"],
        Recipe(name="", **spec["recipe"]),
        out,
        seed=spec["seed"],
        device=context.device,
        precision=spec["precision"],
    )
