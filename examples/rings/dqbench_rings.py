"""Rings: a data set of made images, an architecture, and two tasks on them. The whole plugin is this file.

``rings-nll`` trains networks on what is kept and scores their negative log likelihood: nats, the lower the better.
``rings-knn`` trains none: it asks for the kept set and the observer, and takes the class of the nearest kept features.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dqbench import ArchSpec, DatasetSpec, ObserverSpec, Profile, Recipe, TaskSpec, hookimpl

if TYPE_CHECKING:
    from torch import nn

    from dqbench import KeptImages, Observed

CLASSES, SIDE, TRAIN, TEST = 3, 8, 240, 120
RECIPE = Recipe(name="rings-20", epochs=20, batch_size=32, optimizer="adamw", lr=0.01, weight_decay=0.01)
SMOKE = Profile(
    archs=("rings-mlp",), keeps=(0.1, 0.3), recipes={"*": RECIPE}, observer=ObserverSpec("rings-mlp", RECIPE), seeds=2
)


@hookimpl
def dqbench_datasets() -> Iterable[DatasetSpec]:
    """A loader that needs no file: ``target`` returns the arrays, which dqbench then keeps."""
    yield DatasetSpec(
        name="rings",
        target="dqbench_rings:load",
        classes=CLASSES,
        shape=(SIDE, SIDE, 1),
        counts=(TRAIN, TEST),
        origin="bundled",
        summary="rings of three widths on noise, 8x8 grey",
        licence="CC0",
        citation="made by the plugin",
    )


@hookimpl
def dqbench_archs() -> Iterable[ArchSpec]:
    """``target`` is called with ``num_classes``, ``in_chans`` and ``image_size``."""
    yield ArchSpec(
        name="rings-mlp", target="dqbench_rings:mlp", sizes=(SIDE,), summary="one hidden layer of 32", source="own"
    )


@hookimpl
def dqbench_tasks() -> Iterable[TaskSpec]:
    """One task that trains networks, and one that scores the kept set itself."""
    shared: dict[str, Any] = {
        "version": 1, "dataset": "rings", "licence": "CC0", "citation": "made by the plugin",
        "smoke_leaves_out": "nothing", "profiles": {"smoke": SMOKE},
    }  # fmt: skip
    yield TaskSpec(
        name="rings-nll",
        summary="negative log likelihood of rings by networks trained on what a method keeps",
        metric="nll",
        unit="nats",
        better="lower",
        evaluator="dqbench_rings:negative_log_likelihood",
        **shared,
    )
    yield TaskSpec(
        name="rings-knn",
        summary="accuracy on rings of the nearest kept sample in the observer's features",
        metric="top1",
        needs=("kept", "observer"),
        trains=False,
        evaluator="dqbench_rings:nearest_kept",
        **shared,
    )


def load() -> Any:
    """uint8 images (n, 8, 8, 1) and labels (n,) to train on and to test."""
    import numpy as np

    from dqbench import generator
    from dqbench.data.arrays import Arrays

    rng = generator(0, "rings")
    labels = np.arange(TRAIN + TEST) % CLASSES
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(x, y)[None]
    rings = 200 * np.exp(-((radius - (0.5 + 1.2 * labels[:, None, None])) ** 2))
    images = np.clip(rings + rng.normal(0, 40, rings.shape), 0, 255).astype(np.uint8)[..., None]
    names = ("small", "middle", "wide")
    return Arrays(images[:TRAIN], labels[:TRAIN], images[TRAIN:], labels[TRAIN:], names, "bundled")


def mlp(num_classes: int, in_chans: int, image_size: int) -> nn.Module:
    """A torch module with timm's parts: features, head, intermediates and classifier."""
    import torch
    from torch import nn

    class MLP(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(in_chans * image_size**2, 32)
            self.classifier = nn.Linear(32, num_classes)

        def forward_features(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.hidden(x.flatten(1)))

        def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
            return x if pre_logits else self.classifier(x)

        def forward_intermediates(self, x: torch.Tensor, **_: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
            features = self.forward_features(x)
            return features, [features[:, :, None, None]]

        def get_classifier(self) -> nn.Module:
            return self.classifier

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.classifier(self.forward_features(x))

    return MLP()


def negative_log_likelihood(net: Any, test: Any, source: Any, device: str, precision: str) -> dict[str, Any]:
    """Mean over the test images; ``predictions`` give the page its table of classes."""
    import numpy as np
    from scipy.special import log_softmax

    from dqbench.train.predict import predict

    logits = predict(net, test.images, device=device, precision=precision, mean=source.mean, std=source.std)
    each = -log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(logits)), test.labels]
    return {"nll": each.mean(), "predictions": logits.argmax(axis=1)}


def nearest_kept(
    test: Any, source: Any, device: str, precision: str, *, kept: KeptImages, observed: Observed
) -> dict[str, Any]:
    """The class of the nearest kept sample; what the evaluator needs comes by these names."""
    import numpy as np

    own, seen = (observed.look(images, precision)[1] for images in (kept.images, test.images))
    nearest = ((seen[:, None] - own[None]) ** 2).sum(axis=2).argmin(axis=1)
    found = kept.targets(source.classes).argmax(axis=1)[nearest]
    return {"top1": 100 * np.mean(found == test.labels), "predictions": found}
