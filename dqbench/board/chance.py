"""Whether anything was learned: a network that scores no more on the full data than a guess tells methods nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dqbench.board.sections import Network, Section, Setting
from dqbench.board.statistics import LEAST, lower_bound
from dqbench.measure import PERCENT
from dqbench.specs import Budget

ACCURACIES = ("top1", "corruption_accuracy")
"""Metrics of which a guess among the classes gets its share; it gets nothing of others."""

_ONE_SIDED = 1.6449
"""The standard normal's 95 % quantile."""


def chance(setting: Setting) -> float:
    """The score of guessing, in percent."""
    return 100.0 / setting.classes if setting.metric in ACCURACIES else 0.0


def has_chance(setting: Setting) -> bool:
    """Whether guessing has a score that can be told: of shares, which are in percent and the higher the better."""
    return setting.measure.unit == PERCENT and not setting.measure.lower_is_better


def is_above_chance(scores: Sequence[float], setting: Setting) -> bool:
    """Whether scores of several seeds are above guessing.

    Their mean must be above what one network that guesses gets on so many test images in 95 % of cases (all networks
    share the images, so that more seeds make it no smaller), and from three seeds on their one-sided 95 % bound above
    guessing.
    """
    guess = chance(setting)
    luck = _ONE_SIDED * math.sqrt(guess * (100.0 - guess) / max(1, setting.test_samples))
    bound = lower_bound(scores) if len(scores) >= LEAST else None
    return sum(scores) / len(scores) > guess + luck and (bound is None or bound > guess)


def nothing_learned(section: Section) -> tuple[Network, ...]:
    """Networks whose full-data row is there and not above chance; none where nobody knows what a guess scores."""
    if not has_chance(section.setting):
        return ()
    found = [(n, section.record(section.full, n, Budget.full())) for n in section.networks] if section.full else []
    return tuple(n for n, full in found if full and not is_above_chance([r.score for r in full.runs], section.setting))
