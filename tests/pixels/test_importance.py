"""Grad-CAM++ scores: against the formula by hand, averaged over the grid, and clear where they cannot be had."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dqbench.errors import UsageError
from dqbench.nets.build import build
from dqbench.nets.catalog import dqbench_archs
from dqbench.pixels.importance import CamNetwork, cam_maps, imagenet_resnet18, patch_means, patch_scores

pytest.importorskip(
    "pytorch_grad_cam", exc_type=ImportError, reason="the extra pixels cannot be loaded: GRAD-CAM++ IS NOT TESTED"
)

ARCHS = {spec.name: spec for spec in dqbench_archs()}
MEAN, STD = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.3, 0.2])


class TwoMaps(nn.Module):
    """A map of 4×4 from 8×8, and logits that are its mean through a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 5, 2, stride=2)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc(self.relu(self.conv(x)).mean((2, 3)))
        return out


def pictures(count: int = 6, side: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def by_hand(net: TwoMaps, image: np.ndarray, label: int) -> np.ndarray:
    """Grad-CAM++ where the score is linear in the maps' means: gradients are w/16 in every place."""
    x = torch.tensor((image / 255 - MEAN) / STD, dtype=torch.float32).permute(2, 0, 1)[None]
    maps = net.relu(net.conv(x))[0].detach().double().numpy()
    grads = np.broadcast_to(net.fc.weight[label].detach().double().numpy()[:, None, None] / 16, maps.shape)
    alpha = grads**2 / (2 * grads**2 + maps.sum(axis=(1, 2), keepdims=True) * grads**3 + 1e-6)
    weights = (alpha * np.maximum(grads, 0)).sum(axis=(1, 2))
    return np.maximum((weights[:, None, None] * maps).sum(axis=0), 0)


def test_maps_are_those_of_the_formula() -> None:
    net, images, labels = TwoMaps(), pictures(), np.array([0, 1, 2, 0, 1, 2])
    scores = patch_scores(CamNetwork(net, MEAN, STD), images, labels, (4, 4), "cpu")
    for image, label, found in zip(images, labels, scores, strict=True):
        small = torch.tensor(by_hand(net, image, int(label)))[None, None]
        large = nn.functional.interpolate(small, size=(8, 8), mode="bilinear", align_corners=False)[0, 0].numpy()
        large = (large - large.min()) / max(large.max() - large.min(), 1e-9)
        assert found == pytest.approx(large.reshape(4, 2, 4, 2).mean(axis=(1, 3)).ravel(), abs=1e-3)


def test_the_true_class_is_explained_or_the_top_one() -> None:
    net, images = TwoMaps(), pictures()
    one, other = (cam_maps(CamNetwork(net, MEAN, STD), images, np.full(6, label), "cpu") for label in (0, 1))
    assert not np.allclose(one, other)
    top = [cam_maps(CamNetwork(net, MEAN, STD, knows_classes=False), images, np.full(6, c), "cpu") for c in (0, 1)]
    assert np.array_equal(top[0], top[1])


def test_patches_get_the_mean_of_their_pixels() -> None:
    maps = np.random.default_rng(0).random((2, 6, 4)).astype(np.float32)
    means = patch_means(maps, (3, 2))
    for n in range(2):
        for row in range(3):
            for column in range(2):
                part = maps[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                assert means[n, 2 * row + column] == pytest.approx(part.mean(), abs=1e-6)
    with pytest.raises(ValueError, match="does not divide"):
        patch_means(maps, (4, 2))


def test_the_layer_is_the_last_feature_map_or_the_named_one() -> None:
    net = build(ARCHS["resnet10-slim"], 10, 3, 32)
    images, labels = pictures(3, 32), np.arange(3)
    last = cam_maps(CamNetwork(net, MEAN, STD), images, labels, "cpu")
    assert np.allclose(last, cam_maps(CamNetwork(net, MEAN, STD, layer="layer4"), images, labels, "cpu"))
    assert not np.allclose(last, cam_maps(CamNetwork(net, MEAN, STD, layer="layer2"), images, labels, "cpu"))
    with pytest.raises(UsageError, match=r"'nix' is no layer of ResNet; layers: .*layer4"):
        cam_maps(CamNetwork(net, MEAN, STD, layer="nix"), images, labels, "cpu")


def test_networks_without_feature_maps_are_refused() -> None:
    with pytest.raises(UsageError, match="is a transformer"):
        cam_maps(CamNetwork(build(ARCHS["vit"], 10, 3, 32), MEAN, STD), pictures(1, 32), np.zeros(1, int), "cpu")
    grey = pictures(1)[..., :1]
    net = build(ARCHS["digits-mlp"], 10, 1, 8)
    with pytest.raises(UsageError, match="no feature map"):
        cam_maps(CamNetwork(net, MEAN[:1], STD[:1]), grey, np.zeros(1, int), "cpu")


def test_without_the_library_there_is_a_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    with pytest.raises(UsageError, match=r"pip install 'dqbench\[pixels\]', or use importance=random"):
        cam_maps(CamNetwork(TwoMaps(), MEAN, STD), pictures(), np.zeros(6, int), "cpu")


def test_imagenet_weights_come_from_a_file_and_are_missed_clearly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm

    net = timm.create_model("resnet18", pretrained=False)
    save_file(net.state_dict(), tmp_path / "r18.safetensors")
    loaded = imagenet_resnet18(str(tmp_path / "r18.safetensors"))
    assert torch.equal(loaded.state_dict()["fc.weight"], net.state_dict()["fc.weight"])
    save_file({"fc.weight": torch.zeros(3)}, tmp_path / "wrong.safetensors")
    with pytest.raises(UsageError, match="holds no weights of timm's resnet18"):
        imagenet_resnet18(str(tmp_path / "wrong.safetensors"))

    def offline(*args: object, **more: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UsageError, match=r"cannot be had \(OSError\); go online, or give a file with cam_weights"):
        imagenet_resnet18("")
