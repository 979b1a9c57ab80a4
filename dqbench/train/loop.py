"""The training loop: everything lives on the device, and the host waits for it once per epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from dqbench.nets.build import layout, place
from dqbench.seeds import derive
from dqbench.specs import Recipe
from dqbench.train.augment import Draws, normalised_pipeline, pipeline
from dqbench.train.batches import Normalise, autocast, resident, shuffled
from dqbench.train.cutmix import CutMix
from dqbench.train.losses import cross_entropy, distillation, weighted_mean
from dqbench.train.regions import RegionLabels, Replay
from dqbench.train.schedule import make_optimizer, make_schedule

StateDict = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class TrainResult:
    """What a training leaves besides the network.

    Attributes:
        curve: one entry per epoch: ``epoch`` (from 1), ``loss`` and ``accuracy`` on the augmented training images as
            seen during the epoch, ``lr`` of its last step.
        updates: optimiser steps.
        snapshots: (epoch, state dict on the host), evenly spaced, the last epoch always among them.
    """

    curve: list[dict[str, float]]
    updates: int
    snapshots: list[tuple[int, StateDict]] = field(default_factory=list)


def seeded_net(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network that ``build`` makes, its initial weights drawn from the training seed; no global draw is used up."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        return build()


def train(
    net: nn.Module,
    images: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    recipe: Recipe,
    *,
    seed: int,
    device: str,
    precision: str,
    mean: npt.NDArray[np.float64],
    std: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64] | None = None,
    teacher: nn.Module | None = None,
    regions: RegionLabels | None = None,
    snapshots: int = 0,
    on_epoch: Callable[[int, int], None] | None = None,
) -> TrainResult:
    """Train ``net`` in place and leave it on ``device``.

    The order of samples, augmentation and dropout derive from ``seed`` alone: two methods with equally many samples
    see the same streams. With the same number of threads on a CPU the result is the same bit for bit.

    Args:
        net: see :func:`seeded_net`.
        images: uint8, or float32 that is normalised already, (n, h, w, c), n >= 1.
        labels: class indices, (n,), or class probabilities, (n, classes).
        recipe: how.
        seed: the training seed.
        device: ``cpu`` or ``cuda``.
        precision: ``fp32`` or ``bf16``.
        mean: channel means in [0, 1].
        std: channel standard deviations in [0, 1].
        weights: of each sample in the loss, (n,), not negative; a batch's loss is its weighted mean.
        teacher: labels every augmented batch, instead of ``labels``.
        regions: stored views and labels to replay, instead of drawn views and ``labels``.
        snapshots: keep the weights at this many epochs at most.
        on_epoch: called with (epoch, epochs) after each epoch.

    Raises:
        UsageError: an unknown precision or augmentation.
        ValueError: no images, or arrays that do not fit together.
        RuntimeError: the loss became infinite or NaN.
    """
    job = _Training(net, images, labels, weights, recipe, seed, torch.device(device), precision, mean, std)
    job.learn_from(teacher, regions)
    keep = snapshot_epochs(recipe.epochs, snapshots)
    curve: list[dict[str, float]] = []
    kept: list[tuple[int, StateDict]] = []
    with _seeded_dropout(seed, job.device):
        for epoch in range(1, recipe.epochs + 1):
            curve.append(job.epoch(epoch))
            if epoch in keep:
                kept.append((epoch, {k: v.detach().to("cpu", copy=True) for k, v in net.state_dict().items()}))
            if on_epoch is not None:
                on_epoch(epoch, recipe.epochs)
    return TrainResult(curve, job.updates, kept)


def snapshot_epochs(epochs: int, snapshots: int) -> list[int]:
    """At most ``snapshots`` evenly spaced epochs of 1..epochs, increasing, the last among them."""
    count = min(snapshots, epochs)
    return [round(epochs * (i + 1) / count) for i in range(count)]


class _Training:
    """A training in progress."""

    def __init__(
        self,
        net: nn.Module,
        images: npt.NDArray[Any],
        labels: npt.NDArray[Any],
        weights: npt.NDArray[np.float64] | None,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        precision: str,
        mean: npt.NDArray[np.float64],
        std: npt.NDArray[np.float64],
    ) -> None:
        _check(images, labels, weights)
        self.net = place(net, device).train()
        self.device, self.precision, self.recipe = device, precision, recipe
        self.images = resident(images, device)
        self.labels = _label_tensor(labels).to(device)
        self.weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
        self.normalise = Normalise(mean, std, device, layout(net))
        self.augment, self.augment_normalised = pipeline(recipe.augment), normalised_pipeline(recipe.augment)
        self.draws = Draws.seeded(seed, device)
        self.order = torch.Generator(device).manual_seed(derive(seed, "shuffle"))
        self.optimizer = make_optimizer(net, recipe, device)
        self.schedule = make_schedule(self.optimizer, recipe, math.ceil(len(images) / recipe.batch_size))
        self.cutmix = CutMix(recipe.cutmix, seed, device) if recipe.cutmix else None
        self.teacher: nn.Module | None = None
        self.replay: Replay | None = None
        self.updates = 0

    def learn_from(self, teacher: nn.Module | None, regions: RegionLabels | None) -> None:
        """Labels come from a live teacher or from stored regions, if there is one of them."""
        if teacher is not None:
            self.teacher = place(teacher, self.device).eval().requires_grad_(False)
        if regions is not None:
            self.replay = Replay(regions, self.recipe, len(self.images), self.device)

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the data; the only place where the host waits for the device is its end."""
        totals = torch.zeros(2, dtype=torch.float64, device=self.device)
        lr = 0.0
        if self.replay:
            self.replay.start(number)
        for batch in shuffled(len(self.images), self.recipe.batch_size, self.order):
            lr = float(self.schedule.get_last_lr()[0])
            totals += self.step(batch)
        loss, correct = (totals / len(self.images)).tolist()
        if not math.isfinite(loss):
            raise RuntimeError(
                f"the loss is {loss} after epoch {number} of {self.recipe.epochs}: "
                f"recipe {self.recipe.name} diverges; lower its lr ({self.recipe.lr:g})"
            )
        return {"epoch": number, "loss": loss, "accuracy": correct, "lr": lr}

    def step(self, batch: torch.Tensor) -> torch.Tensor:
        """One update on the samples at these positions; their summed loss and correct answers, on the device."""
        labels = self.labels.index_select(0, batch)
        images, mix = self.views(batch), None
        targets = self.replay.targets(batch) if self.replay else labels
        if self.cutmix:
            mix = self.cutmix.draw(len(images), images.shape[2], images.shape[3])
            images = mix.images(images)
        with _running_statistics(self.net) if len(batch) == 1 else nullcontext():
            with autocast(self.device, self.precision):
                logits = self.net(images)
            logits = logits.float()
            loss = self.loss(logits, mix.targets(targets, logits.shape[1]) if mix else targets, images, batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()
        self.updates += 1
        truth = labels if labels.ndim == 1 else labels.argmax(1)
        correct = (logits.detach().argmax(1) == truth).sum()
        return torch.stack([loss.detach() * len(batch), correct]).double()

    def views(self, batch: torch.Tensor) -> torch.Tensor:
        """The augmented, normalised images (b, c, h, w) at these positions."""
        images = self.images.index_select(0, batch)
        shown = self.replay.images(images, batch) if self.replay else self.augment(images, self.draws)
        return self.augment_normalised(self.normalise(shown), self.draws)

    def loss(
        self, logits: torch.Tensor, targets: torch.Tensor, images: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        """The mean over the batch, weighted where samples have weights: distillation if a teacher looks on."""
        weights = None if self.weights is None else self.weights.index_select(0, batch)
        if self.teacher is not None:
            with torch.no_grad(), autocast(self.device, self.precision):
                taught = self.teacher(images)
            return weighted_mean(distillation(logits, taught.float(), self.recipe.temperature), weights)
        if weights is None:
            return functional.cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)
        return weighted_mean(cross_entropy(logits, targets, self.recipe.label_smoothing), weights)


def _label_tensor(labels: npt.NDArray[Any]) -> torch.Tensor:
    if labels.ndim == 1:
        return torch.tensor(np.asarray(labels, np.int64))
    return torch.tensor(np.asarray(labels, np.float32))


def _check(images: npt.NDArray[Any], labels: npt.NDArray[Any], weights: npt.NDArray[Any] | None) -> None:
    if not len(images):
        raise ValueError("there is nothing to train on: 0 images")
    if len(labels) != len(images) or labels.ndim not in (1, 2):
        raise ValueError(f"labels must be (n,) or (n, classes) for {len(images)} images, not {labels.shape}")
    if weights is None:
        return
    if weights.shape != (len(images),) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError(f"weights must be {len(images)} finite numbers, none negative and not all 0")


@contextmanager
def _seeded_dropout(seed: int, device: torch.device) -> Iterator[None]:
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive(seed, "dropout"))
        yield


@contextmanager
def _running_statistics(net: nn.Module) -> Iterator[None]:
    """Batch norms use their running statistics: one sample has no spread of its own."""
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    for norm in norms:
        norm.eval()
    yield
    for norm in norms:
        norm.train()
