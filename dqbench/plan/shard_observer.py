"""Shards of images to features: an observer trained on a draw that fits memory, and a job for each shard."""

from __future__ import annotations

from dataclasses import dataclass

from dqbench.data.shards import Shards
from dqbench.jobs.job import Job, Needs
from dqbench.plan.needs import RATE
from dqbench.specs import ObserverSpec

DRAWN_BYTES = 1 << 30
"""Of decoded images on which the observer is trained at most."""


@dataclass(frozen=True)
class Looking:
    """How images are looked at.

    Attributes:
        observer: architecture and recipe.
        side: in pixels to which images are decoded.
        seed: of the draw and of the observer.
        device: ``cpu`` or ``cuda``.
        code: hash of the architecture's source code, where it is a plugin's.
    """

    observer: ObserverSpec
    side: int
    seed: int
    device: str
    code: str = ""

    @property
    def drawn(self) -> int:
        """Images on which the observer is trained, where there are as many."""
        return DRAWN_BYTES // (3 * self.side**2)


def observer_jobs(shards: Shards, looking: Looking) -> dict[str, Job]:
    """The job that embeds each shard, by its file, and under the empty name the one that trains the observer."""
    drawn = min(looking.drawn, len(shards))
    code = {"arch_code": looking.code} if looking.code else {}
    common = {
        "folder": str(shards.folder), "class_names": list(shards.class_names), "side": looking.side,
        "arch": looking.observer.arch, "precision": "bf16" if looking.device == "cuda" else "fp32",
    }  # fmt: skip
    recipe = looking.observer.recipe
    spec = {
        **common, **code, "shards": [shard.words for shard in shards.shards], "seed": looking.seed, "drawn": drawn,
        "recipe": recipe.model_dump(mode="json", exclude={"name"}),
    }  # fmt: skip
    rate = RATE[looking.device]
    needs = Needs(seconds=drawn * recipe.epochs / rate, gpu_gib=4)
    network = Job("observeshards", spec, {}, f"observer of {drawn:,} images", needs)
    return {"": network} | {
        shard.state.file: Job(
            "embedshard", {**common, "shard": shard.words}, {"network": network.key}, f"features of {shard.state.file}",
            Needs(seconds=shard.rows / 3 / rate, gpu_gib=2),
        )
        for shard in shards.shards
    }  # fmt: skip
