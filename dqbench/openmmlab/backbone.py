"""A network that dqbench trained becomes the backbone of one of OpenMMLab's models: every weight, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dqbench.errors import UsageError

CLASSIFIER = "fc."


@dataclass(frozen=True)
class Shape:
    """What configs must know of a ResNet: its depth, and the channels of its four stages."""

    depth: int
    channels: tuple[int, int, int, int]


SHAPES = {
    "resnet18": Shape(18, (64, 128, 256, 512)),
    "resnet50": Shape(50, (256, 512, 1024, 2048)),
    "resnet101": Shape(101, (256, 512, 1024, 2048)),
}
"""The architectures that can be backbones."""


def shape_of(arch: str) -> Shape:
    """The shape of an architecture.

    Raises:
        UsageError: it is no ResNet that the libraries have.
    """
    if arch not in SHAPES:
        raise UsageError(f"{arch} cannot be the backbone here; take one of {', '.join(SHAPES)}")
    return SHAPES[arch]


def convert(trained: Mapping[str, Tensor], backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights and running statistics of a trained network without its classifier, by the backbone's names.

    timm, torchvision and OpenMMLab name a plain ResNet's weights alike, so that all must be there in the same shapes.

    Args:
        trained: of a network with the classifier ``fc``.
        backbone: what the library's backbone has.

    Raises:
        UsageError: a weight that is missing, or one too many, or of another shape.
    """
    found = {name: value for name, value in trained.items() if not name.startswith(CLASSIFIER)}
    for name, value in backbone.items():
        if name in found and found[name].shape != value.shape:
            raise UsageError(
                f"the network does not fit the backbone: {name} is {_by(found[name])}, not {_by(value)}"
                + ("; it has the stem for small images: train it at 160 px or more" if name == "conv1.weight" else "")
            )
    missing, others = sorted(backbone.keys() - found.keys()), sorted(found.keys() - backbone.keys())
    if missing or others:
        parts = [f"it lacks {len(missing)} weights ({missing[0]}, …)"] if missing else []
        parts += [f"it has {len(others)} that the backbone has not ({others[0]}, …)"] if others else []
        raise UsageError(f"the network does not fit the backbone: {' and '.join(parts)}; choose another architecture")
    return found


def not_arrived(weights: Mapping[str, Tensor], backbone: Mapping[str, Tensor]) -> list[str]:
    """Names of the backbone's entries that are not, bit for bit, those of ``weights``."""
    names = sorted(weights.keys() | backbone.keys())
    return [
        name
        for name in names
        if name not in weights or name not in backbone or not torch.equal(weights[name].cpu(), backbone[name].cpu())
    ]


def _by(value: Tensor) -> str:
    return "×".join(str(length) for length in value.shape) or "one number"
