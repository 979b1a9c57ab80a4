"""Networks that expect other means and deviations than they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


def renormalise(
    net: nn.Module,
    given: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    wanted: tuple[Sequence[float], Sequence[float]],
) -> nn.Module:
    """Make ``net`` take images normalised by ``given`` (mean, std) as if they were normalised by ``wanted``.

    The change is made before its first convolution pads, so it is exact; the state dict stays as it is.

    Raises:
        ValueError: the network has no convolution.
    """
    first = next((module for module in net.modules() if isinstance(module, nn.Conv2d)), None)
    if first is None:
        raise ValueError("only networks that begin with a convolution can be given other means")
    (mean, std), (own_mean, own_std) = ([np.asarray(part, np.float64) for part in pair] for pair in (given, wanted))
    scale = torch.tensor(std / own_std, dtype=torch.float32)[:, None, None]
    shift = torch.tensor((mean - own_mean) / own_std, dtype=torch.float32)[:, None, None]

    def change(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        images = inputs[0]
        return (images * scale.to(images.device) + shift.to(images.device), *inputs[1:])

    first.register_forward_pre_hook(change)
    return net
