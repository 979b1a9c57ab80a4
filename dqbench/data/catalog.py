"""The data sets that come with dqbench."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dqbench.data.imagenet_classes import IMAGENETTE, IMAGEWOOF
from dqbench.hookspecs import hookimpl
from dqbench.specs import DatasetSpec


@hookimpl
def dqbench_datasets() -> Iterable[DatasetSpec]:
    """Handwritten digits, which need no download, CIFAR-10, and subsets of ImageNet at several sizes."""
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
    )
    for size in (64, 128, 224):
        yield _imagenet_subset(
            "imagenette", size, IMAGENETTE, (9469, 3925), "photographs of 10 easily told things, from ImageNet"
        )
        yield _imagenet_subset(
            "imagewoof", size, IMAGEWOOF, (9025, 3929), "photographs of 10 breeds of dogs, from ImageNet"
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
        licence="the lists: Apache-2.0; the photographs: ImageNet's terms, for non-commercial research",
        citation=f"J. Howard: {name.capitalize()}, 2019; J. Deng et al.: ImageNet: A Large-Scale Hierarchical Image "
        "Database, CVPR 2009",
        class_names=tuple(classes),
        class_titles=tuple(classes.values()),
    )
