"""Every weight of a backbone arrives, or it is said which did not."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import Tensor

from dqbench.errors import UsageError
from dqbench.nets.cifar import resnet18, resnet50
from dqbench.openmmlab.backbone import SHAPES, convert, not_arrived, shape_of
from dqbench.openmmlab.options import ARCHS


def body(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith("fc.")}


def test_torchvisions_names_are_ours() -> None:
    ours = resnet50(num_classes=10, in_chans=3, image_size=224).state_dict()
    theirs = body(torchvision.models.resnet50(weights=None).state_dict())
    found = convert(ours, theirs)
    assert found.keys() == theirs.keys()
    assert not_arrived(found, body(ours)) == []
    assert convert(timm.create_model("resnet50").state_dict(), theirs).keys() == theirs.keys()


def test_the_shapes_are_those_of_the_networks() -> None:
    assert tuple(SHAPES) == ARCHS
    for arch, shape in SHAPES.items():
        net = timm.create_model(arch)
        assert tuple(info["num_chs"] for info in net.feature_info[1:]) == shape.channels
        blocks = sum(len(getattr(net, f"layer{i}")) for i in range(1, 5))
        assert shape.depth == 2 + blocks * (2 if arch == "resnet18" else 3)
    with pytest.raises(UsageError, match="vit cannot be the backbone here; take one of resnet18"):
        shape_of("vit")


def test_the_stem_for_small_images_does_not_fit(trained: dict[str, Tensor]) -> None:
    small = resnet18(num_classes=10, in_chans=3, image_size=32).state_dict()
    with pytest.raises(UsageError, match=r"conv1.weight is 64×3×3×3, not 64×3×7×7; it has the stem for small images"):
        convert(small, body(trained))


def test_other_networks_do_not_fit(trained: dict[str, Tensor]) -> None:
    wide = resnet50(num_classes=10, in_chans=3, image_size=224).state_dict()
    with pytest.raises(UsageError, match=r"layer1.0.conv1.weight is 64×64×1×1, not 64×64×3×3"):
        convert(wide, body(trained))
    with pytest.raises(UsageError, match=r"it lacks 1 weights \(bn1.running_var, …\)"):
        convert({name: value for name, value in trained.items() if name != "bn1.running_var"}, body(trained))
    with pytest.raises(UsageError, match=r"it has 1 that the backbone has not \(layer5.weight, …\)"):
        convert({**trained, "layer5.weight": torch.ones(1)}, body(trained))


@pytest.mark.parametrize("name", ["conv1.weight", "layer4.1.bn2.running_var", "bn1.num_batches_tracked"])
def test_one_entry_that_differs_is_found(trained: dict[str, Tensor], name: str) -> None:
    weights = body(trained)
    assert not_arrived(weights, weights) == []
    assert not_arrived(weights, {**weights, name: weights[name] + 1}) == [name]
    assert not_arrived(weights, {one: value for one, value in weights.items() if one != name}) == [name]
    assert not_arrived({one: value for one, value in weights.items() if one != name}, weights) == [name]
