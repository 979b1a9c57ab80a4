"""The data sets that come with dqbench."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dqbench.data.cifar_classes import CIFAR100
from dqbench.data.imagenet_classes import IMAGENET10, IMAGENET100, IMAGENETTE, IMAGEWOOF, TINY_IMAGENET
from dqbench.hookspecs import hookimpl
from dqbench.specs import DatasetSpec

_TERMS = "ImageNet's terms, for non-commercial research"
_IMAGENET = "J. Deng et al.: ImageNet: A Large-Scale Hierarchical Image Database, CVPR 2009"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the channels, RGB in [0, 1]: what networks that were trained on ImageNet expect."""
"""Channel means and standard deviations that nearly all networks for ImageNet are trained with."""


@hookimpl
def dqbench_datasets() -> Iterable[DatasetSpec]:
    """Handwritten digits, which need no download, CIFAR, and ImageNet with its subsets at several sizes."""
    yield from _small()
    for size in (64, 128, 224):
        yield _imagenet_subset(
            "imagenette", size, IMAGENETTE, (9469, 3925), "photographs of 10 easily told things, from ImageNet"
        )
        yield _imagenet_subset(
            "imagewoof", size, IMAGEWOOF, (9025, 3929), "photographs of 10 breeds of dogs, from ImageNet"
        )
    for size in (224, 128, 64):
        yield from _in_files(size)
    yield ALPACA


def _small() -> Iterable[DatasetSpec]:
    yield DatasetSpec(
        name="digits",
        target="dqbench.data.digits:load",
        classes=10,
        shape=(8, 8, 1),
        counts=(1297, 500),
        origin="bundled",
        summary="scikit-learn's 1,797 handwritten digits, 8x8 gray; 50 of each class are the test set",
        licence="CC BY 4.0",
        citation="E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI Repository, 1998",
        class_names=tuple("0123456789"),
    )
    yield DatasetSpec(
        name="cifar10",
        target="dqbench.data.cifar:load_cifar10",
        classes=10,
        shape=(32, 32, 3),
        counts=(50_000, 10_000),
        origin="download",
        summary="60,000 photographs of 10 kinds of animals and vehicles, 32x32 colour",
        licence="none stated by its authors",
        citation="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
        class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        layout="dqbench.data.cifar:read_cifar10",
    )
    yield DatasetSpec(
        name="cifar100",
        target="dqbench.data.cifar:load_cifar100",
        classes=100,
        shape=(32, 32, 3),
        counts=(50_000, 10_000),
        origin="download",
        summary="60,000 photographs of 100 kinds of things, 32x32 colour",
        licence="none stated by its authors",
        citation="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
        class_names=CIFAR100,
        layout="dqbench.data.cifar:read_cifar100",
    )
    yield DatasetSpec(
        name="tinyimagenet",
        target="",
        classes=200,
        shape=(64, 64, 3),
        counts=(100_000, 10_000),
        origin="import",
        summary="110,000 photographs of 200 classes of ImageNet, 64x64 colour; its validation images are the test set",
        licence=_TERMS,
        citation=f"Stanford CS231n: Tiny ImageNet Challenge, 2015; {_IMAGENET}",
        class_names=TINY_IMAGENET,
        layout="dqbench.data.layouts:find_tiny_imagenet",
    )


def _in_files(size: int) -> Iterable[DatasetSpec]:
    """ImageNet and its subsets, whose images stay where they are."""
    shared: dict[str, Any] = {
        "target": "",
        "shape": (size, size, 3),
        "origin": "import",
        "licence": _TERMS,
        "form": "files",
        "layout": "dqbench.data.layouts:find_imagenet",
        "statistics": (IMAGENET_MEAN, IMAGENET_STD),
    }
    end = "" if size == 224 else f"-{size}"
    read = f"left in their files, read at {size} px"
    idc = "J.-H. Kim et al.: Dataset Condensation via Efficient Synthetic-Data Parameterization, ICML 2022"
    yield DatasetSpec(
        name=f"imagenet1k{end}",
        classes=1000,
        counts=(1_281_167, 50_000),
        summary=f"the 1,000 classes of ILSVRC 2012, {read}",
        citation=f"O. Russakovsky et al.: ImageNet Large Scale Visual Recognition Challenge, IJCV 2015; {_IMAGENET}",
        class_list="dqbench.data.imagenet_classes:imagenet1k",
        **shared,
    )
    yield DatasetSpec(
        name=f"imagenet100{end}",
        classes=100,
        counts=(126_689, 5_000),
        summary=f"100 classes of ImageNet (the list of CMC and IDC), {read}",
        citation=f"Y. Tian et al.: Contrastive Multiview Coding, ECCV 2020; {idc}; {_IMAGENET}",
        class_names=IMAGENET100,
        **shared,
    )
    yield DatasetSpec(
        name=f"imagenet10{end}",
        classes=10,
        counts=(0, 500),
        summary=f"10 classes of ImageNet (the list of IDC), {read}",
        citation=f"{idc}; {_IMAGENET}",
        class_names=tuple(IMAGENET10),
        class_titles=tuple(IMAGENET10.values()),
        **shared,
    )


def _imagenet_subset(
    name: str, size: int, classes: Mapping[str, str], counts: tuple[int, int], what: str
) -> DatasetSpec:
    return DatasetSpec(
        name=f"{name}-{size}",
        target="",
        classes=len(classes),
        shape=(size, size, 3),
        counts=counts,
        origin="import",
        summary=f"{sum(counts):,} {what}, decoded to {size} px: shorter side resized, centre cut out",
        licence=f"the lists: Apache-2.0; the photographs: {_TERMS}",
        citation=f"J. Howard: {name.capitalize()}, 2019; {_IMAGENET}",
        class_names=tuple(classes),
        class_titles=tuple(classes.values()),
    )


ALPACA = DatasetSpec(
    name="alpaca",
    target="",
    classes=0,
    shape=(0, 0, 0),
    counts=(52_002, 0),
    origin="import",
    form="texts",
    summary="52,002 instructions with answers by text-davinci-003; 5 % of the rows are held out as the test set",
    licence="CC BY-NC 4.0",
    citation="R. Taori et al.: Stanford Alpaca: An Instruction-following LLaMA Model, 2023",
)
