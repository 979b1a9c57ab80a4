"""The training loop: updates come from a source, and the host waits for the device once per epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import torch
from torch import nn

from dqbench.nets.build import layout, to_device
from dqbench.seeds import derive
from dqbench.steps import report_step
from dqbench.train import distributed
from dqbench.train.averaging import Averaged, NormStatistics
from dqbench.train.batches import autocast
from dqbench.train.decoded import Decoded
from dqbench.train.history import History
from dqbench.train.initialising import initialise
from dqbench.train.losses import Objective
from dqbench.train.modes import running_statistics
from dqbench.train.resident import Resident
from dqbench.train.result import StateDict, check_loss
from dqbench.train.result import TrainResult as TrainResult
from dqbench.train.result import snapshot_epochs as snapshot_epochs
from dqbench.train.resuming import Checkpoint, Found
from dqbench.train.schedule import lr_factor, make_optimizer
from dqbench.train.setup import Runtime, TrainingData, TrainingSetup
from dqbench.train.splits import joined, split
from dqbench.train.updates import Batch, Source, Update

SAVE_EVERY_S = 60.0
"""Trainings on resident data leave a checkpoint after epochs that end so many seconds after the last one."""


def seeded_net(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network that ``build`` makes, its initial weights drawn from the training seed; no global draw is used up."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        return build()


def train(net: nn.Module, data: TrainingData, setup: TrainingSetup, runtime: Runtime | None = None) -> TrainResult:
    """Train ``net`` in place and leave it on the device; see :func:`seeded_net` for its initial weights.

    With the same number of threads on a CPU the result is the same bit for bit. Data stays on the device
    (:mod:`dqbench.train.resident`) unless the recipe has ``timm`` (:mod:`dqbench.train.decoded`).

    Raises:
        UsageError: an unknown precision or augmentation, or images that this recipe cannot take.
        ValueError: no images, or arrays that do not fit together.
        RuntimeError: the loss became infinite or NaN.
    """
    data.check()
    runtime = runtime or Runtime()
    setup = replace(setup, recipe=setup.recipe.for_samples(len(data)))
    recipe, device = setup.recipe, torch.device(setup.device)
    initialise(net, data)
    training = Training(net, data, setup, runtime.workers)
    history = History(
        training,
        Checkpoint(runtime.scratch) if runtime.scratch else None,
        recipe.epochs,
        setup.snapshots,
        0.0 if recipe.timm else SAVE_EVERY_S,
    )
    with _own_draws(device):
        training.source.begin()
        first = history.start()
        if runtime.on_weights is not None and first > 1:
            runtime.on_weights(first - 1, joined(training.final(), net))
        for epoch in range(first, recipe.epochs + 1):
            row = training.epoch(epoch)
            if runtime.on_weights is not None:
                runtime.on_weights(epoch, joined(training.final(), net))
            history.add(row)
            if runtime.on_epoch is not None:
                runtime.on_epoch(epoch, recipe.epochs)
    to_device(net, device).load_state_dict(joined(training.final(), net))
    snapshots = [(epoch, joined(weights, net)) for epoch, weights in history.snapshots]
    return TrainResult(history.curve, training.updates, snapshots)


class Training:
    """A training in progress."""

    def __init__(self, net: nn.Module, data: TrainingData, setup: TrainingSetup, workers: int = 0) -> None:
        recipe, self.device, self.precision = setup.recipe, torch.device(setup.device), setup.precision
        self.net = to_device(split(net, recipe.timm.splits if recipe.timm else 1), self.device).train()
        self.recipe = recipe
        self.source: Source = (
            Decoded(data, setup, layout(self.net), workers) if recipe.timm else Resident(data, setup, layout(self.net))
        )
        teacher = None if data.teacher is None else to_device(data.teacher, self.device).eval().requires_grad_(False)
        self.objective = Objective(recipe, teacher)
        self.optimizer = make_optimizer(self.net, recipe, self.device)
        self.peaks = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.parameters = [p for p in self.net.parameters() if p.requires_grad]
        self.norms = NormStatistics(self.net) if self.source.in_passes else None
        decay = recipe.timm.ema if recipe.timm else recipe.ema
        self.averaged = Averaged(self.net, decay) if decay else None
        self.updates_per_epoch = -(-self.source.count // recipe.batch_size)
        self.updates = 0
        self._seen: dict[str, float] = {}

    def go_on(self, found: Found) -> None:
        """Continue after the epochs so far; network and optimiser are there already."""
        self.updates = len(found.curve) * self.updates_per_epoch
        self.source.go_on(found.random)
        if self.averaged is not None:
            self.averaged.load(found.averaged)

    def random_state(self) -> StateDict:
        """Where all generators are."""
        return self.source.random_state()

    def final(self) -> StateDict:
        """The weights that count: averaged ones where the recipe averages, else the last."""
        return self.averaged.values if self.averaged else self.net.state_dict()

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the data; the only place where the host waits for the device is its end."""
        totals = torch.zeros(2, dtype=torch.float64, device=self.device)
        lr = 0.0
        total = self.updates_per_epoch * self.recipe.epochs
        for update in self.source.epoch(number):
            lr = self._set_rate()
            totals += self.step(update)
            report_step("update", self.updates, total, epoch=f"{number} of {self.recipe.epochs}", **self._seen)
        distributed.add_up([totals])
        loss, correct = (totals / self.source.count).tolist()
        check_loss(loss, number, self.recipe.epochs, self.recipe.name, self.recipe.lr)
        self._seen = {"loss": loss}
        return {"epoch": number, "loss": loss, "accuracy": correct, "lr": lr}

    def _set_rate(self) -> float:
        factor = lr_factor(self.recipe, self.updates, self.recipe.epochs * self.updates_per_epoch)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        return self.recipe.lr * factor

    def step(self, update: Update) -> torch.Tensor:
        """Step the optimiser once; the summed loss and correct answers of this process's batches, on the device."""
        total = torch.zeros(2, dtype=torch.float64, device=self.device)
        has_spread = update.size > 1
        self.optimizer.zero_grad(set_to_none=True)
        if self.norms is not None:
            self.norms.begin()
        for batch in update.batches:
            with nullcontext() if has_spread else running_statistics(self.net):
                loss, correct = self._pass(batch, update.divisor)
            if self.norms is not None:
                self.norms.note(batch.share)
            total += torch.stack([loss * update.size, correct]).double()
        if self.norms is not None:
            self._exchange(self.norms)
            self.norms.end(has_spread)
        if self.recipe.timm and self.recipe.timm.clip:
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.timm.clip)
        self.optimizer.step()
        self.updates += 1
        if self.averaged is not None:
            self.averaged.update(self.updates)
        return total

    def _pass(self, batch: Batch, divisor: float | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Add a batch's gradients; its part of the update's loss, and correct answers."""
        with autocast(self.device, self.precision):
            logits = self.net(batch.images)
            taught = self.objective.taught(batch.images)
        logits = logits.float().view(-1, len(batch.labels), logits.shape[1])
        loss = self.objective(logits, batch.mixed_targets(logits.shape[2]), taught, batch.weights, divisor)
        loss.backward()  # type: ignore[no-untyped-call]
        truth = batch.labels if batch.labels.ndim == 1 else batch.labels.argmax(1)
        return loss.detach(), (logits[0].detach().argmax(1) == truth).sum()

    def _exchange(self, norms: NormStatistics) -> None:
        """Sum gradients and batch-norm statistics over all processes."""
        if distributed.world() == 1:
            return
        for parameter in self.parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        distributed.add_up([p.grad for p in self.parameters if p.grad is not None])
        distributed.add_up(norms.parts())


@contextmanager
def _own_draws(device: torch.device) -> Iterator[None]:
    """Inside, torch's global generators may be seeded; they come back as they were."""
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
