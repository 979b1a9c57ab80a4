"""Job ``dynamics``: an observer trains by the draws of the usual one and is asked of every sample after each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from dqbench.jobs.inputs import build_net, check_code, decoding_workers, open_source, registry, save_arrays
from dqbench.jobs.job import Context
from dqbench.jobs.teacher import describe
from dqbench.observe.dynamics import MODE
from dqbench.observe.training import Trainer
from dqbench.seeds import training_seed
from dqbench.specs import Recipe
from dqbench.train.setup import Runtime


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save the arrays of :class:`~dqbench.observe.dynamics.Dynamics`, the last logits and features, and the network."""
    source = open_source(spec["source"])
    train = Trainer(
        source=source,
        build=lambda: build_net(spec["arch"], source, context),
        recipe=Recipe(name="", **spec["recipe"]),
        seed=training_seed(spec["seed"], spec["purpose"]),
        device=context.device,
        precision=spec["precision"],
        runtime=Runtime(decoding_workers(context), context.scratch),
        on_start=lambda words: print(words, flush=True),
        watches=True,
    )
    seen = train(None)
    check_code(registry(context).archs[spec["arch"]], spec.get("arch_code", ""), context)
    weights = {name: value.detach().cpu().contiguous() for name, value in seen.net.state_dict().items()}
    save_file(weights, out / "model.safetensors")
    describe(out, spec["arch"], source, code=spec.get("arch_code", ""))
    save_arrays({"logits": seen.logits, "features": seen.features, **seen.course().arrays()}, out)
    accuracy = float(np.mean(seen.logits.argmax(axis=1) == source.labels))
    return {"epochs": len(seen.course()), "mode": MODE, "train_accuracy": 100 * accuracy}
