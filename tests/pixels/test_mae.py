"""Small MAEs: training lowers the loss, kept patches stay, and what does not fit is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dqbench.compressed import Patches
from dqbench.errors import UsageError
from dqbench.pixels import mae
from dqbench.pixels.options import mae_recipe
from dqbench.pixels.packing import highest, pack, random_scores, split
from dqbench.pixels.rebuild import psnr, rebuild

transformers = pytest.importorskip("transformers", reason="the extra pixels is not installed: NO MAE IS TESTED")

MEAN, STD = np.full(1, 0.5), np.full(1, 0.25)


def halves(count: int = 200) -> npt.NDArray[np.uint8]:
    """Images of 8 px with two tones, left and right: a dropped patch is like its neighbours, not like the mean."""
    tones = np.random.default_rng(0).integers(40, 216, (count, 2, 1, 1))
    images = np.where(np.arange(8) < 4, tones[:, 0], tones[:, 1])
    return np.repeat(images, 8, axis=1).astype(np.uint8)[..., None]


def packed(images: npt.NDArray[np.uint8], side: int = 2) -> Patches:
    ids = np.arange(len(images))
    patches = (images.shape[1] // side) ** 2
    mask = highest(random_scores(ids, patches, 0), ids, patches * 3 // 4, 0)
    return pack(images, mask, side, ids, ids)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("mae")
    how = mae_recipe(12).model_copy(update={"batch_size": 16})
    return folder, mae.pretrain(halves(), MEAN, STD, 2, how, folder, seed=0, device="cpu", precision="fp32")


def test_training_lowers_the_loss_and_beats_the_mean_colour(trained: tuple[Path, dict[str, list[float]]]) -> None:
    folder, facts = trained
    assert facts["loss"][-1] < 0.5 * facts["loss"][0]
    unseen = halves(250)[200:]
    kept = packed(unseen)
    by_mae = rebuild(kept, "mae", mae.load(str(folder), "cpu", "fp32"))
    by_mean = rebuild(kept, "mean")
    assert (psnr(by_mae, unseen) or 0) > (psnr(by_mean, unseen) or 0) + 3, "on images it never saw"


def test_kept_patches_stay_and_hidden_ones_do_not_leak(trained: tuple[Path, dict[str, object]]) -> None:
    images = halves(300)
    kept = packed(images)
    net = mae.load(str(trained[0]), "cpu", "fp32")
    made = rebuild(kept, "mae", net)
    mask = np.unpackbits(kept.masks, axis=1, count=16).astype(bool)
    assert np.array_equal(split(made, 2)[mask], split(images, 2)[mask])
    noisy = np.where(mask[:, :, None, None, None], split(images, 2), 255 - split(images, 2))
    from dqbench.pixels.packing import join

    again = net.rebuild(join(noisy, (4, 4)), mask, 2)
    assert np.array_equal(again, made), "what was dropped is not looked at"


def test_the_same_seed_gives_the_same_mae(tmp_path: Path) -> None:
    how = mae_recipe(1)
    losses = [
        mae.pretrain(halves(32), MEAN, STD, 2, how, tmp_path / name, seed=seed, device="cpu", precision="fp32")["loss"]
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_published_mae_is_taken_with_imagenet_s_statistics(tmp_path: Path) -> None:
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    decoder = {f"decoder_{name}": value for name, value in small.items()}
    for norm in (False, True):
        config = transformers.ViTMAEConfig(image_size=8, patch_size=4, norm_pix_loss=norm, **small, **decoder)
        transformers.ViTMAEForPreTraining(config).save_pretrained(tmp_path / str(norm))
        net = mae.load(str(tmp_path / str(norm)), "cpu", "fp32")
        assert net.mean == pytest.approx([0.485, 0.456, 0.406])
        assert not net.centred
        colours = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
        assert rebuild(packed(colours, 4), "mae", net).shape == (4, 8, 8, 3)


@pytest.mark.parametrize(("shape", "side"), [((8, 8, 1), 4), ((16, 16, 1), 2), ((8, 8, 3), 2), ((8, 16, 1), 2)])
def test_a_mae_for_other_images_is_refused(
    trained: tuple[Path, dict[str, object]], shape: tuple[int, int, int], side: int
) -> None:
    images = np.zeros((2, *shape), dtype=np.uint8)
    patches = shape[0] * shape[1] // side**2
    mask = np.arange(patches)[None] >= np.ones((2, 1))
    kept = pack(images, mask, side, np.arange(2), np.arange(2))
    with pytest.raises(UsageError, match="is for square images of 8 px, patches of 2 px and 1 channels, not"):
        rebuild(kept, "mae", mae.load(str(trained[0]), "cpu", "fp32"))


def test_a_mae_that_is_not_there_or_is_none_is_a_clear_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UsageError, match="leave mae empty to have one trained on the source"):
        mae.load(str(tmp_path / "nowhere"), "cpu", "fp32")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="is no folder with a ViTMAE in safetensors"):
        mae.load(str(tmp_path), "cpu", "fp32")


def test_a_mae_of_wrong_shapes_or_missing_weights_is_refused(
    trained: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    for name, change in (("shape", {"hidden_size": 32}), ("layers", {"decoder_num_hidden_layers": 2})):
        folder = tmp_path / name
        folder.mkdir()
        for file in trained[0].iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(UsageError, match="MAE"):
            mae.load(str(folder), "cpu", "fp32")


def test_without_transformers_there_is_a_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"pip install 'dqbench\[pixels\]', or use fill=mean"):
        mae.load("somewhere", "cpu", "fp32")


def test_images_that_are_not_square_have_no_mae(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes square images that patches divide, not 8×16 px"):
        mae.pretrain(
            np.zeros((2, 8, 16, 1), np.uint8), MEAN, STD, 2, mae_recipe(1), tmp_path,
            seed=0, device="cpu", precision="fp32",
        )  # fmt: skip
