"""The arithmetic of stitched images, for checks before anything runs. Imports neither torch nor NumPy."""

from __future__ import annotations

import math

from dqbench.errors import UsageError

SMALL = 64
"""From this side in pixels up an image holds four crops by default, below it one (RDED, section 5.1)."""


def crops_in(size: int, asked: int | None) -> int:
    """N, the crops of one image of ``size`` px.

    Raises:
        UsageError: not a square number, or the grid does not divide the image.
    """
    crops = asked or (4 if size >= SMALL else 1)
    grid = math.isqrt(crops)
    if grid**2 != crops:
        raise UsageError(f"{crops} crops per image is no square number; give 1, 4, 9, ...")
    if size % grid:
        raise UsageError(f"{grid} x {grid} crops do not divide an image of {size} px; give another number of crops")
    return crops


def pool_size(members: int, crops: int, images: int, usual: int) -> int:
    """Images of a class that are looked at: ``usual``, more where so many crops are needed, at most all.

    Args:
        members: images of the class.
        crops: N, crops per made image.
        images: to make of the class.
        usual: as many as are looked at where that is enough.

    Raises:
        UsageError: crops of more images are needed than the class has.
    """
    wanted = crops * images
    if wanted > members:
        raise UsageError(
            f"{images} images of {crops} crops need {wanted} different images of a class that has {members}; lower the "
            "budget or the crops per image"
        )
    return min(members, max(usual, wanted))
