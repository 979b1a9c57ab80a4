"""Budgets in whole numbers: what may be kept, per class, met exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal

import numpy as np
import numpy.typing as npt

from dqbench.errors import UsageError
from dqbench.plurals import plural
from dqbench.seeds import generator
from dqbench.specs import Budget

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TIE = 1e-9
"""Quotas closer than this are equal: formulas that agree on paper then agree in floating point."""


@dataclass(frozen=True)
class ResolvedBudget:
    """A budget in samples, as a method sees it.

    Attributes:
        total: samples to keep in all.
        per_class: samples to keep of each class, shape (classes,), int64; sums to ``total``.
        asked: the budget as the user gave it.
    """

    total: int
    per_class: IntArray
    asked: Budget


def resolve(budget: Budget, class_counts: Sequence[int] | IntArray, seed: int) -> ResolvedBudget:
    """Turn a keep ratio or images per class into whole numbers for each class.

    A ratio keeps ``floor(ratio * M + 1/2)`` samples, at least 1, shared over the classes in proportion to their
    sizes by largest remainder; equal remainders are given out by a draw from ``seed``.

    Raises:
        UsageError: an empty class, or more images per class than a class holds.
    """
    counts = np.asarray(class_counts, dtype=np.int64)
    if (counts <= 0).any():
        raise UsageError(f"class {int(np.argmin(counts))} has no sample; remove it from the class names or add data")
    if budget.kind == "full":
        return ResolvedBudget(int(counts.sum()), counts.copy(), budget)
    if budget.kind == "tokens":
        raise UsageError(f"{budget} is no number of samples before a method has chosen; only texts have tokens")
    if budget.kind == "ipc":
        return _images_per_class(budget, counts)
    total = max(1, math.floor(budget.value * int(counts.sum()) + 0.5 + TIE))
    shares = largest_remainder(counts.astype(np.float64), total, counts, generator(seed, "class-shares"))
    return ResolvedBudget(total, shares, budget)


def _images_per_class(budget: Budget, counts: IntArray) -> ResolvedBudget:
    ipc, smallest = int(budget.value), int(counts.min())
    if ipc > smallest:
        raise UsageError(
            f"ipc {ipc} is larger than class {int(np.argmin(counts))}, which has {plural(smallest, 'sample')}; use at "
            "most that"
        )
    return ResolvedBudget(ipc * len(counts), np.full(len(counts), ipc, dtype=np.int64), budget)


def note_on_few(resolved: ResolvedBudget, class_counts: Sequence[int] | IntArray) -> str:
    """What is to be known of a keep ratio that leaves classes empty; nothing where each class keeps some.

    Raises:
        UsageError: it keeps less than half a sample.
    """
    budget, samples = resolved.asked, int(np.sum(class_counts))
    if budget.kind != "ratio":
        return ""
    if budget.value * samples + 0.5 + TIE < 1:
        least = Context(prec=2, rounding=ROUND_CEILING).divide(Decimal("0.5"), Decimal(samples))
        raise UsageError(
            f"keep ratio {budget} of {samples:,} samples is less than half a sample; give {float(least):g} or more, "
            "or --ipc"
        )
    empty = int((resolved.per_class == 0).sum())
    if not empty:
        return ""
    classes = f"{empty} of {len(class_counts)} classes keep none"
    return f"keep ratio {budget} of {samples:,} samples is {resolved.total}: {classes}"


def largest_remainder(
    weights: FloatArray, total: int, caps: IntArray, rng: np.random.Generator | None = None
) -> IntArray:
    """Share ``total`` whole units in proportion to ``weights``, no share above its cap.

    Hamilton's method: floors first, then one unit each to the largest remainders; equal remainders (within
    ``TIE``) are drawn from ``rng``. What a cap cuts off is shared again among the others in proportion.

    Args:
        weights: non-negative, shape (n,); all zero counts as proportional to ``caps``.
        total: units to share, at most ``caps.sum()``.
        caps: the most that each share may be, shape (n,).
        rng: the source of the draw; None gives ties to the lowest index.

    Raises:
        ValueError: ``total`` is negative or above the sum of the caps, or a weight is negative or not finite.
    """
    quotas = capped_quotas(weights, total, caps)
    shares = np.minimum(np.floor(quotas + TIE).astype(np.int64), caps)
    left = total - int(shares.sum())
    order = np.arange(len(shares)) if rng is None else rng.permutation(len(shares))
    while left > 0:
        open_ = order[shares[order] < caps[order]]
        for i in open_[np.argsort(_places((quotas - shares)[open_]), kind="stable")][:left]:
            shares[i] += 1
            left -= 1
    return shares


def _places(remainders: FloatArray) -> IntArray:
    """0 for the largest remainders, 1 for the next smaller, …; those within ``TIE`` of each other share a place."""
    falling = np.argsort(-remainders)
    places = np.zeros(len(remainders), dtype=np.int64)
    places[falling[1:]] = np.cumsum(-np.diff(remainders[falling]) > TIE)
    return places


def capped_quotas(weights: FloatArray, total: int, caps: IntArray) -> FloatArray:
    """Real-valued shares of ``total`` in proportion to ``weights`` and never above ``caps``, shape (n,)."""
    w = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(f"weights must be finite and non-negative, not {w.tolist()}")
    if not 0 <= total <= int(caps.sum()):
        raise ValueError(f"cannot share {total} units where at most {int(caps.sum())} fit")
    quotas = np.zeros(len(w))
    free = caps > 0
    rest = float(total)
    while rest > TIE and free.any():
        base = np.where(free, w, 0.0)
        if base.sum() <= 0:
            base = np.where(free, caps, 0.0)
        want = rest * base / base.sum()
        over = free & (want >= caps)
        if not over.any():
            quotas[free] = want[free]
            break
        quotas[over] = caps[over]
        rest -= float(caps[over].sum())
        free &= ~over
    return quotas
