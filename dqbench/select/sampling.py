"""From bins to kept samples: whole quotas for each bin of each group, and samples drawn from the bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget, capped_quotas
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.seeds import generator
from dqbench.select.bins import Bins, IntArray
from dqbench.select.controlled_rounding import controlled_rounding
from dqbench.select.options import Sampler, Scope


def groups(source: Source, scope: Scope) -> IntArray:
    """The group of each sample, shape (n,), int64: its class, or 0 for all of them."""
    return np.asarray(source.labels, dtype=np.int64) if scope == "class" else np.zeros(len(source), dtype=np.int64)


def group_budgets(budget: ResolvedBudget, scope: Scope) -> IntArray:
    """Samples to keep of each group, shape (groups,), int64."""
    return budget.per_class if scope == "class" else np.array([budget.total], dtype=np.int64)


def group_stops(largest: ResolvedBudget | None, scope: Scope) -> dict[int, int] | None:
    """How many of each group a greedy has to pick for the largest budget that is asked for; None for all."""
    return None if largest is None else dict(enumerate(group_budgets(largest, scope).tolist()))


def budgeted(source: Source, budget: ResolvedBudget, scope: Scope) -> Iterator[tuple[int, IntArray, int]]:
    """Each group of which something is kept: its number, the positions of its samples, rising, and how many to keep."""
    group = groups(source, scope)
    for key, keep in enumerate(group_budgets(budget, scope).tolist()):
        if keep:
            yield key, np.flatnonzero(group == key), keep


def bin_quotas(
    counts: IntArray,
    budgets: IntArray,
    seed: int,
    importance: Sequence[float] | npt.NDArray[Any] | None = None,
    alpha: float = 0.0,
) -> IntArray:
    """How many samples to keep of each bin of each group, shape (groups, bins), int64; rows sum to ``budgets``.

    In a group with N_n samples in bin n and budget b, the share is
    b·[α·N_n·I_n / Σ_k N_k·I_k + (1 − α)·N_n / Σ_k N_k], never above N_n (ADQ, AAAI 2025, Eq. 9, made to meet the
    budget). Whole numbers by two-way rounding (:mod:`dqbench.select.controlled_rounding`): a bin spans the groups, and
    what is kept of it over all groups is as near to its share as whole numbers allow. What is equally near is drawn
    from the seed, group and bin, whatever the method.

    Args:
        counts: N, shape (groups, bins).
        budgets: b, shape (groups,).
        importance: I, non-negative, shape (bins,); None, or zero wherever the group has samples, leaves proportions.
        alpha: the weight of importance, in [0, 1].
    """
    sizes = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    shares = sizes if importance is None else _weighted(counts, sizes, importance, alpha)
    quotas = [
        capped_quotas(share, int(budget), caps) for share, budget, caps in zip(shares, budgets, counts, strict=True)
    ]
    bins = counts.shape[1]
    cells = [generator(seed, "bin-shares", group).random((bins,)) for group in range(len(counts))]
    totals = generator(seed, "bin-totals").random((bins,))
    return controlled_rounding(np.stack(quotas), budgets, np.stack(cells), totals)


def _weighted(
    counts: IntArray, sizes: npt.NDArray[Any], importance: Sequence[float] | npt.NDArray[Any], alpha: float
) -> npt.NDArray[Any]:
    important = counts * np.asarray(importance, dtype=np.float64)
    sums = important.sum(axis=1, keepdims=True)
    weighted: npt.NDArray[Any] = alpha * important / np.where(sums > 0, sums, 1.0) + (1 - alpha) * sizes
    return np.where(sums > 0, weighted, sizes)


def sample(bins: Bins, quotas: IntArray, seed: int, sampler: Sampler) -> IntArray:
    """Positions of the kept samples, group by group and bin by bin, shape (quotas.sum(),), int64.

    ``uniform`` takes the first of a permutation of the bin's positions that (seed, group, bin) alone decide: a larger
    quota keeps what a smaller one kept. ``first`` takes the first in the order of picking.
    """
    kept = [np.empty(0, dtype=np.int64)]
    for group, number, positions in bins.cells():
        quota = int(quotas[group, number])
        if quota and sampler == "uniform":
            positions = generator(seed, "sample", group, number).permutation(np.sort(positions))
        kept.append(positions[:quota])
    return np.concatenate(kept)


def subset(
    source: Source, bins: Bins, quotas: IntArray, seed: int, sampler: Sampler, notes: dict[str, Any] | None = None
) -> Subset:
    """The samples that :func:`sample` draws, by native id, with their bins and ranks and the quotas of the bins."""
    kept = sample(bins, quotas, seed, sampler)
    facts = {"kept_per_bin": quotas.sum(axis=0).tolist(), **(notes or {})}
    return Subset(ids=source.ids[kept], bins=bins.bin[kept], ranks=bins.rank[kept], notes=facts)


def first(source: Source, bins: Bins, budget: ResolvedBudget, scope: Scope) -> Subset:
    """The first of each group in its order of picking, as many as the budget gives the group; for a single bin."""
    return subset(source, bins, group_budgets(budget, scope)[:, None], 0, "first")
