"""Patches and back: bit-equal, measured in files, the top by importance, and nothing without the key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dqbench import compressed
from dqbench.compressed import Patches
from dqbench.errors import UsageError
from dqbench.pixels.packing import highest, join, pack, random_scores, split, unpack

Bytes = npt.NDArray[np.uint8]


def pictures(count: int = 40, height: int = 8, width: int = 8, channels: int = 3) -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, channels)).astype(np.uint8)


def packed(images: Bytes, side: int, kept: int, shuffle: int | None = None) -> tuple[Patches, npt.NDArray[np.bool_]]:
    ids = np.arange(len(images)) * 3 + 5
    patches = (images.shape[1] // side) * (images.shape[2] // side)
    mask = highest(random_scores(ids, patches, 0), ids, kept, 0)
    return pack(images, mask, side, ids % 7, ids, shuffle_seed=shuffle), mask


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 12, 1), (4, 4, 3)])
@pytest.mark.parametrize("side", [1, 2, 4])
@pytest.mark.parametrize("shuffle", [None, 3])
def test_with_drop_0_a_set_is_packed_and_unpacked_bit_for_bit(
    shape: tuple[int, int, int], side: int, shuffle: int | None, tmp_path: Path
) -> None:
    images = pictures(37, *shape)
    kept, _ = packed(images, side, (shape[0] // side) * (shape[1] // side), shuffle)
    compressed.save(kept, tmp_path)
    again = compressed.load(tmp_path)
    assert isinstance(again, Patches)
    made, mask = unpack(again)
    assert mask.all()
    assert made.dtype == np.uint8
    assert np.array_equal(made, images)


def test_patches_lie_row_by_row_as_a_plain_loop_cuts_them() -> None:
    images = pictures(2, 4, 6, 3)
    cut = split(images, 2)
    for n in range(2):
        for row in range(2):
            for column in range(3):
                wanted = images[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                assert np.array_equal(cut[n, 3 * row + column], wanted)
    assert np.array_equal(join(cut, (2, 3)), images)


@pytest.mark.parametrize("shuffle", [None, 3])
def test_kept_patches_are_as_they_were_and_the_rest_is_black(shuffle: int | None) -> None:
    images = pictures()
    kept, mask = packed(images, 2, 11, shuffle)
    made, found = unpack(kept)
    assert np.array_equal(found, mask)
    patches = split(made, 2)
    assert np.array_equal(patches[mask], split(images, 2)[mask])
    assert not patches[~mask].any()


def test_files_hold_kept_patches_one_bit_a_patch_and_a_byte_a_label(tmp_path: Path) -> None:
    images = pictures(24)
    kept, _ = packed(images, 2, 12, shuffle=1)
    compressed.save(kept, tmp_path)
    sizes = {path.name: path.stat().st_size - 128 for path in tmp_path.glob("*.npy")}
    assert sizes == {
        "patches.npy": 24 * 12 * 2 * 2 * 3,
        "masks.npy": 24 * 2,
        "labels.npy": 24,
        "ids.npy": 24 * 8,
        "key.npy": 24 * 12 * 2,
    }


def test_the_highest_are_kept_as_a_plain_loop_chooses_them() -> None:
    scores = np.random.default_rng(1).random((20, 16))
    mask = highest(scores, np.arange(20), 5, 0)
    for row, chosen in zip(scores, mask, strict=True):
        best = sorted(range(16), key=lambda p: -row[p])[:5]
        assert sorted(best) == np.flatnonzero(chosen).tolist()


def test_equal_scores_are_drawn_for_each_id_and_not_by_place() -> None:
    mask = highest(np.zeros((400, 16)), np.arange(400), 4, 0)
    assert (mask.sum(axis=1) == 4).all()
    shares = mask.mean(axis=0)
    assert (abs(shares - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 400)).all(), "every place is kept alike"
    other = highest(np.zeros((3, 16)), np.array([7, 250, 3]), 4, 0)
    assert np.array_equal(other, mask[[7, 250, 3]]), "the same draw whatever else is kept"
    assert not np.array_equal(mask, highest(np.zeros((400, 16)), np.arange(400), 4, 1)), "the seed matters"


def test_without_the_key_no_image_can_be_put_together(tmp_path: Path) -> None:
    images = pictures()
    kept, mask = packed(images, 2, 12, shuffle=5)
    compressed.save(kept, tmp_path)
    (tmp_path / "key.npy").unlink()
    locked = compressed.load(tmp_path)
    assert isinstance(locked, Patches)
    with pytest.raises(UsageError, match=r"key\.npy is not there"):
        unpack(locked)
    in_order = Patches(**{**vars(locked), "shuffled": False})
    made = split(unpack(in_order)[0], 2)
    right = (made == split(images, 2)).all(axis=(2, 3, 4)) & mask
    assert right.sum() < 0.02 * mask.sum(), "patches in stored order are other patches"
    assert np.array_equal(split(unpack(kept)[0], 2)[mask], split(images, 2)[mask]), "with it they are put together"


def test_shuffled_patches_mix_images_inside_groups_only() -> None:
    images = np.repeat(np.arange(40, dtype=np.uint8), 64 * 3).reshape(40, 8, 8, 3)
    kept, _ = packed(images, 2, 12, shuffle=5)
    owner = kept.patches[:, 0, 0, 0].reshape(40, 12)
    assert min(len(set(row.tolist())) for row in owner) > 4, "patches stored side by side come from several images"
    assert set(owner[:20].ravel().tolist()) == set(range(20)), "two groups of 20"


def test_wrong_sides_and_uneven_masks_are_refused() -> None:
    with pytest.raises(UsageError, match="patches of 3 px do not divide images of 8×8 px"):
        split(pictures(), 3)
    mask = np.zeros((2, 4), dtype=np.bool_)
    mask[0, :2] = mask[1, :3] = True
    with pytest.raises(ValueError, match="same number of patches"):
        pack(pictures(2, 4, 4), mask, 2, np.zeros(2, np.int64), np.arange(2))


def test_a_mask_that_does_not_count_the_patches_is_refused(tmp_path: Path) -> None:
    kept, _ = packed(pictures(), 2, 12)
    compressed.save(kept, tmp_path)
    np.save(tmp_path / "patches.npy", kept.patches[:-1])
    with pytest.raises((ValueError, UsageError), match="480 of 479 patches"):
        compressed.load(tmp_path)
