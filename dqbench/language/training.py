"""Trains a language model on answers given their instructions; one that was killed goes on from its last checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dqbench.language.model import Batch, answer_losses
from dqbench.language.tokens import Tokens
from dqbench.seeds import generator
from dqbench.specs import LanguageRecipe, Recipe
from dqbench.steps import report_step
from dqbench.train.averaging import Averaged
from dqbench.train.history import History
from dqbench.train.result import StateDict, check_loss
from dqbench.train.resuming import Checkpoint, Found
from dqbench.train.schedule import lr_factor

_SORTED_TOGETHER = 20
"""Batches of samples that are sorted by length before they are cut into batches."""

_SAVE_EVERY_S = 60.0


@dataclass(frozen=True)
class Learned:
    """What a training leaves besides the model.

    Attributes:
        curve: of each epoch: ``epoch``, ``loss`` (nats per token of the answers), ``accuracy`` (of the next token) and
            ``lr`` of its last step.
        updates: optimiser steps.
        tokens: tokens that went through the model, fillers not counted.
    """

    curve: list[dict[str, float]]
    updates: int
    tokens: int


@dataclass(frozen=True)
class LanguageSetup:
    """All that decides the result besides initial weights and data; see :class:`dqbench.train.setup.TrainingSetup`."""

    recipe: Recipe
    seed: int
    device: str
    precision: str

    @property
    def language(self) -> LanguageRecipe:
        """What the recipe says of language models.

        Raises:
            ValueError: it is a recipe for images.
        """
        if self.recipe.language is None:
            raise ValueError(f"recipe {self.recipe.name} is for images; it has no language")
        return self.recipe.language


def train(
    model: nn.Module,
    tokens: Tokens,
    places: npt.NDArray[np.int64],
    setup: LanguageSetup,
    weights: npt.NDArray[np.float64] | None = None,
    scratch: Path | None = None,
) -> Learned:
    """Train ``model`` in place on the samples at these places, and leave it on the device.

    Args:
        model: with its initial weights.
        tokens: of all samples of the source.
        places: of the samples to learn, shape (k,), k >= 1.
        setup: recipe, seed, device and precision.
        weights: of each of these samples in the loss, shape (k,); None for 1 each.
        scratch: a folder for checkpoints; None writes none.

    Raises:
        ValueError: nothing to train on.
        RuntimeError: the loss became infinite or NaN.
    """
    if not len(places):
        raise ValueError("there is nothing to train on: 0 texts")
    training = _Training(model, tokens, places, setup, weights)
    history = History(training, Checkpoint(scratch) if scratch else None, training.recipe.epochs, 0, _SAVE_EVERY_S)
    for epoch in range(history.start(), training.recipe.epochs + 1):
        history.add(training.epoch(epoch))
    through = int(tokens.lengths[places].sum()) * training.recipe.epochs
    return Learned(history.curve, training.updates, through)


class _Training:
    """A training in progress, as :class:`dqbench.train.history.History` knows them."""

    averaged: Averaged | None = None

    def __init__(
        self,
        model: nn.Module,
        tokens: Tokens,
        places: npt.NDArray[np.int64],
        setup: LanguageSetup,
        weights: npt.NDArray[np.float64] | None,
    ) -> None:
        self.net, self.setup, self.tokens, self.places = model.to(setup.device).train(), setup, tokens, places
        self.recipe = setup.recipe.for_samples(len(places))
        self.weights = np.ones(len(places)) if weights is None else weights
        self.optimizer = _optimizer(self.net, setup)
        self.per_epoch = -(-len(places) // self.recipe.batch_size)
        self.updates = 0

    def go_on(self, found: Found) -> None:
        """Continue after the epochs so far."""
        self.updates = len(found.curve) * self.per_epoch

    def random_state(self) -> StateDict:
        """None to keep: every draw derives from the seed and the epoch."""
        return {}

    def epoch(self, number: int) -> dict[str, float]:
        """One pass over the samples."""
        totals, lr = np.zeros(3), 0.0
        total = self.per_epoch * self.recipe.epochs
        for rows in batches(self.tokens.lengths[self.places], self.recipe.batch_size, self.setup.seed, number):
            lr = self.recipe.lr * lr_factor(self.recipe, self.updates, total)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            step = self._step(rows)
            totals += step
            self.updates += 1
            seen = step[0] / step[2]
            report_step("update", self.updates, total, epoch=f"{number} of {self.recipe.epochs}", loss=seen)
        loss, right, _ = (totals / totals[2]).tolist()
        check_loss(loss, number, self.recipe.epochs, self.recipe.name, self.recipe.lr)
        return {"epoch": number, "loss": loss, "accuracy": right, "lr": lr}

    def _step(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Step the optimiser once; weighted sums over the answers' tokens: loss, right ones, and all."""
        language, tokens = self.setup.language, self.tokens
        places, weights = self.places[rows], self.weights[rows]
        scored = float((tokens.answers[places] * weights).sum())
        self.optimizer.zero_grad(set_to_none=True)
        summed = right = 0.0
        size = language.pass_size or len(rows)
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            batch = Batch.of(tokens, places[part], self.setup.device)
            owner = torch.repeat_interleave(torch.arange(len(places[part])), batch.scored.sum(dim=1).cpu())
            of_tokens = torch.from_numpy(weights[part]).float()[owner].to(self.setup.device)
            losses, likeliest = answer_losses(self.net, batch, self.setup.precision)
            loss = (losses * of_tokens).sum()
            (loss / scored).backward()  # type: ignore[no-untyped-call]
            summed, right = summed + float(loss.detach()), right + float((likeliest * of_tokens).sum())
        if language.clip:
            nn.utils.clip_grad_norm_([p for p in self.net.parameters() if p.requires_grad], language.clip)
        self.optimizer.step()
        return np.array([summed, right, scored])


def batches(lengths: npt.NDArray[np.int64], size: int, seed: int, epoch: int) -> Iterator[npt.NDArray[np.int64]]:
    """All positions once, in batches of ``size`` of like length, drawn from the seed and the epoch.

    The last batch may be smaller; it comes at a drawn place, too.
    """
    draw = generator(seed, "texts", epoch)
    order = draw.permutation(len(lengths))
    cut: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(order), size * _SORTED_TOGETHER):
        together = order[start : start + size * _SORTED_TOGETHER]
        together = together[np.argsort(lengths[together], kind="stable")]
        cut += [together[first : first + size] for first in range(0, len(together), size)]
    for place in draw.permutation(len(cut)):
        yield cut[int(place)]


def _optimizer(net: nn.Module, setup: LanguageSetup) -> torch.optim.Optimizer:
    recipe = setup.recipe
    learn = [p for p in net.parameters() if p.requires_grad]
    matrices, rest = [p for p in learn if p.ndim > 1], [p for p in learn if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": rest, "weight_decay": 0.0 if recipe.decay_matrices_only else recipe.weight_decay},
    ]
    chosen = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return chosen([group for group in groups if group["params"]], lr=recipe.lr, betas=(0.9, setup.language.beta2))
