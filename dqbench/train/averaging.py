"""Averages that a training carries along: batch-norm statistics over the passes of a step, and the weights' own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

Norm = nn.modules.batchnorm._BatchNorm


class NormStatistics:
    """Running statistics of batch norms, moved once per step by the mean over the step's passes.

    So the passes may run in turn or in several processes with the same result. With one pass per step they are what
    torch keeps.

    Args:
        net: its batch norms keep the last pass's statistics while a step is under way.
    """

    def __init__(self, net: nn.Module) -> None:
        self._norms = [m for m in net.modules() if isinstance(m, Norm) and m.track_running_stats]
        self._momenta = [norm.momentum for norm in self._norms]
        self._buffers = [b for norm in self._norms for b in (norm.running_mean, norm.running_var) if b is not None]

    def begin(self) -> None:
        """Before the first pass of a step."""
        self._before = [buffer.clone() for buffer in self._buffers]
        self._sums = [torch.zeros_like(buffer) for buffer in self._buffers]
        self._counts = [
            norm.num_batches_tracked.clone() for norm in self._norms if norm.num_batches_tracked is not None
        ]
        for norm in self._norms:
            norm.momentum = 1.0

    def note(self, share: float) -> None:
        """After a pass with this share of the step's images."""
        if self._buffers:
            torch._foreach_add_(self._sums, self._buffers, alpha=share)

    def parts(self) -> list[torch.Tensor]:
        """What several processes must add up before :meth:`end`."""
        return self._sums

    def end(self, noted: bool) -> None:
        """After the last pass; ``noted`` is false where no pass had a spread, which leaves the statistics alone."""
        index = 0
        for norm, momentum, count in zip(self._norms, self._momenta, self._counts, strict=True):
            norm.momentum = momentum
            rate = momentum if momentum is not None else 1.0 / (float(count) + 1)
            for buffer in (norm.running_mean, norm.running_var):
                assert buffer is not None
                before, total = self._before[index], self._sums[index]
                buffer.copy_(torch.lerp(before, total, rate) if noted else before)
                index += 1
            assert norm.num_batches_tracked is not None
            norm.num_batches_tracked.copy_(count + int(noted))


class Averaged:
    """An exponential moving average of a network's weights and buffers.

    Args:
        net: whose.
        decay: at update t (from 1) at most (1 + t) / (10 + t), so that short trainings forget their start.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self._net, self._decay = net, decay
        self.values = {name: value.detach().clone() for name, value in net.state_dict().items()}

    @torch.no_grad()
    def update(self, updates: int) -> None:
        """Move towards the network as it is after so many updates."""
        decay = min(self._decay, (1 + updates) / (10 + updates))
        for name, value in self._net.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def load(self, values: Mapping[str, torch.Tensor]) -> None:
        """Go on from these values."""
        for name, value in self.values.items():
            value.copy_(values[name])
