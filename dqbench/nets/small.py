"""Small networks for smoke runs on a CPU and for the 8 px digits."""

from __future__ import annotations

import torch
from timm.models.resnet import BasicBlock
from torch import nn

from dqbench.nets.cifar import resnet
from dqbench.nets.convnet import ConvNet


def resnet10_slim(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ResNet with one basic block per stage, widths 16, 32, 64, 128 and a 3x3 stem of stride 2."""
    return resnet(
        BasicBlock, (1, 1, 1, 1), stride=2, channels=(16, 32, 64, 128), num_classes=num_classes, in_chans=in_chans
    )


def digits_cnn(num_classes: int, in_chans: int, image_size: int) -> ConvNet:
    """ConvNet of depth 2 and width 16 with batch norm: 64 features at 8 px."""
    return ConvNet(num_classes, in_chans, image_size, depth=2, width=16)


class DigitsMLP(nn.Module):
    """Two hidden layers with ReLU on the flattened image, with timm's interface.

    Args:
        num_classes: width of the classifier.
        in_chans: channels of the images.
        image_size: side of the images in pixels.
        width: units of each hidden layer.
    """

    def __init__(self, num_classes: int, in_chans: int, image_size: int, width: int = 128) -> None:
        super().__init__()
        inputs = in_chans * image_size**2
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(i, width), nn.ReLU(inplace=True)) for i in (inputs, width))
        self.num_features = width
        self.head = nn.Linear(width, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """The second hidden layer, (b, width)."""
        x = x.flatten(1)
        for layer in self.layers:
            x = layer(x)
        return x

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Logits (b, classes) of the second hidden layer, or with ``pre_logits`` that layer itself."""
        return x if pre_logits else self.head(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (b, classes) of normalised images (b, c, h, w)."""
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(
        self, x: torch.Tensor, intermediates_only: bool = False, output_fmt: str = "NCHW"
    ) -> list[torch.Tensor] | tuple[torch.Tensor, list[torch.Tensor]]:
        """The second hidden layer and both as maps of one pixel (b, width, 1, 1), or the maps alone."""
        maps = []
        x = x.flatten(1)
        for layer in self.layers:
            x = layer(x)
            maps.append(x[:, :, None, None])
        return maps if intermediates_only else (x, maps)

    def get_classifier(self) -> nn.Linear:
        """The last layer."""
        return self.head


def digits_mlp(num_classes: int, in_chans: int, image_size: int) -> DigitsMLP:
    """Two hidden layers of 128."""
    return DigitsMLP(num_classes, in_chans, image_size)
