"""Forms made for ImageNet, from timm, with the stochastic depth and dropout that their papers train with."""

from __future__ import annotations

from typing import Any, cast

from timm.models.convnext import convnext_tiny
from timm.models.efficientnet import efficientnet_b0, mobilenetv2_100
from timm.models.swin_transformer import SwinTransformer
from timm.models.vision_transformer import vit_base_patch16_224, vit_small_patch16_224
from torch import nn

FROM = 160
"""Sides from here up take the form made for ImageNet; smaller images would vanish in its strides."""


def vit_small(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ViT-S/16, stochastic depth 0.1 (Touvron et al. 2021: DeiT-S)."""
    net = vit_small_patch16_224(num_classes=num_classes, in_chans=in_chans, img_size=image_size, drop_path_rate=0.1)
    return cast("nn.Module", net)


def vit_base(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ViT-B/16 (Dosovitskiy et al. 2021), stochastic depth 0.1."""
    net = vit_base_patch16_224(num_classes=num_classes, in_chans=in_chans, img_size=image_size, drop_path_rate=0.1)
    return cast("nn.Module", net)


def swin_tiny(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """Swin-T (Liu et al. 2021), stochastic depth 0.2; the window is 1/32 of the side: 7 at 224 px."""
    net = SwinTransformer(
        img_size=image_size,
        window_size=image_size // 32,
        in_chans=in_chans,
        num_classes=num_classes,
        drop_path_rate=0.2,
    )
    return cast("nn.Module", net)


def convnext(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """ConvNeXt-T (Liu et al. 2022), stochastic depth 0.1."""
    return cast("nn.Module", convnext_tiny(num_classes=num_classes, in_chans=in_chans, drop_path_rate=0.1))


def mobilenetv2(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """MobileNetV2 1.0 (Sandler et al. 2018)."""
    return cast("nn.Module", mobilenetv2_100(num_classes=num_classes, in_chans=in_chans))


def efficientnet(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """EfficientNet-B0 (Tan and Le 2019), dropout and stochastic depth 0.2; below 160 px its stem has stride 1."""
    net: Any = efficientnet_b0(num_classes=num_classes, in_chans=in_chans, drop_rate=0.2, drop_path_rate=0.2)
    if image_size < FROM:
        for convolution in (net.conv_stem, net.blocks[1][0].conv_dw):
            convolution.stride = (1, 1)
    return cast("nn.Module", net)
