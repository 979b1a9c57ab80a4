"""Filling in dropped patches, and how far the result is from the originals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dqbench.pixels.packing import highest, pack, random_scores
from dqbench.pixels.rebuild import psnr, rebuild


def test_the_mean_is_that_of_each_image_s_own_kept_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3)).astype(np.uint8)
    ids = np.arange(5)
    mask = highest(random_scores(ids, 6, 0), ids, 4, 0)
    made = rebuild(pack(images, mask, 2, ids, ids), "mean")
    for n in range(5):
        shown = np.kron(mask[n].reshape(2, 3), np.ones((2, 2), dtype=int)).astype(bool)
        colour = [round(float(images[n, ..., c][shown].mean())) for c in range(3)]
        assert np.array_equal(made[n][shown], images[n][shown])
        assert np.abs(made[n][~shown].astype(int) - colour).max() <= 0


def test_psnr_of_a_mean_filled_image_is_what_the_formula_gives() -> None:
    image = np.zeros((1, 4, 4, 1), dtype=np.uint8)
    image[0, :2, :2] = 40
    image[0, 2:, 2:] = 100
    mask = np.array([[False, True, True, True]])
    made = rebuild(pack(image, mask, 2, np.zeros(1, np.int64), np.zeros(1, np.int64)), "mean")
    colour = round(100 * 4 / 12)
    error = (40 - colour) ** 2 * 4 / 16
    assert psnr(made, image) == pytest.approx(10 * math.log10(255**2 / error), abs=1e-9)


def test_no_error_has_no_psnr_and_black_is_zero() -> None:
    image = np.full((2, 4, 4, 3), 9, dtype=np.uint8)
    assert psnr(image, image) is None
    mask = np.array([[True, False, True, True]] * 2)
    made = rebuild(pack(image, mask, 2, np.zeros(2, np.int64), np.arange(2)), "zero")
    assert (made[:, :2, 2:] == 0).all()
    assert psnr(made, image) == pytest.approx(10 * math.log10(255**2 / (81 / 4)))


def test_with_nothing_dropped_every_filling_gives_the_image() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3)).astype(np.uint8)
    kept = pack(images, np.ones((3, 4), dtype=np.bool_), 2, np.arange(3), np.arange(3))
    assert np.array_equal(rebuild(kept, "mae"), images), "bit for bit, and without an MAE"
    assert np.array_equal(rebuild(kept, "mean"), images)
