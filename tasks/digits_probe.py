"""Handwritten digits by a linear probe: the cheap companion of ``digits-xarch`` in the observer's feature space.

No network is trained on what is kept. What the number says and what not: ``dqbench.observe.probes``.
"""

from __future__ import annotations

from dataclasses import replace

from dqbench.specs import Profile, TaskSpec
from dqbench.tasks.digits_xarch import TASK as NETWORKS

SEEDS = 20
"""A seed costs seconds where a network is there already, so that many are planned: in four blocks of five."""


def probed(profile: Profile, seeds: int, blocks: int = 1) -> Profile:
    """The profile of a task that trains networks, as its observer alone scores it."""
    observer = profile.observer
    recipes = {"*": observer.recipe}
    return replace(profile, archs=(observer.arch,), recipes=recipes, seeds=seeds, seed_blocks=blocks, stages=())


TASK = TaskSpec(
    name="digits-probe",
    version=1,
    dataset="digits",
    summary="test accuracy on handwritten digits of a linear probe on the observer's features of what a method keeps",
    metric="top1",
    licence=NETWORKS.licence,
    citation=NETWORKS.citation,
    smoke_leaves_out="18 of 20 seeds, and the keep ratios below 0.05; the data are whole.",
    evaluator="dqbench.observe.probes:ridge",
    needs=("kept", "observer"),
    trains=False,
    profiles={
        "smoke": probed(NETWORKS.profiles["smoke"], 2),
        "proxy": replace(
            probed(NETWORKS.profiles["paper"], SEEDS, 4), keeps=(0.01, 0.02, 0.05, 0.1, 0.3), precision="auto"
        ),
        "quick": probed(NETWORKS.profiles["quick"], 3),
    },
)
"""There is no profile ``paper``: no paper has this protocol."""
