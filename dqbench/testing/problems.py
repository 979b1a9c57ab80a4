"""Small made training sets with the traps in them that real ones have, and an observer's view of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dqbench.data.source import Source
from dqbench.seeds import derive, generator
from dqbench.specs import Config, MethodSpec, Recipe

if TYPE_CHECKING:
    from torch import nn

    from dqbench.observe.observed import Observed
    from dqbench.observe.training import Trainer

COUNTS: Mapping[str, tuple[int, ...]] = {
    "unequal": (17, 1, 26, 9),
    "even": (12, 12, 12),
    "duplicates": (10, 14),
}
"""Samples of each class: unequal with a class of one, equal, and a set in which every image is there twice."""

SIDE, CHANNELS = 32, 3


@cache
def source(name: str) -> Source:
    """A made training set of 32x32 colour images; all arrays are read-only, as memory-mapped ones are.

    Ids increase but are not positions, and samples of the classes are mixed.
    """
    counts = COUNTS[name]
    rng = generator(0, "problem", name)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    images = _images(labels, rng)
    if name == "duplicates":
        images = images[_twins(labels)]
    ids = np.sort(rng.choice(50 * len(labels), len(labels), replace=False)).astype(np.int64) + 7
    shares = images.reshape(-1, CHANNELS) / 255.0
    return Source(
        name=f"made-{name}",
        images=_frozen(images),
        labels=_frozen(labels),
        class_names=tuple(f"class {index}" for index in range(len(counts))),
        ids=_frozen(ids),
        content_hash=f"{derive(0, name):016x}" * 4,
        mean=_frozen(shares.mean(axis=0)),
        std=_frozen(shares.std(axis=0)),
    )


def renumbered(original: Source) -> Source:
    """The same set with other ids in the same order."""
    return replace(original, ids=_frozen(original.ids * 3 + 11))


@cache
def observed(name: str) -> Observed:
    """What a small network, with weights that a seed gives, says of the set."""
    from dqbench.observe.observed import Observed
    from dqbench.train.predict import predict

    made = source(name)
    net = _network(made.classes)
    logits, features = predict(
        net(), made.images, device="cpu", precision="fp32", mean=made.mean, std=made.std, features=True
    )
    return Observed(_frozen(features), _frozen(logits), made.labels, "cpu", net, made.mean, made.std)


def looked_through(name: str, spec: MethodSpec, config: Config) -> Observed | None:
    """What a method's ``prepare`` is given to look through."""
    watches = "dynamics" in spec.needs or config.watches()
    if not watches and "observer" not in spec.needs:
        return None
    views = [_watched(name, number) if watches or number else observed(name) for number in range(config.observers())]
    return replace(views[0], repeats=tuple(views[1:]))


@cache
def _watched(name: str, number: int) -> Observed:
    """What a small network says after each of a few epochs."""
    short = trainer(name, 0, watches=True)
    seen = replace(short, recipe=short.recipe.model_copy(update={"epochs": 4}))(None, "watched", number)
    arrays = {what: _frozen(array) for what, array in seen.course().arrays().items()}
    return replace(
        seen, features=_frozen(seen.features), logits=_frozen(seen.logits), dynamics=type(seen.course())(**arrays)
    )


def trainer(name: str, seed: int, watches: bool = False) -> Trainer:
    """What trains such networks on parts of the set, for an epoch."""
    from dqbench.observe.training import Trainer

    recipe = Recipe(name="kit", epochs=1, batch_size=16, lr=0.01)
    return Trainer(
        source(name), _network(source(name).classes, seeded=False), recipe, seed, "cpu", "fp32", watches=watches
    )


def _network(classes: int, seeded: bool = True) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import torch

        from dqbench.nets.convnet import convnet3_slim

        with torch.random.fork_rng(devices=[]) if seeded else nullcontext():
            if seeded:
                torch.manual_seed(1)
            return convnet3_slim(num_classes=classes, in_chans=CHANNELS, image_size=SIDE).eval()

    return build


def _images(labels: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Noise of each sample's own strength on a pattern of its class: samples differ in how typical they are."""
    patterns = rng.integers(0, 256, (int(labels.max()) + 1, 8, 8, CHANNELS)).repeat(4, axis=1).repeat(4, axis=2)
    strength = rng.uniform(0, 1, (len(labels), 1, 1, 1))
    noise = rng.integers(0, 256, (len(labels), SIDE, SIDE, CHANNELS))
    return np.asarray((1 - strength) * patterns[labels] + strength * noise, dtype=np.uint8)


def _twins(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each sample the position of one with the same label, the same for two samples."""
    chosen = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        chosen[places] = places[np.arange(len(places)) // 2 * 2]
    return chosen


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array
