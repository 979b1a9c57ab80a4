"""Segmentation of ADE20K with backbones trained on what a method keeps of ImageNet: those of ``coco-det``.

DQ's section 1: a ResNet-50 from ImageNet-1K at keep ratio 0.6, then mmsegmentation with its default settings. Those
are UPerNet for 160,000 iterations here; DQ does not name its model. Its ResNet has a plain stem, as dqbench's have,
where mmsegmentation's config has three convolutions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dqbench.openmmlab.options import ARCHS, STAGE, FinetuneOptions
from dqbench.specs import Stage, TaskSpec
from dqbench.tasks.coco_det import TASK as DETECTION
from dqbench.tasks.imagenet1k_xarch import TASK as IMAGENET

_FEW_ITERATIONS: dict[str, Any] = {
    "train_cfg.max_iters": 10,
    "param_scheduler.0.end": 10,
    "train_dataloader.batch_size": 2,
    "train_dataloader.num_workers": 0,
    "train_dataloader.persistent_workers": False,
    "test_dataloader.num_workers": 0,
    "test_dataloader.persistent_workers": False,
    "train_dataloader.dataset.pipeline.2.scale": (512, 128),
    "train_dataloader.dataset.pipeline.3.crop_size": (128, 128),
    "test_dataloader.dataset.pipeline.1.scale": (512, 128),
    "model.data_preprocessor.size": (128, 128),
    "model.decode_head.channels": 128,
    "default_hooks.logger.interval": 1,
}

_AS_ON_FOUR_GPUS: dict[str, Any] = {"train_dataloader.batch_size": 16}
"""The images of the config's 4 GPUs in one batch, whose batch norm sees them all, as theirs does."""

_EIGHTH: dict[str, Any] = {**_AS_ON_FOUR_GPUS, "train_cfg.max_iters": 20_000, "param_scheduler.0.end": 20_000}


def _stages(dataset: str, changes: dict[str, Any], seconds: float) -> tuple[Stage, ...]:
    config = "upernet/upernet_r50_4xb4-160k_ade20k-512x512.py"
    return (
        Stage(
            kind="finetune",
            role=STAGE,
            options=FinetuneOptions(library="mmseg", config=config, changes=changes).model_dump(mode="json"),
            after_training=True,
            dataset=dataset,
            archs=ARCHS,
            check="dqbench.openmmlab.evaluators:check_segmentation",
            gpu_gib=40.0,
            seconds=seconds,
        ),
    )


_STAGES = {
    "smoke": _stages("camvid-mini", _FEW_ITERATIONS, 30.0),
    "quick": _stages("ade20k", _EIGHTH, 15_000.0),
    "paper": _stages("ade20k", _AS_ON_FOUR_GPUS, 120_000.0),
}

TASK = TaskSpec(
    name="ade20k-seg",
    version=1,
    dataset="imagenet1k",
    summary="mean IoU on ADE20K of UPerNet whose ResNet was trained on what a method keeps of ImageNet",
    metric="miou",
    paper="Dataset Quantization (ICCV 2023), section 1",
    licence="ADE20K: research and teaching, not commercial; its annotations BSD-3-Clause. ImageNet's terms besides",
    citation=(
        "B. Zhou et al. Scene Parsing through ADE20K Dataset. CVPR 2017. Smoke: G. Brostow et al. Semantic Object "
        f"Classes in Video: A High-Definition Ground Truth Database. PRL 2009. {IMAGENET.citation}"
    ),
    smoke_leaves_out=(
        "ImageNet: 12 training images of each of Imagenette's 10 classes instead, for 2 epochs; ADE20K: 60 and 20 "
        "images of CamVid with 11 classes instead of 20,210 and 2,000 with 150; 10 iterations of 2 crops of 128 px "
        "instead of 160,000 of 16 of 512 px; a head of 128 channels instead of 512; 1 seed. It shows that the road "
        "works, not which method wins."
    ),
    evaluator="dqbench.openmmlab.evaluators:mean_iou",
    profiles={name: replace(DETECTION.profiles[name], stages=stages) for name, stages in _STAGES.items()},
)
"""``quick`` and its eighth of the schedule are our choice."""
