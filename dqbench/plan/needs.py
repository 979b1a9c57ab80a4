"""What a job asks of the machine: guesses, until jobs like it were measured. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dqbench.jobs.job import Needs
from dqbench.plan.task_at_profile import TaskFacts
from dqbench.specs import passes_per_step

RATE = {"cpu": 1500.0, "cuda": 20_000.0}
"""Images per second: the guess of costs where nothing like was measured."""

_EFFORT = {
    "train": 1.0,
    "relabel": 1 / 3,
    "observe": 1 / 3,
    "dynamics": 4 / 3,
    "evaluate": 1 / 3,
    "prepare": 1.0,
    "compress": 0.0,
}
"""Of one image, as a share of training on it: what has no backward pass takes a third."""

_GPU_GIB = {"train": 4.0, "relabel": 2.0, "observe": 2.0, "evaluate": 2.0}

_GIB_PER_IMAGE = 0.12
"""Of activations, for each image of a pass at 224 px."""


def guessed_needs(facts: TaskFacts, kind: str, spec: Mapping[str, Any], images: float) -> Needs:
    """The needs of a job of this kind that goes through so many images."""
    return Needs(
        threads=facts.profile.threads,
        gpu_gib=facts.registry.methods[spec["method"]].gpu_gib if "method" in spec else _gpu_gib(facts, kind, spec),
        seconds=0.1 + images * _EFFORT.get(kind, 1.0) / RATE[facts.device],
        time_limit_s=facts.profile.time_limit_s,
        images=images,
        devices=passes_per_step(spec["recipe"]) if kind == "train" else 1,
    )


def _gpu_gib(facts: TaskFacts, kind: str, spec: Mapping[str, Any]) -> float:
    pixels = (facts.info.shape[0] / 224) ** 2
    usual = _GPU_GIB.get(kind, 4.0)
    if kind != "train" or "timm" not in spec["recipe"]:
        return max(usual, 8.0 * pixels)
    images = spec["recipe"]["timm"]["pass_size"] or spec["recipe"]["batch_size"]
    return usual + _GIB_PER_IMAGE * pixels * float(images * spec["recipe"]["timm"]["splits"])
