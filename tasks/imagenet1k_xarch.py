"""ImageNet-1K across architectures: compress with one network, train others on what is left.

DQ's Table 2c: ResNet-18, ResNet-50, ViT, Swin and ConvNeXt by timm's scripts at keep ratios 0.6 and 0.8 and on the full
source, seen by a ViT-Base. RDED's budgets and recipe: ``--ipc 1,10,50 --recipe rded-300-b100``. Images stay in their
files.
"""

from __future__ import annotations

from dqbench.specs import ObserverSpec, Profile, TaskSpec
from dqbench.train.recipes import IMAGENET_PAPER, IMAGENET_QUICK, IMAGENET_SMOKE, OBSERVER_IMAGENET

TASK = TaskSpec(
    name="imagenet1k-xarch",
    version=1,
    dataset="imagenet1k",
    summary="ImageNet-1K accuracy of networks trained from scratch on what a method keeps, across architectures",
    metric="top1",
    paper="Dataset Quantization (ICCV 2023); its earlier version, Table 2c",
    licence="ImageNet's terms, for non-commercial research",
    citation="O. Russakovsky et al. ImageNet Large Scale Visual Recognition Challenge. IJCV 2015.",
    smoke_leaves_out=(
        "5 of about 1,300 training and 2 of 50 test images per class; 64 px instead of 224; two small networks instead "
        "of five; 8 epochs instead of 150 to 300; 2 seeds instead of 5; keep ratios 0.2 and 0.6 instead of 0.6 and "
        "0.8. It shows that the road works, not which method wins."
    ),
    profiles={
        "smoke": Profile(
            archs=("resnet10-slim", "convnet4-slim"),
            keeps=(0.2, 0.6),
            recipes=IMAGENET_SMOKE,
            observer=ObserverSpec("resnet10-slim", IMAGENET_SMOKE["*"]),
            seeds=2,
            train_per_class=5,
            test_per_class=2,
            time_limit_s=3600.0,
            dataset="imagenet1k-64",
        ),
        "quick": Profile(
            archs=("resnet18", "resnet50"),
            keeps=(0.1, 0.2, 0.3),
            recipes=IMAGENET_QUICK,
            observer=ObserverSpec("resnet18", IMAGENET_QUICK["*"]),
            seeds=2,
            train_per_class=130,
            threads=8,
            time_limit_s=24 * 3600.0,
        ),
        "paper": Profile(
            archs=("resnet18", "resnet50", "vit", "swin", "convnext"),
            keeps=(0.6, 0.8),
            recipes=IMAGENET_PAPER,
            observer=ObserverSpec("vit-base", OBSERVER_IMAGENET),
            seeds=5,
            threads=8,
            time_limit_s=30 * 24 * 3600.0,
        ),
    },
)
"""``quick`` takes a tenth of the training images; its recipe is our choice. Five seeds are ADQ's."""
