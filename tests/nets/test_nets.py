"""Every architecture of the catalogue keeps timm's interface, trains, and has the parameters of the form it names."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from dqbench.errors import UsageError
from dqbench.nets.build import build, layout, logits_and_features, pooled_intermediates, to_device
from dqbench.nets.catalog import dqbench_archs
from dqbench.nets.convnet import instance_norm

torch.set_num_threads(1)
SPECS = {spec.name: spec for spec in dqbench_archs()}
PARAMETERS = {  # at 10 classes and 3 channels, as in the forms' sources
    "resnet18": 11_173_962,
    "resnet50": 23_520_842,
    "resnet101": 42_512_970,
    "mobilenetv2": 2_236_682,
    "convnet3-in": 320_010,
    "convnet3-bn": 320_010,
}


@pytest.fixture(params=sorted(name for name, spec in SPECS.items() if spec.sizes))
def net_and_images(request: pytest.FixtureRequest) -> tuple[nn.Module, torch.Tensor]:
    spec = SPECS[request.param]
    channels = 1 if spec.sizes == (8,) else 3
    torch.manual_seed(0)
    net = build(spec, 10, channels, spec.sizes[0])
    return net, torch.randn(2, channels, spec.sizes[0], spec.sizes[0])


def test_features_classifier_and_intermediates_agree_with_the_forward_pass(
    net_and_images: tuple[nn.Module, torch.Tensor],
) -> None:
    net, images = net_and_images
    net.eval()
    with torch.no_grad():
        logits, features = logits_and_features(net, images)
        pyramid = pooled_intermediates(net, images)
        maps = net.forward_intermediates(images, intermediates_only=True, output_fmt="NCHW")
    torch.testing.assert_close(logits, net(images).detach())
    torch.testing.assert_close(logits, net.get_classifier()(features))
    assert type(net.get_classifier()) is nn.Linear
    assert all(m.ndim == 4 and len(m) == 2 for m in maps)
    torch.testing.assert_close(pyramid[:, -features.shape[1] :], features)
    first = maps[0].mean(dim=(2, 3))
    torch.testing.assert_close(pyramid[:, : first.shape[1]], first)
    assert pyramid.shape[1] == sum(m.shape[1] for m in maps) + features.shape[1]


def test_it_takes_a_training_step_that_moves_every_parameter(net_and_images: tuple[nn.Module, torch.Tensor]) -> None:
    net, images = net_and_images
    to_device(net, torch.device("cpu")).train()
    loss = nn.functional.cross_entropy(net(images.contiguous(memory_format=layout(net))), torch.tensor([0, 1]))
    loss.backward()
    learn = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    without = [name for name, parameter in learn.items() if parameter.grad is None]
    assert torch.isfinite(loss)
    assert not without


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameter_counts_are_those_of_the_cited_forms(name: str) -> None:
    net = build(SPECS[name], 10, 3, 32)
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize(("name", "count"), [("resnet18", 11_181_642), ("resnet50", 23_528_522)])
def test_from_160_px_up_a_resnet_has_the_form_made_for_imagenet(name: str, count: int) -> None:
    for size in (160, 224):
        net = build(SPECS[name], 10, 3, size)
        assert sum(p.numel() for p in net.parameters()) == count
        assert net.conv1.kernel_size == (7, 7)
    net = build(SPECS["resnet18"], 10, 3, 224)
    with torch.no_grad():
        assert net.forward_features(torch.zeros(1, 3, 224, 224)).shape == (1, 512, 7, 7)
    assert build(SPECS[name], 10, 3, 128).conv1.kernel_size == (3, 3)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("vit", 22_050_664),
        ("vit-base", 86_567_656),
        ("swin", 28_288_354),
        ("convnext", 28_589_128),
        ("mobilenetv2", 3_504_872),
        ("efficientnet-b0", 5_288_548),
    ],
)
def test_at_224_px_and_1000_classes_a_net_is_the_one_of_its_paper(name: str, count: int) -> None:
    net = build(SPECS[name], 1000, 3, 224)
    assert sum(p.numel() for p in net.parameters()) == count


@pytest.mark.parametrize("name", ["mobilenetv2", "efficientnet-b0"])
def test_below_160_px_the_strides_of_small_images_hold(name: str) -> None:
    for size, side in ((128, 16), (160, 5)):
        net = build(SPECS[name], 10, 3, size).eval()
        with torch.no_grad():
            assert net.forward_features(torch.zeros(1, 3, size, size)).shape[2:] == (side, side)


@pytest.mark.parametrize("name", ["swin", "convnext", "efficientnet-b0", "vit-base"])
def test_stochastic_depth_is_on_in_training_only(name: str) -> None:
    net = build(SPECS[name], 10, 3, 160)
    images = torch.randn(1, 3, 160, 160)
    rates = [m.drop_prob for m in net.modules() if type(m).__name__ == "DropPath"]
    assert 0 < max(rates) < 0.21
    net.eval()
    with torch.no_grad():
        assert torch.equal(net(images), net(images))


@pytest.mark.parametrize(("size", "features"), [(28, 32), (32, 128), (64, 512), (96, 1152)])
def test_the_convnet_of_depth_4_takes_any_size(size: int, features: int) -> None:
    net = build(SPECS["convnet4-slim"], 10, 1, size)
    assert net.num_features == features
    assert net(torch.zeros(2, 1, size, size)).shape == (2, 10)


def test_the_vit_has_64_tokens_and_the_published_widths() -> None:
    net = build(SPECS["vit"], 10, 3, 32)
    assert net.pos_embed.shape == (1, 65, 512)
    assert len(net.blocks) == 6
    assert net.blocks[0].attn.num_heads == 8
    assert net.blocks[0].mlp.fc1.out_features == 512


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2"])
def test_cifar_forms_end_in_a_map_of_4_by_4(name: str) -> None:
    net = build(SPECS[name], 10, 3, 32).eval()
    with torch.no_grad():
        assert net.forward_features(torch.zeros(1, 3, 32, 32)).shape[2:] == (4, 4)


@pytest.mark.parametrize(
    ("name", "channels", "size"),
    [
        (s.name, c, size)
        for s in SPECS.values()
        for c in (1, 3)
        for size in s.sizes
        if size == s.sizes[0] or s.name == "resnet10-slim"
    ],
)
def test_every_listed_size_and_channel_count_is_taken(name: str, channels: int, size: int) -> None:
    net = build(SPECS[name], 7, channels, size).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, channels, size, size)).shape == (1, 7)


def test_wrong_sizes_channels_and_classes_are_named() -> None:
    with pytest.raises(UsageError, match=r"vit takes images of 32, 160, 192, 224 px, not 64"):
        build(SPECS["vit"], 10, 3, 64)
    with pytest.raises(UsageError, match=r"1 or 3 channels, not 4"):
        build(SPECS["resnet18"], 10, 4, 32)
    with pytest.raises(UsageError, match=r"at least 1 class"):
        build(SPECS["resnet18"], 0, 3, 32)


def test_instance_norm_is_instance_norm() -> None:
    x = torch.randn(2, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(instance_norm(5)(x), nn.InstanceNorm2d(5, affine=True)(x))


def test_instance_normed_nets_stay_out_of_channels_last() -> None:
    assert layout(build(SPECS["convnet3-in"], 10, 3, 32)) == torch.contiguous_format
    assert layout(build(SPECS["convnet3-bn"], 10, 3, 32)) == torch.channels_last


def test_the_catalogue_and_the_recipes_import_no_torch() -> None:
    code = "import sys, dqbench.nets.catalog, dqbench.train.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
