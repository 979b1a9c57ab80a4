"""Budgets in tokens: as many samples as fit, whatever the method."""

from __future__ import annotations

import numpy as np
import pytest
from stub_texts import text_source

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Distilled, Subset
from dqbench.errors import UsageError
from dqbench.jobs.token_budget import within_tokens
from dqbench.specs import Budget

SOURCE = text_source(48)
LENGTHS = np.random.default_rng(0).integers(5, 60, size=48)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.37, 0.8, 1.0])
@pytest.mark.parametrize("order", ["rising", "falling", "drawn"])
def test_the_first_of_an_order_are_as_many_as_fit(share: float, order: str) -> None:
    places = {
        "rising": np.argsort(LENGTHS, kind="stable"),
        "falling": np.argsort(-LENGTHS, kind="stable"),
        "drawn": np.random.default_rng(1).permutation(48),
    }[order]

    def compress(budget: ResolvedBudget) -> Subset:
        assert budget.per_class.tolist() == [budget.total]
        return Subset(SOURCE.ids[places[: budget.total]])

    kept, budget = within_tokens(compress, Budget.tokens(share), SOURCE, LENGTHS)
    running = np.cumsum(LENGTHS[places])
    fitting = int((running <= share * LENGTHS.sum() + 1e-9).sum())
    assert len(kept) == budget.total == fitting
    assert isinstance(kept, Subset)
    assert kept.ids.tolist() == SOURCE.ids[places[:fitting]].tolist()
    assert budget.asked == Budget.tokens(share)


def test_too_few_tokens_for_one_sample_are_refused() -> None:
    with pytest.raises(UsageError, match=r"tokens0.001 are 1 tokens, too few for one sample"):
        within_tokens(lambda budget: Subset(SOURCE.ids[: budget.total]), Budget.tokens(0.001), SOURCE, LENGTHS)


def test_only_kept_samples_are_counted() -> None:
    made = Distilled(np.zeros((1, 2, 2, 1), dtype=np.uint8), np.zeros(1, dtype=np.int64))
    with pytest.raises(UsageError, match="only kept samples can be counted in tokens"):
        within_tokens(lambda budget: made, Budget.tokens(0.5), SOURCE, LENGTHS)


@pytest.mark.parametrize("share", [0, 1.2, "many", True, float("nan")])
def test_shares_that_are_none_are_refused(share: object) -> None:
    with pytest.raises(UsageError, match="share of tokens"):
        Budget.tokens(share)  # type: ignore[arg-type]
