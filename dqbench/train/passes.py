"""The steps of an epoch and the passes of a step: who goes through which images, drawn from the training seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dqbench.seeds import derive


@dataclass(frozen=True)
class Pass:
    """Images that go through the network together.

    Attributes:
        positions: in the training set, (b,).
        share: of the step's images.
        seed: of mixing and dropout.
    """

    positions: torch.Tensor
    share: float
    seed: int


@dataclass(frozen=True)
class Step:
    """One update: all its positions, and its passes."""

    positions: torch.Tensor
    passes: tuple[Pass, ...]


def epoch_steps(count: int, batch_size: int, pass_size: int | None, seed: int, epoch: int) -> list[Step]:
    """The steps of an epoch over ``count`` images in the order that seed and epoch draw.

    A last pass of one image joins the one before: batch norm needs a spread.
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(derive(seed, "shuffle", epoch)))
    steps = []
    for number, batch in enumerate(torch.split(order, batch_size)):
        parts = list(torch.split(batch, min(pass_size or batch_size, batch_size)))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [torch.cat(parts[-2:])]
        passes = (
            Pass(part, len(part) / len(batch), derive(seed, "pass", epoch, number, index))
            for index, part in enumerate(parts)
        )
        steps.append(Step(batch, tuple(passes)))
    return steps
