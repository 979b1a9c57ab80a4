"""The architectures that ship with dqbench, as specs; their code is loaded when one is built."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.hookspecs import hookimpl
from dqbench.specs import ArchSpec

_TIMM = "timm"
_ANY = (28, 32, 48, 64, 96, 128, 160, 192, 224)
"""Sizes of nets that pool globally: the form is made for 32 px, and larger images cost more."""

_LARGE = (160, 192, 224)
"""Sizes of the forms made for ImageNet."""

_DC = "own; Zhao, Mopuri, Bilen, Dataset Condensation with Gradient Matching, ICLR 2021, section 4"

_AIRBENCH = "own; after Jordan, 94 % on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv:2404.00498"

_SPECS = (
    ArchSpec(
        name="resnet18",
        target="dqbench.nets.cifar:resnet18",
        sizes=_ANY,
        summary="ResNet-18, CIFAR form (3x3 stem of stride 1, no max-pool); from 160 px up the ImageNet form",
        source=_TIMM,
    ),
    ArchSpec(
        name="resnet50",
        target="dqbench.nets.cifar:resnet50",
        sizes=_ANY,
        summary="ResNet-50, CIFAR form (3x3 stem of stride 1, no max-pool); from 160 px up the ImageNet form",
        source=_TIMM,
    ),
    ArchSpec(
        name="resnet101",
        target="dqbench.nets.cifar:resnet101",
        sizes=_ANY,
        summary="ResNet-101, CIFAR form (3x3 stem of stride 1, no max-pool); from 160 px up the ImageNet form",
        source=_TIMM,
    ),
    ArchSpec(
        name="vit",
        target="dqbench.nets.cifar:vit",
        sizes=(32, *_LARGE),
        summary="ViT at 32 px: patch 4, width 512, depth 6, 8 heads, MLP 512, dropout 0.1; from 160 px up ViT-S/16",
        source=_TIMM,
    ),
    ArchSpec(
        name="swin",
        target="dqbench.nets.cifar:swin",
        sizes=(32, *_LARGE),
        summary="Swin-T widths and depths, at 32 px with patch 2 and window 4; from 160 px up Swin-T",
        source=_TIMM,
    ),
    ArchSpec(
        name="convnext",
        target="dqbench.nets.cifar:convnext",
        sizes=(32, 64, 96, 128, *_LARGE),
        summary="ConvNeXt-T with its 4x4 patch stem; from 160 px up with stochastic depth",
        source=_TIMM,
    ),
    ArchSpec(
        name="mobilenetv2",
        target="dqbench.nets.cifar:mobilenetv2",
        sizes=(32, 64, 96, 128, *_LARGE),
        summary="MobileNetV2 1.0, CIFAR form: stem and second stage of stride 1; from 160 px up the ImageNet form",
        source=_TIMM,
    ),
    ArchSpec(
        name="efficientnet-b0",
        target="dqbench.nets.imagenet:efficientnet",
        sizes=(32, 64, 96, 128, *_LARGE),
        summary="EfficientNet-B0, CIFAR form: stem and second stage of stride 1; from 160 px up the ImageNet form",
        source=_TIMM,
    ),
    ArchSpec(
        name="vit-base",
        target="dqbench.nets.imagenet:vit_base",
        sizes=_LARGE,
        summary="ViT-B/16: the observer of DQ and ADQ on ImageNet",
        source=_TIMM,
    ),
    ArchSpec(
        name="convnet3-in",
        target="dqbench.nets.convnet:convnet3_in",
        sizes=(32,),
        summary="ConvNet of depth 3, width 128, instance norm: 2,048 features at 32 px",
        source=_DC,
    ),
    ArchSpec(
        name="convnet3-bn",
        target="dqbench.nets.convnet:convnet3_bn",
        sizes=(32,),
        summary="ConvNet of depth 3, width 128, batch norm: 2,048 features at 32 px",
        source=_DC,
    ),
    ArchSpec(
        name="resnet10-slim",
        target="dqbench.nets.small:resnet10_slim",
        sizes=_ANY,
        summary="ResNet with one block per stage, widths 16 to 128, stride-2 stem: for smoke runs on a CPU",
        source=_TIMM,
    ),
    ArchSpec(
        name="convnet3-slim",
        target="dqbench.nets.convnet:convnet3_slim",
        sizes=(32,),
        summary="convnet3-bn with width 32: for smoke runs on a CPU",
        source="own",
    ),
    ArchSpec(
        name="convnet4-slim",
        target="dqbench.nets.convnet:convnet4_slim",
        sizes=_ANY,
        summary="ConvNet of depth 4, width 32, batch norm, 512 features at 64 px: for smoke runs on a CPU",
        source="own",
    ),
    ArchSpec(
        name="convnet3-in-slim",
        target="dqbench.nets.convnet:convnet3_in_slim",
        sizes=(32, 64),
        summary="convnet3-in with width 32, 2,048 features at 64 px: for smoke runs on a CPU",
        source="own",
    ),
    ArchSpec(
        name="fastnet",
        target="dqbench.nets.fastnet:fastnet",
        sizes=_ANY,
        summary="VGG-like net of widths 64, 256, 256 whose first layer whitens patches of the kept images",
        source=_AIRBENCH,
    ),
    ArchSpec(
        name="fastnet-slim",
        target="dqbench.nets.fastnet:fastnet_slim",
        sizes=_ANY,
        summary="fastnet at half width: 32, 128, 128; for whole data sets on CPU cores",
        source=_AIRBENCH,
    ),
    ArchSpec(
        name="digits-cnn",
        target="dqbench.nets.small:digits_cnn",
        sizes=(8,),
        summary="ConvNet of depth 2, width 16, batch norm, for 8 px digits",
        source="own",
    ),
    ArchSpec(
        name="digits-mlp",
        target="dqbench.nets.small:digits_mlp",
        sizes=(8,),
        summary="Multi-layer perceptron with two hidden layers of 128, for 8 px digits",
        source="own",
    ),
    ArchSpec(
        name="llama-mini",
        target="dqbench.language.model:build",
        sizes=(),
        summary="a LLaMA of 4 layers, width 128, 4 heads and tied embeddings: 1.1 M weights with 2,048 tokens",
        source="transformers' LlamaForCausalLM",
        data="texts",
    ),
    ArchSpec(
        name="checkpoint",
        target="dqbench.language.model:read",
        sizes=(),
        summary="your own language model: --set model=DIR, a folder that transformers reads",
        source="yours",
        data="texts",
    ),
)


@hookimpl
def dqbench_archs() -> Iterable[ArchSpec]:
    """The built-in architectures."""
    return _SPECS
