"""Kept sets with dropped patches: what ``dqbench compress`` writes, and what comes back for training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dqbench
from dqbench import compressed
from dqbench.cli import main
from dqbench.compressed import Patches
from dqbench.data.folder import open_user_data
from dqbench.errors import UsageError
from dqbench.jobs.stored_bytes import stored_parts
from dqbench.pixels.rebuild import psnr, rebuild


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 images of 16 px in two classes: smooth, so that what is missing can be guessed."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(40):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        path = folder / "photos" / ("cat" if number % 2 else "dog") / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        small.resize((16, 16), Image.Resampling.BICUBIC).save(path)
    return folder / "photos"


def keep(images: Path, out: Path, *more: str, size: int = 16) -> dict:
    words = ["compress", "--data", str(images), "--out", str(out), "--size", str(size), "--device", "cpu", *more]
    assert main(words) == 0
    return json.loads((out / "manifest.json").read_text())


RANDOM = ["--method", "random", "--set", "random.importance=random", "--keep", "0.5"]


@pytest.mark.parametrize("fill", ["mean", "zero"])
def test_patches_are_kept_and_come_back_as_images(images: Path, tmp_path: Path, fill: str) -> None:
    more = ["--set", "random.drop=0.25", "--set", f"random.fill={fill}"]
    facts = keep(images, tmp_path / "kept", *RANDOM, *more)
    patches = compressed.load(tmp_path / "kept" / "kept")
    assert isinstance(patches, Patches)
    assert (facts["pixels"]["fill"], facts["pixels"]["patch_size"]) == (fill, 2)
    assert facts["kept_pixels"] == 0.5 * 0.75
    data = dqbench.KeptDataset(None, tmp_path / "kept")
    source = open_user_data(images, size=16).source
    originals = source.images[source.positions(patches.ids)]
    found = np.stack([np.rint(data[i][0].permute(1, 2, 0).numpy() * 255).astype(np.uint8) for i in range(len(data))])
    assert np.array_equal(found, rebuild(patches, fill))
    assert facts["psnr_db"] == round(psnr(found, originals), 3)
    assert [data[i][1] for i in range(len(data))] == source.labels[source.positions(patches.ids)].tolist()
    parts = stored_parts(patches, tmp_path / "kept" / "kept", found, patches.labels)
    assert facts["bytes_parts"] == parts
    assert facts["kept_bytes"] == sum(parts.values())
    rows = (tmp_path / "kept" / "manifest.csv").read_text().splitlines()
    assert [int(row.split(",")[1]) for row in rows[1:]] == patches.ids.tolist()
    assert not (tmp_path / "kept" / "images").exists()


def test_a_batch_can_be_loaded_by_torch(images: Path, tmp_path: Path) -> None:
    keep(images, tmp_path / "kept", *RANDOM, "--set", "random.drop=0.5", "--set", "random.fill=mean")
    loader = torch.utils.data.DataLoader(dqbench.KeptDataset(None, tmp_path / "kept"), batch_size=5)
    shown, labels, weights = next(iter(loader))
    assert shown.shape == (5, 3, 16, 16)
    assert labels.tolist() == [label for _, label, _ in (loader.dataset[i] for i in range(5))]
    assert weights.tolist() == [1.0] * 5


def test_an_mae_is_trained_kept_and_rebuilds(images: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    more = ["--set", "random.drop=0.25", "--set", "random.mae_epochs=2", "--set", "random.patch_size=4"]
    facts = keep(images, tmp_path / "kept", *RANDOM, *more, "--images", "copy")
    size = (tmp_path / "kept" / "mae" / "model.safetensors").stat().st_size
    assert facts["bytes_parts"]["decoder"] == size
    assert facts["kept_bytes"] == sum(facts["bytes_parts"].values()) - size
    moved = (tmp_path / "kept").rename(tmp_path / "elsewhere")
    data, mean = dqbench.KeptDataset(None, moved), dqbench.KeptDataset(None, moved, fill="mean")
    assert any(not torch.equal(data[i][0], mean[i][0]) for i in range(len(data)))
    pictures = sorted((moved / "images").rglob("*.png"))
    assert len(pictures) == len(data) == 20
    first = open_user_data(images, size=16).source
    name = first.files[first.positions(data.kept.ids)[0]]
    assert np.array_equal(np.asarray(Image.open(moved / "images" / name)), data._images[0])
    again = keep(images, tmp_path / "again", *RANDOM, *more[:2], *more[4:], "--set", f"random.mae={moved / 'mae'}")
    assert again["psnr_db"] == facts["psnr_db"]
    assert str(tmp_path) not in json.dumps(again["pixels"]), "a manifest names no folder of this machine"
    other = dqbench.KeptDataset(None, data.kept, mae=moved / "mae")
    assert torch.equal(other[3][0], data[3][0])


def test_grad_cam_looks_through_the_observer_also_for_random(images: Path, tmp_path: Path) -> None:
    pytest.importorskip("pytorch_grad_cam")
    more = ["--set", "random.drop=0.25", "--set", "random.fill=zero", "--observer", "convnet4-slim", "--epochs", "1"]
    facts = keep(images, tmp_path / "kept", "--method", "random", "--keep", "0.5", *more, size=32)
    assert facts["observer"]["arch"] == "convnet4-slim"


def test_python_gives_patches(images: Path) -> None:
    config = {"drop": 0.25, "importance": "random"}
    patches = dqbench.compress(images, "random", keep=0.5, config=config, size=16)
    assert isinstance(patches, Patches)
    data = dqbench.KeptDataset(None, patches, fill="zero")
    assert len(data) == 20
    with pytest.raises(UsageError, match="nothing says how dropped patches are filled in"):
        dqbench.KeptDataset(None, patches)
    with pytest.raises(UsageError, match="fill 'blur' is unknown"):
        dqbench.KeptDataset(None, patches, fill="blur")
    with pytest.raises(UsageError, match="fill='mae' needs an MAE"):
        dqbench.KeptDataset(None, patches, fill="mae")
    with pytest.raises(UsageError, match="fill is an option of KeptDataset"):
        dqbench.compress(images, "random", keep=0.5, config={**config, "fill": "zero"}, size=16)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set", "random.drop=1.5", "--keep", "0.5"], "random.drop=1.5: input should be less than 1"),
        (["--set", "random.drop=0.5,0.25", "--keep", "0.5"], "--set spans 2 variants of random"),
        (["--set", "random.fill=zero", "--keep", "0.5"], "random.fill has no effect where no patch is dropped"),
        (["--set", "random.drop=0.5", "--keep", "0.5", "--images", "link"], "--images link would link whole images"),
        (["--set", "random.drop=0.5", "--set", "random.patch_size=3", "--keep", "0.5"], "patch_size 3 does not divide"),
        (["--set", "random.drop=0.5", "--set", "random.mae=./none", "--keep", "0.5"], "mae './none' is no folder"),
        (["--bytes", "2kB"], "random keeps image files, which differ in size"),
        (["--bytes", "2 potatoes"], "bytes '2 potatoes' are no size"),
        (["--bytes", "2kB", "--keep", "0.5"], "give one of --keep RATIO, --ipc IMAGES_PER_CLASS and --bytes SIZE"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(
    images: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compress", "--data", str(images), "--out", str(tmp_path / "kept"), "--size", "16", "--method", "random"]
    assert main([*words, *more]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bytes_of_patches_are_met(images: Path, tmp_path: Path) -> None:
    words = ["--method", "random", "--set", "random.importance=random", "--set", "random.fill=zero"]
    facts = keep(images, tmp_path / "kept", *words, "--set", "random.drop=0.5", "--bytes", "8kB")
    assert facts["kept_bytes"] <= 8000 < facts["kept_bytes"] * (facts["kept"] + 2) / facts["kept"]
    assert set(facts["kept_per_class"].values()) == {facts["kept"] // 2}
