"""The greedy of :mod:`dqbench.select.graphcut` on a GPU: groups padded to one size and picked from in step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from dqbench.select.cut import GraphCut, IntArray, tie_width
from dqbench.select.rank_one import RankOne


def greedy_batched(
    vectors: Iterable[RankOne],
    sizes: Sequence[Sequence[int]],
    cut: GraphCut,
    stops: Sequence[int] | None = None,
    *,
    device: str,
    memory: int,
) -> list[IntArray]:
    """The order of picking of every group, each of shape (its stop,), as ``graphcut.greedy`` gives it.

    As many groups at a time as have their similarities fit into ``memory`` bytes; rows of a group that alone is too
    large are made when they are needed.
    """
    lengths = np.array([sum(s) for s in sizes])
    ends = lengths.tolist() if stops is None else stops
    at_once = max(1, int(memory // (8 * max(lengths) ** 2)))
    numbered = enumerate(zip(vectors, sizes, ends, strict=True))
    orders: list[IntArray] = []
    for _, batch in groupby(numbered, key=lambda item: item[0] // at_once):
        orders += _Batch([one for _, one in batch], cut, device, memory).run()
    return orders


class _Batch:
    """Gains of a batch of groups, shape (groups, n) with n the largest group's samples; float64."""

    def __init__(
        self, groups: Sequence[tuple[RankOne, Sequence[int], int]], cut: GraphCut, device: str, memory: int
    ) -> None:
        self._vectors, self._sizes, self._stops = zip(*groups, strict=True)
        self._cut, self._device = cut, device
        self._lengths = [len(v) for v in self._vectors]
        self._n = max(self._lengths)
        self._left = self._padded([v.left for v in self._vectors])
        self._right = self._padded([v.right for v in self._vectors])
        self._scale = cut.scale
        self._shift = cut.shift * self._stacked([v.diagonal() for v in self._vectors]) if cut.shift else None
        self._gain = self._stacked([cut.start(v) for v in self._vectors])
        self._ties = torch.tensor([[tie_width(v)] for v in self._vectors], dtype=torch.float64, device=device)
        self._alive = self._stacked([np.ones(n) for n in self._lengths]) > 0
        fits = 8 * len(groups) * self._n**2 <= memory
        self._whole = self._similarities() if fits else None

    def run(self) -> list[IntArray]:
        """Pick as many of every group as asked for; nothing waits for the device before the end."""
        ends = self._bin_ends()
        ends_on_device = torch.from_numpy(ends).to(self._device)
        picks = torch.empty((max(self._stops), len(self._sizes)), dtype=torch.int64, device=self._device)
        start = self._gain.clone()
        for step in range(len(picks)):
            picks[step] = pick = self._pick()
            self._gain -= self._penalty(pick)
            self._alive.scatter_(1, pick[:, None], False)
            if ends[step].any():
                ended = ends_on_device[step][:, None]
                renewed = start + self._cut.lam / 2 * (self._gain - start)
                self._gain = torch.where(ended, renewed, self._gain)
                start = torch.where(ended, renewed, start)
        on_host = picks.cpu().numpy()
        return [on_host[:stop, column].copy() for column, stop in enumerate(self._stops)]

    def _pick(self) -> Tensor:
        score = self._gain.masked_fill(~self._alive, -torch.inf)
        near = (score >= score.amax(1, keepdim=True) - self._ties).to(torch.uint8)
        return near.argmax(1)

    def _penalty(self, pick: Tensor) -> Tensor:
        group = torch.arange(len(pick), device=self._device)
        if self._whole is not None:
            row = self._whole[group, pick]
        else:
            left, right = self._left[group, pick, :, None], self._right[group, pick, :, None]
            row = ((self._left @ left) * (self._right @ right)).squeeze(2)
        return self._scale * row if self._shift is None else self._scale * row - self._shift

    def _similarities(self) -> Tensor:
        whole = torch.bmm(self._right, self._right.mT)
        for group, left in enumerate(self._left):
            whole[group] *= left @ left.mT
        return whole

    def _bin_ends(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        ends = np.zeros((self._n, len(self._sizes)), dtype=bool)
        for column, sizes in enumerate(self._sizes):
            ends[np.cumsum(sizes, dtype=np.int64) - 1, column] = True
        return ends

    def _padded(self, factors: Sequence[np.ndarray[tuple[int, int], np.dtype[np.float64]]]) -> Tensor:
        out = torch.zeros(len(factors), self._n, factors[0].shape[1], dtype=torch.float64, device=self._device)
        for group, factor in enumerate(factors):
            out[group, : len(factor)] = torch.from_numpy(factor).to(self._device)
        return out

    def _stacked(self, rows: Sequence[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> Tensor:
        return self._padded([row[:, None] for row in rows]).squeeze(2)
