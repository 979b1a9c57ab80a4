"""Observers that a method trains itself, on whatever part of the source it asks for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from dqbench.data.lazy import Images, take
from dqbench.data.source import Source
from dqbench.observe.dynamics import Look, Watch
from dqbench.observe.observed import Observed
from dqbench.plurals import plural
from dqbench.seeds import derive
from dqbench.specs import Recipe
from dqbench.train.loop import seeded_net, train
from dqbench.train.predict import predict
from dqbench.train.setup import Runtime, TrainingData, TrainingSetup


@dataclass(frozen=True)
class Trainer:
    """Trains observers of one architecture by one recipe; a method whose config has ``trainings()`` is given it.

    Attributes:
        source: the whole training set.
        build: gives a network whose initial weights torch's global generator draws.
        recipe: of every training.
        seed: of the observer; each training has draws of its own.
        device: ``cpu`` or ``cuda``.
        precision: ``fp32`` or ``bf16``.
        runtime: what changes no result; each training has a folder of its own in its ``scratch``.
        on_start: called with what is trained now, in words.
        watches: whether its observers are asked after each epoch: ``dynamics`` of what they see.
    """

    source: Source
    build: Callable[[], nn.Module]
    recipe: Recipe
    seed: int
    device: str
    precision: str
    runtime: Runtime = field(default_factory=Runtime)
    on_start: Callable[[str], None] = lambda words: None
    watches: bool = False

    def __call__(self, positions: npt.NDArray[np.int64] | None, *purpose: str | int) -> Observed:
        """A new observer, trained on the samples at these positions alone; its view of them, in their order.

        Args:
            positions: in the source, shape (m,), m >= 1; None takes all of it.
            purpose: what it is for, of which with the seed all its draws derive: ``train(left, "bin", 3)``. Without
                one it is the observer of the whole grid.
        """
        return self.shown(positions, positions, *purpose)

    def shown(
        self, positions: npt.NDArray[np.int64] | None, shown: npt.NDArray[np.int64] | None, *purpose: str | int
    ) -> Observed:
        """The same, but its view of the samples ``shown``, which it may never have learned from."""
        source, seed = self.source, derive(self.seed, *purpose) if purpose else self.seed
        images, labels = self._part(positions)
        which = " ".join(map(str, ("of", *purpose))) if purpose else "of everything"
        self.on_start(
            f"training the observer {which}, {plural(self.recipe.epochs, 'epoch')} on {plural(len(labels), 'image')}"
        )
        net = seeded_net(self.build, seed)
        data = TrainingData(images, labels, source.mean, source.std)
        runtime = self._runtime(purpose)
        looked_at, classes = self._part(shown)
        watch = Watch(self._look(net, looked_at), classes, runtime.scratch) if self.watches else None
        setup = TrainingSetup(self.recipe, seed, self.device, self.precision)
        train(net, data, setup, replace(runtime, on_weights=watch))
        logits, features = watch.last if watch else self._predicted(net, looked_at)
        course = watch.dynamics() if watch else None
        return Observed(features, logits, classes, self.device, lambda: net, source.mean, source.std, course)

    def _part(self, positions: npt.NDArray[np.int64] | None) -> tuple[Images, npt.NDArray[np.int64]]:
        if positions is None:
            return self.source.images, self.source.labels
        return take(self.source.images, positions), self.source.labels[positions]

    def _predicted(self, net: nn.Module, images: Images) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        mean, std = self.source.mean, self.source.std
        return predict(net, images, device=self.device, precision=self.precision, mean=mean, std=std, features=True)

    def _look(self, net: nn.Module, images: Images) -> Look:
        # a copy, so that neither modes nor weights of the network in training are touched
        asked = copy.deepcopy(net)

        def look(weights: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
            asked.load_state_dict(weights)
            return self._predicted(asked, images)

        return look

    def _runtime(self, purpose: tuple[str | int, ...]) -> Runtime:
        scratch = self.runtime.scratch
        return replace(self.runtime, scratch=scratch / "-".join(map(str, purpose)) if scratch else None)
