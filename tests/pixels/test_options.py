"""Options of dropping patches: grids, shares and budgets."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dqbench.errors import UsageError
from dqbench.pixels.options import PixelOptions, kept_patches, patch_side, sample_budget
from dqbench.specs import Budget


@pytest.mark.parametrize(("size", "side"), [(224, 16), (32, 4), (64, 8), (96, 8), (8, 2), (28, 2), (160, 16), (7, 7)])
def test_the_grid_has_at_most_14_patches_a_side(size: int, side: int) -> None:
    assert patch_side(PixelOptions(drop=0.1), size, size) == side


def test_a_side_that_does_not_divide_the_image_is_refused() -> None:
    with pytest.raises(UsageError, match=r"patch_size 5 does not divide the image of 32×32 px; .* 1, 2, 4, 8, 16, 32"):
        patch_side(PixelOptions(drop=0.1, patch_size=5), 32, 32)


@pytest.mark.parametrize(
    ("drop", "patches", "kept"), [(0.2, 196, 156), (0.25, 196, 147), (0.9, 100, 10), (0.7, 10, 3), (0, 64, 64)]
)
def test_kept_patches_are_the_whole_ones_of_the_rest(drop: float, patches: int, kept: int) -> None:
    assert kept_patches(drop, patches) == kept


def test_a_drop_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"drop 0\.99 leaves none of an image's 16 patches"):
        kept_patches(0.99, 16)


@pytest.mark.parametrize("drop", [1.0, -0.1, 2, float("nan")])
def test_a_drop_outside_0_to_1_is_refused(drop: float) -> None:
    with pytest.raises(ValidationError):
        PixelOptions(drop=drop)


@pytest.mark.parametrize(("drop", "share"), [(0.2, 0.1256), (0.25, 0.1333)])
def test_ten_percent_of_the_pixels_are_more_of_the_samples(drop: float, share: float) -> None:
    options = PixelOptions(drop=drop, budget_by="pixels")
    assert sample_budget(options, Budget.ratio(0.1), 196).value == pytest.approx(share, abs=5e-5)
    assert sample_budget(PixelOptions(drop=drop), Budget.ratio(0.1), 196) == Budget.ratio(0.1)


def test_all_that_drop_leaves_may_be_kept_and_no_more() -> None:
    options = PixelOptions(drop=0.25, budget_by="pixels")
    assert sample_budget(options, Budget.ratio(147 / 196), 196).value == 1.0
    with pytest.raises(UsageError, match=r"keep ratio 0\.8 of the pixels is above 0\.75"):
        sample_budget(options, Budget.ratio(0.8), 196)
    with pytest.raises(UsageError, match="takes keep ratios, not ipc10"):
        sample_budget(options, Budget.ipc(10), 196)
