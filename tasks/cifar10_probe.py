"""CIFAR-10 by a linear probe: the cheap companion of ``cifar10-xarch`` in the observer's feature space.

The observers are those of ``cifar10-xarch``, by the same jobs, and no network is trained on what is kept. What the
number says and what not: ``dqbench.observe.probes``.
"""

from __future__ import annotations

from dataclasses import replace

from dqbench.specs import TaskSpec
from dqbench.tasks.cifar10_xarch import TASK as NETWORKS
from dqbench.tasks.digits_probe import SEEDS, probed

TASK = TaskSpec(
    name="cifar10-probe",
    version=1,
    dataset="cifar10",
    summary="CIFAR-10 test accuracy of a linear probe on the observer's features of what a method keeps",
    metric="top1",
    licence=NETWORKS.licence,
    citation=NETWORKS.citation,
    smoke_leaves_out=(
        "250 of 5,000 training and 200 of 1,000 test images per class; a small observer that trains for 8 epochs; 2 "
        "seeds instead of 20. It shows that the road works, not which method wins."
    ),
    evaluator="dqbench.observe.probes:ridge",
    needs=("kept", "observer"),
    trains=False,
    profiles={
        "smoke": probed(NETWORKS.profiles["smoke"], 2),
        "proxy": replace(probed(NETWORKS.profiles["proxy"], SEEDS, 4), keeps=(0.001, 0.002, 0.005, 0.01)),
        "quick": probed(NETWORKS.profiles["quick"], 3),
    },
)
"""At ``proxy`` the keep ratios are small: at 0.05 a random sample has the score of the whole set. There is no profile
``paper``: no paper has this protocol."""
