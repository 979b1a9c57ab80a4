"""RDED: images stitched from the crops that an observer finds most real; nothing is optimised.

Sun et al., On the Diversity and Realism of Distilled Dataset, CVPR 2024. Per class: a random pool of 300 images; K
random-resized crops of each; the one with the least cross-entropy at the true label (Eq. 8); of these the best N for
each image to make; N of them at random into one image (Eq. 9). The observer labels regions of the images (Eq. 10),
stored (``--labels soft``, the default) or live (``--labels teacher``, as released code does).

Differs from the released code: images stay uint8 without JPEG; crops are scored resized to full size (``scoring=pad``
has the released zeros around them); crops meet at random (``stitch=rank`` has the released order).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Distilled
from dqbench.data.source import Source
from dqbench.distill.rded import Crops, best_crops, draw_boxes, pool, stitch
from dqbench.distill.stitching import crops_in, pool_size
from dqbench.methods.configs import RDEDConfig
from dqbench.observe.observed import Observed
from dqbench.seeds import generator

Arrays = Mapping[str, npt.NDArray[Any]]


class RDED:
    """Realistic, diverse and efficient dataset distillation."""

    def __init__(self, config: RDEDConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Distilled:
        """``budget.per_class`` images of each class, of crops that ``observed`` chooses."""
        started = time.perf_counter()
        per_image = crops_in(source.images.shape[1], self.config.crops_per_image)
        made, idle, scored = [], [], 0
        for label, images in enumerate(budget.per_class.tolist()):
            if not images:
                continue
            size = pool_size(int(source.class_counts[label]), per_image, images, self.config.pool)
            crops = self._crops(source, observed, label, size, per_image, seed)
            best = crops.images[: per_image * images]
            made.append(stitch(best, per_image, self.config.stitch, generator(seed, "rded-stitch", label)))
            scored += size * self.config.crops
            idle += [source.class_names[label]] if size == per_image * images else []
        notes: dict[str, Any] = {
            "crops_per_image": per_image,
            "crops_scored": scored,
            "ms_per_image": round(1000 * (time.perf_counter() - started) / budget.total, 3),
        }
        if idle:
            notes["ranks_nothing"] = f"every image of the pool is used in {len(idle)} classes: {', '.join(idle[:5])}"
        labels = np.repeat(np.arange(source.classes, dtype=np.int64), budget.per_class)
        return Distilled(np.concatenate(made), labels, notes)

    def _crops(self, source: Source, observed: Observed, label: int, size: int, per_image: int, seed: int) -> Crops:
        """The best crop of each image of the class's pool, best first."""
        positions, whole = pool(source, label, size, seed), source.images.shape[1]
        boxes = draw_boxes(size, self.config.crops, whole, seed, label)
        side = whole // int(per_image**0.5)
        return best_crops(source, observed, label, positions, boxes, side, self.config.scoring, self.config.batch_size)
