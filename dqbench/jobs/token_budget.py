"""A budget in tokens: as many samples as hold no more than a share of all tokens."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Compressed, Subset
from dqbench.data.text_source import TextSource
from dqbench.errors import UsageError
from dqbench.specs import Budget

Compress = Callable[[ResolvedBudget], Compressed]


def within_tokens(
    compress: Compress, budget: Budget, source: TextSource, lengths: npt.NDArray[np.int64]
) -> tuple[Compressed, ResolvedBudget]:
    """What a method keeps for the largest number of samples that fits, found by halving, and that number as a budget.

    A method that keeps with a larger budget what it keeps with a smaller one leaves less room than one more sample of
    its order takes.

    Args:
        compress: gives the set of so many samples.
        budget: of kind ``tokens``: the share of all tokens.
        source: what is chosen from.
        lengths: tokens of each sample, shape (n,).

    Raises:
        UsageError: not even one sample fits.
    """
    limit = math.floor(budget.value * int(lengths.sum()))
    made: dict[int, Compressed] = {}

    def fits(samples: int) -> bool:
        made[samples] = kept = compress(_whole(samples, budget))
        if not isinstance(kept, Subset):
            raise UsageError("only kept samples can be counted in tokens; this method makes some of its own")
        return int(lengths[source.positions(kept.ids)].sum()) <= limit

    low, high = 0, len(source) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    if not low:
        raise UsageError(f"{budget} are {limit:,} tokens, too few for one sample of this method; give more")
    return made[low], _whole(low, budget)


def _whole(samples: int, budget: Budget) -> ResolvedBudget:
    return ResolvedBudget(samples, np.array([samples], dtype=np.int64), budget)
