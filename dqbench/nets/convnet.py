"""The ConvNet of the dataset-condensation papers, with timm's interface."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def instance_norm(width: int) -> nn.Module:
    """Affine instance norm, written as group norm with one group per channel (which also keeps no statistics)."""
    return nn.GroupNorm(width, width)


class ConvNet(nn.Module):
    """``depth`` blocks of 3x3 convolution, norm, ReLU and 2x2 average pooling; the flattened map feeds a linear layer.

    Zhao, Mopuri, Bilen, Dataset Condensation with Gradient Matching, ICLR 2021, section 4.

    Args:
        num_classes: width of the classifier.
        in_chans: channels of the images.
        image_size: side of the images in pixels; odd maps lose their last row and column in pooling.
        depth: blocks.
        width: channels of every block.
        norm: makes the norm of a block from its width.
    """

    def __init__(
        self,
        num_classes: int,
        in_chans: int,
        image_size: int,
        depth: int = 3,
        width: int = 128,
        norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(in_chans if i == 0 else width, width, 3, padding=1),
                norm(width),
                nn.ReLU(inplace=True),
                nn.AvgPool2d(2),
            )
            for i in range(depth)
        )
        self.num_features = width * (image_size // 2**depth) ** 2
        self.head = nn.Linear(self.num_features, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """The last feature map, (b, width, h, w)."""
        for block in self.blocks:
            x = block(x)
        return x

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Logits (b, classes) of a last feature map, or with ``pre_logits`` the flattened map (b, d)."""
        x = x.flatten(1)
        return x if pre_logits else self.head(x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (b, classes) of normalised images (b, c, h, w)."""
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(
        self, x: torch.Tensor, intermediates_only: bool = False, output_fmt: str = "NCHW"
    ) -> list[torch.Tensor] | tuple[torch.Tensor, list[torch.Tensor]]:
        """The last feature map and every block's, or the latter alone."""
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return maps if intermediates_only else (x, maps)

    def get_classifier(self) -> nn.Linear:
        """The last layer."""
        return self.head


def convnet3_in(num_classes: int, in_chans: int, image_size: int) -> ConvNet:
    """Depth 3, width 128, affine instance norm."""
    return ConvNet(num_classes, in_chans, image_size, norm=instance_norm)


def convnet3_bn(num_classes: int, in_chans: int, image_size: int) -> ConvNet:
    """Depth 3, width 128, batch norm."""
    return ConvNet(num_classes, in_chans, image_size)


def convnet3_slim(num_classes: int, in_chans: int, image_size: int) -> ConvNet:
    """Depth 3, width 32, batch norm."""
    return ConvNet(num_classes, in_chans, image_size, width=32)


def convnet4_slim(num_classes: int, in_chans: int, image_size: int) -> ConvNet:
    """Depth 4, width 32, batch norm."""
    return ConvNet(num_classes, in_chans, image_size, depth=4, width=32)


def convnet3_in_slim(num_classes: int, in_chans: int, image_size: int) -> ConvNet:
    """Depth 3, width 32, affine instance norm."""
    return ConvNet(num_classes, in_chans, image_size, width=32, norm=instance_norm)
