"""Tiny ImageNet across architectures: 200 classes of ImageNet at 64 px, 500 training images each.

RDED's Table 2 has it with 1, 10 and 50 images per class. Its validation images are the test set.
"""

from __future__ import annotations

from dqbench.specs import ObserverSpec, Profile, TaskSpec
from dqbench.train.recipes import PHOTOS_100, PHOTOS_QUICK, PHOTOS_SMOKE, RDED_300_B100

TASK = TaskSpec(
    name="tinyimagenet-xarch",
    version=1,
    dataset="tinyimagenet",
    summary="Tiny ImageNet accuracy of networks trained from scratch on what a method keeps, across architectures",
    metric="top1",
    paper="On the Diversity and Realism of Distilled Dataset (RDED, CVPR 2024), Table 2",
    licence="ImageNet's terms, for non-commercial research",
    citation=(
        "Y. Le, X. Yang. Tiny ImageNet Visual Recognition Challenge. 2015. J. Deng et al. ImageNet: A Large-Scale "
        "Hierarchical Image Database. CVPR 2009."
    ),
    smoke_leaves_out=(
        "10 of 500 training and 5 of 50 test images per class; two small networks; 14 epochs instead of 300; 2 seeds "
        "instead of 5; keep ratios 0.1 and 0.3 instead of 1, 10 and 50 images per class. It shows that the road works, "
        "not which method wins."
    ),
    profiles={
        "smoke": Profile(
            archs=("resnet10-slim", "convnet4-slim"),
            keeps=(0.1, 0.3),
            recipes={"*": PHOTOS_SMOKE},
            observer=ObserverSpec("resnet10-slim", PHOTOS_SMOKE),
            seeds=2,
            train_per_class=10,
            test_per_class=5,
            time_limit_s=600.0,
        ),
        "quick": Profile(
            archs=("resnet18", "resnet50"),
            keeps=(0.1, 0.2, 0.3),
            recipes={"*": PHOTOS_QUICK},
            observer=ObserverSpec("resnet18", PHOTOS_QUICK),
            seeds=3,
            threads=4,
            time_limit_s=8 * 3600.0,
        ),
        "paper": Profile(
            archs=("resnet18", "resnet101"),
            keeps=(),
            ipcs=(1, 10, 50),
            recipes={"*": RDED_300_B100},
            observer=ObserverSpec("resnet18", PHOTOS_100),
            seeds=5,
            threads=4,
            time_limit_s=96 * 3600.0,
        ),
    },
)
"""Budgets, networks and recipe of ``paper`` are RDED's; how the observer is trained is our choice."""
