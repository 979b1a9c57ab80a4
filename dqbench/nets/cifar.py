"""CIFAR forms of well-known architectures: timm's code, with the strides and stems that 32 px images need.

From 160 px up each is what :mod:`dqbench.nets.imagenet` makes of it.
"""

from __future__ import annotations

from typing import Any, cast

from timm.models.convnext import ConvNeXt
from timm.models.efficientnet import mobilenetv2_100
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from dqbench.nets import imagenet


def resnet(block: type[BasicBlock | Bottleneck], layers: tuple[int, ...], stride: int, **options: Any) -> nn.Module:
    """timm's ResNet with a 3x3 stem of the given stride and no max-pool; the residual branches start at full gain."""
    net: Any = ResNet(block, layers, zero_init_last=False, **options)  # type: ignore[arg-type]
    stem = nn.Conv2d(net.conv1.in_channels, net.conv1.out_channels, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    net.conv1, net.maxpool = stem, nn.Identity()
    return cast("nn.Module", net)


def resnet18(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ResNet-18 (He et al. 2016): the CIFAR literature's form below 160 px, else the paper's."""
    return _resnet_for(image_size, BasicBlock, (2, 2, 2, 2), num_classes=num_classes, in_chans=in_chans)


def resnet50(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ResNet-50 (He et al. 2016): the CIFAR literature's form below 160 px, else the paper's."""
    return _resnet_for(image_size, Bottleneck, (3, 4, 6, 3), num_classes=num_classes, in_chans=in_chans)


def resnet101(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ResNet-101 (He et al. 2016): the CIFAR literature's form below 160 px, else the paper's."""
    return _resnet_for(image_size, Bottleneck, (3, 4, 23, 3), num_classes=num_classes, in_chans=in_chans)


def _resnet_for(
    image_size: int, block: type[BasicBlock | Bottleneck], layers: tuple[int, ...], **options: Any
) -> nn.Module:
    """The 7x7 stem of stride 2 and the max-pool are for images from 160 px up; smaller ones would vanish in them."""
    if image_size < imagenet.FROM:
        return resnet(block, layers, stride=1, **options)
    net = ResNet(block, layers, zero_init_last=False, **options)  # type: ignore[arg-type]
    return cast("nn.Module", net)


def vit(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ViT (Dosovitskiy et al. 2021) with 64 tokens at 32 px: patch 4, width 512, depth 6, heads 8, MLP 512."""
    if image_size >= imagenet.FROM:
        return imagenet.vit_small(num_classes, in_chans, image_size)
    return cast(
        "nn.Module",
        VisionTransformer(
            img_size=image_size,
            patch_size=4,
            in_chans=in_chans,
            num_classes=num_classes,
            embed_dim=512,
            depth=6,
            num_heads=8,
            mlp_ratio=1.0,
            pos_drop_rate=0.1,
            proj_drop_rate=0.1,
        ),
    )


def swin(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """Swin (Liu et al. 2021) with Swin-T's widths, depths and heads; patch 2 and window 4 at 32 px."""
    if image_size >= imagenet.FROM:
        return imagenet.swin_tiny(num_classes, in_chans, image_size)
    return cast(
        "nn.Module",
        SwinTransformer(img_size=image_size, patch_size=2, window_size=4, in_chans=in_chans, num_classes=num_classes),
    )


def convnext(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ConvNeXt-T (Liu et al. 2022) with its 4x4 patch stem, so that the last stage is 1x1 at 32 px."""
    if image_size >= imagenet.FROM:
        return imagenet.convnext(num_classes, in_chans, image_size)
    return cast("nn.Module", ConvNeXt(in_chans=in_chans, num_classes=num_classes))


def mobilenetv2(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """MobileNetV2 1.0 (Sandler et al. 2018) with stride 1 in the stem and in the second stage."""
    if image_size >= imagenet.FROM:
        return imagenet.mobilenetv2(num_classes, in_chans, image_size)
    net: Any = mobilenetv2_100(pretrained=False, num_classes=num_classes, in_chans=in_chans)
    for convolution in (net.conv_stem, net.blocks[1][0].conv_dw):
        convolution.stride = (1, 1)
    return cast("nn.Module", net)
