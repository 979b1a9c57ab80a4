"""Claims held against a board: confirmed, refuted, smaller than claimed or undecided, from the intervals alone.

For "this is above that by c points", with [low, high] the 95 % interval of the paired difference:

- refuted: high <= 0;
- smaller than claimed: 0 < high < c;
- confirmed: low > 0 and high >= c, so that the difference is there and the size is not excluded;
- undecided: low <= 0 and high >= c, which for c > 0 means high >= c > 0.

For margins m ("not below by m", "alike within m") the interval is the 90 % one, whose ends are one-sided 95 % bounds.
A claim of several comparisons holds if all do; their intervals are 95 % (90 %) together, by Bonferroni.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dqbench.board.board import Board
from dqbench.board.contrasts import Contrast, Missing, contrast
from dqbench.board.sections import Setting
from dqbench.board.statistics import t_quantile
from dqbench.board.tested_seeds import Tested
from dqbench.claims import Claim, Comparison
from dqbench.power import seeds_for_width, seeds_needed

Verdict = Literal["confirmed", "refuted", "smaller than claimed", "undecided", "not measured"]

VERDICTS: tuple[Verdict, ...] = ("confirmed", "refuted", "smaller than claimed", "undecided", "not measured")

LEAST_SEEDS = 5
"""Fewest seeds for a claim (six for a sign-flip test to reach 5 %)."""

ALPHA = 0.05


@dataclass(frozen=True)
class Finding:
    """One comparison on one board.

    Attributes:
        comparison: what was compared.
        verdict: of this comparison alone.
        mean: the difference in points.
        low: lower end of the interval.
        high: upper end.
        networks: that it is over.
        seeds: that would decide it, where it is undecided; None where more than 10,000 would.
    """

    comparison: Comparison
    verdict: Verdict
    mean: float
    low: float
    high: float
    networks: tuple[str, ...]
    seeds: int | None = None


@dataclass(frozen=True)
class Judged:
    """A claim on one board.

    Attributes:
        claim: what is claimed.
        setting: of the board that it was held against; None where the claim's task was not run at a profile that
            counts.
        tested: the seeds that are tested there; None likewise.
        verdict: of all comparisons together.
        findings: of each comparison; empty where one could not be made.
        why: what is missing, or why nothing is decided; else empty.
    """

    claim: Claim
    setting: Setting | None
    tested: Tested | None
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    why: str = ""

    @property
    def seeds(self) -> int | None:
        """Seeds that would decide all that is undecided; None where none would, or nothing is."""
        needed = [finding.seeds for finding in self.findings if finding.verdict == "undecided"]
        return max(needed) if needed and None not in needed else None  # type: ignore[type-var]


def judge_all(claims: Iterable[Claim], boards: Mapping[str, Sequence[Board]]) -> list[Judged]:
    """Every claim on every board that it speaks of; one line for a claim that has no board."""
    found: list[Judged] = []
    for claim in claims:
        fitting = [board for board in boards.get(claim.task, ()) if _speaks_of(claim, board)]
        found += [judge(claim, board) for board in fitting] or [
            Judged(claim, None, None, "not measured", why=f"{claim.task} was not run at {' or '.join(claim.profiles)}")
        ]
    return found


def _speaks_of(claim: Claim, board: Board) -> bool:
    setting = board.section.setting
    return setting.profile in claim.profiles and setting.labels == claim.labels and not setting.altered


def judge(claim: Claim, board: Board) -> Judged:
    """Hold a claim against a board of its task, regime of labels and profile."""
    setting, tested = board.section.setting, board.section.tested
    if board.unlearned:
        return Judged(claim, setting, tested, "not measured", why="nothing was learned at this scale")
    try:
        contrasts = [contrast(board, comparison) for comparison in claim.comparisons]
    except Missing as missing:
        return Judged(claim, setting, tested, "not measured", why=str(missing))
    if len(tested.seeds) < LEAST_SEEDS:
        why = f"{len(tested.seeds)} tested seeds; a claim needs {LEAST_SEEDS}"
        return Judged(claim, setting, tested, "undecided", why=why)
    alpha = ALPHA / len(claim.comparisons)
    findings = tuple(_finding(c, found, alpha) for c, found in zip(claim.comparisons, contrasts, strict=True))
    return Judged(claim, setting, tested, together([finding.verdict for finding in findings]), findings)


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim whose comparisons must all hold: the worst that is certain, else undecided."""
    if "refuted" in verdicts:
        return "refuted"
    if "undecided" in verdicts:
        return "undecided"
    return "smaller than claimed" if "smaller than claimed" in verdicts else "confirmed"


def _finding(comparison: Comparison, found: Contrast, alpha: float) -> Finding:
    values = np.asarray(found.values)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    margin = comparison.relation != "above"
    level = 2 * alpha if margin else alpha
    half = t_quantile(1 - level / 2, len(values)) * sd / math.sqrt(len(values))
    low, high = mean - half, mean + half
    verdict = _margin_verdict(comparison, low, high) if margin else above_verdict(low, high, comparison.points)
    seeds = _seeds(comparison, mean, sd, level) if verdict == "undecided" else None
    return Finding(comparison, verdict, mean, low, high, found.networks, seeds)


def above_verdict(low: float, high: float, claimed: float) -> Verdict:
    """Whether an interval says that a difference is there and may be as large as claimed."""
    if high <= 0:
        return "refuted"
    if high < claimed:
        return "smaller than claimed"
    return "confirmed" if low > 0 else "undecided"


def _margin_verdict(comparison: Comparison, low: float, high: float) -> Verdict:
    margin, two_sided = comparison.points, comparison.relation == "alike_within"
    if high < -margin or (two_sided and low > margin):
        return "refuted"
    return "confirmed" if low > -margin and (not two_sided or high < margin) else "undecided"


def _seeds(comparison: Comparison, mean: float, sd: float, level: float) -> int | None:
    """Seeds that would decide: by the claimed size where there is one, else by the difference that was seen."""
    if comparison.relation == "above" and comparison.points > 0:
        return seeds_for_width(comparison.points, sd, level)
    if comparison.relation == "above":
        distance = abs(mean)
    elif comparison.relation == "not_below":
        distance = abs(mean + comparison.points)
    else:
        distance = abs(comparison.points - abs(mean))
    return seeds_needed(distance, sd, level) if distance else None
