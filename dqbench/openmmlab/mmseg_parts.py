"""What mmsegmentation gets from dqbench: sets of any classes, and its metric's values for each class."""

from __future__ import annotations

from typing import Any

from mmseg.datasets import BaseSegDataset
from mmseg.evaluation import IoUMetric
from mmseg.registry import DATASETS, METRICS


@DATASETS.register_module()
class LabelMapSet(BaseSegDataset):  # type: ignore[misc]
    """Images ``NAME.jpg`` with label maps ``NAME.png``; values whose names are not in ``classes`` are not learned.

    Args:
        values: what each value of a label map means, from 0 up.
        classes: those of them that are learned.
        options: as :class:`mmseg.datasets.BaseSegDataset` takes them.
    """

    def __init__(self, values: list[str], classes: list[str], **options: Any) -> None:
        self.values = tuple(values)
        metainfo = {"classes": tuple(classes)}
        super().__init__(img_suffix=".jpg", seg_map_suffix=".png", metainfo=metainfo, **options)

    def get_label_map(self, new_classes: Any = None) -> dict[int, int]:
        """The place in ``classes`` of each value of a label map, 255 for those that are not learned."""
        places = {name: place for place, name in enumerate(new_classes)}
        return {value: places.get(name, 255) for value, name in enumerate(self.values)}


@METRICS.register_module()
class ClasswiseIoU(IoUMetric):  # type: ignore[misc]
    """mmsegmentation's metric, which prints the values of each class and gives their means, gives the former, too."""

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """The means as they are, and ``IoU.PLACE`` of each class in percent; of a class that is nowhere it is NaN."""
        metrics = super().compute_metrics(results)
        areas = [sum(column) for column in zip(*results, strict=True)]
        found = self.total_area_to_metrics(*areas, self.metrics, self.nan_to_num, self.beta)
        return {**metrics, **{f"IoU.{place}": 100 * float(value) for place, value in enumerate(found["IoU"])}}
