"""Bins: a partition of every group of samples, each bin in the order in which its samples were picked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """Where every sample of a source ended up; samples are positions in the source.

    Attributes:
        order: all positions, group by group, bin by bin, in the order of their picking, shape (n,), int64.
        group: group of each sample (its class, or 0 for all), shape (n,), int64.
        bin: bin of each sample in its group, shape (n,), int64.
        rank: place of each sample in its bin's order, shape (n,), int64.
    """

    order: IntArray
    group: IntArray
    bin: IntArray
    rank: IntArray

    @classmethod
    def of(cls, group: IntArray, orders: Mapping[int, IntArray], sizes: Mapping[int, Sequence[int]]) -> Bins:
        """Bins from the order of each group's positions, cut into runs of the given sizes."""
        bins, ranks = np.empty_like(group), np.empty_like(group)
        for key, order in orders.items():
            bins[order] = np.repeat(np.arange(len(sizes[key])), sizes[key])
            ranks[order] = np.concatenate([np.arange(size) for size in sizes[key]])
        order = np.concatenate([orders[key] for key in sorted(orders)]).astype(np.int64)
        return cls(order, group, bins, ranks)

    @classmethod
    def single(cls, group: IntArray) -> Bins:
        """One bin for each group, in the order of the positions."""
        return cls.ordered(group, lambda members: np.arange(len(members)))

    @classmethod
    def ordered(cls, group: IntArray, order_of: Callable[[IntArray], IntArray]) -> Bins:
        """One bin for each group, in an order that serves every budget: the first of it are what is kept.

        Args:
            group: group of each sample, shape (n,).
            order_of: called with the positions of a group's samples, shape (m,), rising; gives the order of picking as
                places in them: a permutation of 0 to m - 1.

        Raises:
            ValueError: what it gives is no permutation.
        """
        members = {int(key): np.flatnonzero(group == key) for key in np.unique(group)}
        orders = {key: where[_permutation(order_of(where), len(where))] for key, where in members.items()}
        return cls.of(group, orders, {key: [len(order)] for key, order in orders.items()})

    @classmethod
    def greedy(
        cls,
        group: IntArray,
        order_of: Callable[[IntArray, int], IntArray],
        stops: Mapping[int, int] | None = None,
    ) -> Bins:
        """One bin for each group, the first of it in the order of picking, the others by position.

        Args:
            group: group of each sample, shape (n,).
            order_of: called with the positions of a group's samples, shape (m,), rising, and how many to pick; gives
                so many of them as places.
            stops: how many to pick of each group; None for all.
        """

        def order(members: IntArray) -> IntArray:
            stop = len(members) if stops is None else stops[int(group[members[0]])]
            return completed(order_of(members, stop), len(members))

        return cls.ordered(group, order)

    @classmethod
    def ranked(cls, group: IntArray, scores: npt.NDArray[Any]) -> Bins:
        """One bin for each group, the highest score first; equal scores in the order of the positions.

        Args:
            group: group of each sample, shape (n,).
            scores: of each sample, shape (n,).

        Raises:
            ValueError: a score is NaN.
        """
        if np.isnan(scores).any():
            raise ValueError(f"sample {int(np.isnan(scores).argmax())} has the score NaN; the observer has diverged")
        return cls.ordered(group, lambda members: np.argsort(-scores[members], kind="stable"))

    def cut(self, number: int) -> Bins:
        """The order of each group, cut into ``min(number, m)`` bins whose sizes differ by at most 1, m of its samples.

        Raises:
            ValueError: there are several bins already.
        """
        if len(self) > 1:
            raise ValueError(f"{len(self)} bins are no single order to be cut into {number}")
        orders = {key: positions for key, _, positions in self.cells()}
        return Bins.of(self.group, orders, {key: bin_sizes(len(order), number) for key, order in orders.items()})

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Bins:
        """What :meth:`arrays` gave."""
        return cls(**{name: np.asarray(arrays[name], dtype=np.int64) for name in ("order", "group", "bin", "rank")})

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Plain arrays by name, to be stored."""
        return {"order": self.order, "group": self.group, "bin": self.bin, "rank": self.rank}

    def __len__(self) -> int:
        return int(self.bin.max()) + 1

    @property
    def counts(self) -> IntArray:
        """Samples of each group in each bin, shape (groups, bins), int64."""
        counts = np.zeros((int(self.group.max()) + 1, len(self)), dtype=np.int64)
        np.add.at(counts, (self.group, self.bin), 1)
        return counts

    def cells(self) -> Iterator[tuple[int, int, IntArray]]:
        """Group, bin and positions in the order of picking, for every bin of every group that has a sample."""
        counts = self.counts
        stops = np.cumsum(counts.ravel())
        for stop, count, (key, number) in zip(stops, counts.ravel(), np.ndindex(counts.shape), strict=True):
            if count:
                yield key, number, self.order[stop - count : stop]


def order_of(prepared: Mapping[str, npt.NDArray[Any]], group: IntArray) -> Bins:
    """The order of each group that a method prepared: its own, or that of its falling ``score``.

    Args:
        prepared: what a method with ``orders`` or ``scores`` prepared.
        group: of each sample, shape (n,).

    Raises:
        ValueError: neither is there, or the order is of other groups.
    """
    if "order" not in prepared:
        return Bins.ranked(group, np.asarray(prepared["score"], dtype=np.float64))
    bins = Bins.from_arrays(prepared)
    if not np.array_equal(bins.group, group):
        raise ValueError("the order is of other groups of samples; give both methods the same scope")
    return bins


def bin_sizes(samples: int, bins: int) -> list[int]:
    """Sizes of ``min(bins, samples)`` bins that differ by at most 1, the larger ones first."""
    number = min(bins, samples)
    return [samples // number + (i < samples % number) for i in range(number)] if number else []


def completed(order: IntArray, length: int) -> IntArray:
    """An order of all places below ``length``: first those of ``order``, then the others, rising."""
    left = np.ones(length, dtype=bool)
    left[order] = False
    return np.concatenate([order, np.flatnonzero(left)])


def _permutation(order: IntArray, length: int) -> IntArray:
    if not np.array_equal(np.sort(order), np.arange(length)):
        raise ValueError(f"the order of a group of {length} samples must name each of them once")
    return order
