"""A detection set in mmdetection's config, and the metrics that its evaluators give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dqbench.data.annotated import Annotated, Part

KINDS = {"box": "bbox", "mask": "segm"}
"""What is scored, and what the evaluator calls it."""

_SUMMARY = {"mAP": "", "mAP_50": "50", "mAP_75": "75", "mAP_s": "_small", "mAP_m": "_medium", "mAP_l": "_large"}


def take_data(config: Any, data: Annotated) -> None:
    """Let the config read ``data``, and score boxes and masks with an evaluator each, also per class."""
    for loader, part in ((config.train_dataloader, data.train), (config.test_dataloader, data.test)):
        loader.dataset.update(_place(data, part))
        loader.dataset.metainfo = {"classes": data.class_names}
    model = config.model.roi_head
    for head in (model.bbox_head, model.get("mask_head")):
        if head is not None:
            head.num_classes = len(data.class_names)
    config.test_evaluator = [
        {
            "type": "CocoMetric",
            "ann_file": str(data.root / data.test.annotations),
            "metric": kind,
            "classwise": True,
            "prefix": name,
        }
        for name, kind in KINDS.items()
        if name == "box" or model.get("mask_head") is not None
    ]


def _place(data: Annotated, part: Part) -> dict[str, Any]:
    return {
        "data_root": "",
        "ann_file": str(data.root / part.annotations),
        "data_prefix": {"img": f"{data.root / part.images}/"},
    }


def metrics_of(found: Mapping[str, Any], class_names: tuple[str, ...]) -> dict[str, Any]:
    """COCO's metrics in percent: ``map``, ``map50``, ``map75``, ``map_small``, …, of boxes; the same of masks.

    Per class they are null where the test part has no object of it. Without a single detection all are 0.
    """
    metrics: dict[str, Any] = {}
    for name, kind in KINDS.items():
        start = "map" if name == "box" else "mask_map"
        for key, ending in _SUMMARY.items():
            metrics[start + ending] = _percent(found.get(f"{name}/{kind}_{key}", 0.0))
        per_class = [found.get(f"{name}/{one}_precision", 0.0) for one in class_names]
        metrics[f"{start}_per_class"] = [_percent(value) for value in per_class]
    return metrics


def _percent(value: float) -> float | None:
    """Null for what the evaluator marks as not there: not a number, or -1."""
    return None if math.isnan(value) or value < 0 else round(100 * float(value), 6)
