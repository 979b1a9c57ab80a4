"""RDED: images stitched from the crops that an observer finds most real; nothing is optimised.

Sun et al., On the Diversity and Realism of Distilled Dataset, CVPR 2024. Per class: a random pool of 300 images; K
random-resized crops of each; the one with the least cross-entropy at the true label (Eq. 8); of these the best N for
each image to make; N of them at random into one image (Eq. 9). The observer labels regions of the images (Eq. 10),
stored (``--labels soft``, the default) or live (``--labels teacher``, as released code does).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dqbench import Config, MethodSpec, generator
from dqbench.deferred import numpy as np
from dqbench.methods.distillation.rded.stitching import Stitch, crops_in, pool_size, stitch

if TYPE_CHECKING:
    from dqbench import Arrays, Distilled, Observed, ResolvedBudget, Source
    from dqbench.methods.distillation.rded.crops import Crops


class RDEDConfig(Config):
    """Options of RDED."""

    pool: int = Field(
        300, ge=1, description="images of a class whose crops are scored (more where a budget needs more)"
    )
    crops: int = Field(5, ge=1, description="K: random-resized crops of each image, of which the best counts")
    crops_per_image: int | None = Field(
        None, ge=1, description="N: crops stitched into one image, a square number; by default 4 from 64 px up, else 1"
    )
    scoring: Literal["resize", "pad"] = Field(
        "resize",
        description="crops are scored resized to full size, or in a frame of zeros that is put around them after "
        "normalisation, as in released code; the paper names neither",
    )
    stitch: Stitch = Field(
        "random", description="crops are joined at random (paper, Eq. 9), or by rank (released code)"
    )
    batch_size: int = Field(1000, ge=1, description="crops that go through the observer at a time")

    def check_budget(self, per_class: Sequence[int], class_counts: Sequence[int], side: int) -> None:
        """Refuse N·IPC above a class's size, and crops that are no grid of the image."""
        crops = crops_in(side, self.crops_per_image)
        for images, members in zip(per_class, class_counts, strict=True):
            pool_size(members, crops, images, self.pool)


SPEC = MethodSpec(
    name="rded",
    target=f"{__name__}:RDED",
    config=RDEDConfig,
    kind="distillation",
    version=2,
    labels=("soft", "teacher", "hard"),
    summary="images stitched from the crops that the observer finds most real, with its labels",
    paper="Sun et al., On the Diversity and Realism of Distilled Dataset, CVPR 2024, arXiv:2312.03526",
    needs=("observer",),
    makes="uint8",
    gpu_gib=8,
    differs=(
        "The paper says nothing of how a crop is shown to the observer, which takes images of full size: here it is "
        "resized; released code puts zeros around it after normalisation (scoring=pad). Nor does it give the number of "
        "crops of an image, their scale (0.08 to 1) and shape (square): these are released code's. Crops meet at "
        "random, as in Eq. 9; released code joins them by rank (stitch=rank). Four crops make an image from 64 px up, "
        "as the paper says; released code takes one on Tiny-ImageNet (crops_per_image=1). Images are kept as uint8; "
        "released code writes JPEG. Labels are stored for regions and learned by cross-entropy at temperature 1, Eq. "
        "10; released code asks the teacher live for every batch, at temperature 20 (--labels teacher). Images are "
        "normalised by the data set's own statistics, but for ImageNet's; released code takes ImageNet's for all. It "
        "tests on the middle of images that were enlarged by 8/7 (not at 32 px); its networks learn from batches of "
        "10, 50 and 100 at 1, 10 and 50 images per class (twice that from 100 classes up, but 100 on Tiny-ImageNet), "
        "at a rate that falls once an epoch."
    ),
)


class RDED:
    """Realistic, diverse and efficient dataset distillation."""

    def __init__(self, config: RDEDConfig) -> None:
        self.config = config

    def compress(
        self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int, *, observed: Observed
    ) -> Distilled:
        """``budget.per_class`` images of each class, of crops that ``observed`` chooses."""
        from dqbench import Distilled

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
        from dqbench.methods.distillation.rded.crops import best_crops, draw_boxes, pool

        positions, whole = pool(source, label, size, seed), source.images.shape[1]
        boxes = draw_boxes(size, self.config.crops, whole, seed, label)
        side = whole // int(per_image**0.5)
        return best_crops(source, observed, label, positions, boxes, side, self.config.scoring, self.config.batch_size)
