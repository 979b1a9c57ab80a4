"""The data sets that come with dqbench."""

from __future__ import annotations

from collections.abc import Iterable

from dqbench.hookspecs import hookimpl
from dqbench.specs import DatasetSpec


@hookimpl
def dqbench_datasets() -> Iterable[DatasetSpec]:
    """Handwritten digits, which need no download, and CIFAR-10."""
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
