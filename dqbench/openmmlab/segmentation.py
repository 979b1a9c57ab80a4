"""A segmentation set in mmsegmentation's config, and the metrics that its evaluator gives."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

from dqbench.data.annotated import Annotated

ADE_CLASSES = 150


def take_data(config: Any, data: Annotated) -> None:
    """Let the config read ``data``: as it is where that has ADE20K's classes, else as a set of its own classes."""
    official = len(data.class_names) == ADE_CLASSES and data.unlabelled == 0
    for loader, part in ((config.train_dataloader, data.train), (config.test_dataloader, data.test)):
        loader.dataset.data_root = str(data.root)
        loader.dataset.data_prefix = {"img_path": part.images, "seg_map_path": part.annotations}
        if not official:
            _take_classes(loader.dataset, data)
    for head in ("decode_head", "auxiliary_head"):
        if head in config.model:
            config.model[head].num_classes = len(data.class_names)
    importlib.import_module("dqbench.openmmlab.mmseg_parts")
    config.test_evaluator = {"type": "ClasswiseIoU", "iou_metrics": ["mIoU"]}


def _take_classes(dataset: Any, data: Annotated) -> None:
    dataset.update({"type": "LabelMapSet", "values": list(data.values), "classes": list(data.class_names)})
    for step in dataset.pipeline:
        if step.type == "LoadAnnotations":
            step.reduce_zero_label = False


def metrics_of(found: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
    """``miou``, ``macc`` and ``aacc`` in percent, and ``miou_per_class``, null for classes that are nowhere."""
    metrics: dict[str, Any] = {ours: round(float(found[theirs]), 6) for theirs, ours in _NAMES.items()}
    values = [float(found[f"IoU.{place}"]) for place in range(len(class_names))]
    return {**metrics, "miou_per_class": [None if math.isnan(value) else round(value, 6) for value in values]}


_NAMES = {"mIoU": "miou", "mAcc": "macc", "aAcc": "aacc"}
