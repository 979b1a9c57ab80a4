"""ImageNet-100 across architectures: 100 classes of ImageNet, whose images stay in their files.

RDED's Table 2 has it at 224 px with 1, 10 and 50 images per class. The classes are those of CMC and IDC.
"""

from __future__ import annotations

from dqbench.specs import ObserverSpec, Profile, TaskSpec
from dqbench.train.recipes import IMAGENET_PAPER, IMAGENET_QUICK, IMAGENET_SMOKE, RDED_300_B100

TASK = TaskSpec(
    name="imagenet100-xarch",
    version=1,
    dataset="imagenet100",
    summary="ImageNet-100 accuracy of networks trained from scratch on what a method keeps, across architectures",
    metric="top1",
    paper="On the Diversity and Realism of Distilled Dataset (RDED, CVPR 2024), Table 2",
    licence="ImageNet's terms, for non-commercial research",
    citation=(
        "The list of classes: Y. Tian et al. Contrastive Multiview Coding. ECCV 2020; J.-H. Kim et al. Dataset "
        "Condensation via Efficient Synthetic-Data Parameterization. ICML 2022. The images: J. Deng et al. ImageNet: "
        "A Large-Scale Hierarchical Image Database. CVPR 2009."
    ),
    smoke_leaves_out=(
        "20 of about 1,270 training and 10 of 50 test images per class; 64 px instead of 224; two small networks; 8 "
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
            train_per_class=20,
            test_per_class=10,
            time_limit_s=1200.0,
            dataset="imagenet100-64",
        ),
        "quick": Profile(
            archs=("resnet18", "resnet50"),
            keeps=(0.1, 0.2, 0.3),
            recipes=IMAGENET_QUICK,
            observer=ObserverSpec("resnet18", IMAGENET_QUICK["*"]),
            seeds=3,
            threads=8,
            time_limit_s=24 * 3600.0,
        ),
        "paper": Profile(
            archs=("resnet18", "resnet101"),
            keeps=(),
            ipcs=(1, 10, 50),
            recipes={"*": RDED_300_B100},
            observer=ObserverSpec("resnet18", IMAGENET_PAPER["resnet18"]),
            seeds=5,
            threads=8,
            time_limit_s=14 * 24 * 3600.0,
        ),
    },
)
"""Sizes, budgets and recipe of ``paper`` are RDED's; how the observer is trained is our choice. That recipe keeps all
images in memory: the full source takes 18 GiB there and on the device.
"""
