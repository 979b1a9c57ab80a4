"""ImageNet-10 across architectures: ten classes of ImageNet, whose images stay in their files.

RDED tunes its pool and crops on it at 224 px and prints no table. The classes are IDC's.
"""

from __future__ import annotations

from dataclasses import replace

from dqbench.specs import ObserverSpec, Profile, TaskSpec
from dqbench.tasks import imagenet100_xarch
from dqbench.train.recipes import IMAGENET_SMOKE, PHOTOS_100, PHOTOS_QUICK, RDED_300

TASK: TaskSpec = replace(
    imagenet100_xarch.TASK,
    name="imagenet10-xarch",
    dataset="imagenet10",
    summary="ImageNet-10 accuracy of networks trained from scratch on what a method keeps, across architectures",
    paper="On the Diversity and Realism of Distilled Dataset (RDED, CVPR 2024), Figure 4",
    citation=(
        "The list of classes: J.-H. Kim et al. Dataset Condensation via Efficient Synthetic-Data Parameterization. "
        "ICML 2022. The images: J. Deng et al. ImageNet: A Large-Scale Hierarchical Image Database. CVPR 2009."
    ),
    smoke_leaves_out=(
        "all but the first 120 of about 1,300 training images per class; 64 px instead of 224; two small networks; 8 "
        "epochs instead of 300; 2 seeds instead of 5; keep ratios 0.1 and 0.3 instead of 1, 10 and 50 images per "
        "class. It shows that the road works, not which method wins."
    ),
    profiles={
        "smoke": Profile(
            archs=("resnet10-slim", "convnet4-slim"),
            keeps=(0.1, 0.3),
            recipes=IMAGENET_SMOKE,
            observer=ObserverSpec("resnet10-slim", IMAGENET_SMOKE["*"]),
            seeds=2,
            train_per_class=120,
            test_per_class=50,
            time_limit_s=600.0,
            dataset="imagenet10-64",
        ),
        "quick": Profile(
            archs=("resnet18", "resnet50"),
            keeps=(0.1, 0.2, 0.3),
            recipes={"*": PHOTOS_QUICK},
            observer=ObserverSpec("resnet18", PHOTOS_QUICK),
            seeds=3,
            threads=4,
            time_limit_s=4 * 3600.0,
            dataset="imagenet10-128",
        ),
        "paper": Profile(
            archs=("resnet18", "resnet101"),
            keeps=(),
            ipcs=(1, 10, 50),
            recipes={"*": RDED_300},
            observer=ObserverSpec("resnet18", PHOTOS_100),
            seeds=5,
            threads=4,
            time_limit_s=48 * 3600.0,
        ),
    },
)
"""Size, budgets and recipe of ``paper`` are RDED's; ``quick``, and how the observer is trained, are our choice."""
