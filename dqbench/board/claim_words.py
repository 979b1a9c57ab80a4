"""Verdicts on claims as sentences, as a table, as JSON values and as the page ``claims.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from dqbench.board import contrasts, sentences, text
from dqbench.board.markup import bullets, escape, table
from dqbench.board.tables import Table
from dqbench.board.verdicts import VERDICTS, Finding, Judged
from dqbench.claims import Cells, Comparison
from dqbench.measure import USUAL, Measure
from dqbench.seed_ranges import seeds_words

READING = (
    "A claim is a comparison that was written down, with its size, before the run. From the interval [low, high] of "
    "the paired difference alone it is refuted (high ≤ 0), smaller than claimed (0 < high < the size), confirmed (low "
    "> 0, and the size is not excluded) or undecided. Margins go by one-sided 95 % bounds; several comparisons of one "
    "claim must all hold, and share its 5 %. Only the profiles paper and proxy count, and at least five seeds in whole "
    "blocks."
)


def claimed(comparison: Comparison, measure: Measure = USUAL) -> str:
    """The size or margin of a comparison, in words."""
    points = f"{comparison.points:g}"
    above, below = ("better", "worse") if measure.lower_is_better else ("above", "below")
    if comparison.relation == "not_below":
        return f"not {below} by more than {points}"
    if comparison.relation == "alike_within":
        return f"alike within {points}"
    return f"{above} by {points}" if comparison.points else above


def compared(comparison: Comparison, measure: Measure = USUAL) -> str:
    """The two sides of a comparison, with what is subtracted from their difference."""
    words = _minus(comparison.this, comparison.that, measure)
    if comparison.net_of is None:
        return words
    return f"({words}) − ({_minus(comparison.net_of.this, comparison.net_of.that, measure)})"


def _minus(this: Cells, that: Cells, measure: Measure) -> str:
    """This − that; where lower is better that − this, so that above 0 says that this is better."""
    return " − ".join(
        contrasts.words(cells) + (f" on {_networks(cells.network)}" if this.network != that.network else "")
        for cells in ((that, this) if measure.lower_is_better else (this, that))
    )


def _networks(network: str) -> str:
    return {"observer": "the observer's network", "unseen": "unseen networks", "all": "all networks"}.get(
        network, network
    )


def interval(finding: Finding, measure: Measure = USUAL) -> str:
    """The difference and its interval, without what it is counted in."""
    mean, low, high = (text.signed(value, measure.decimals) for value in (finding.mean, finding.low, finding.high))
    return f"{mean} [{low}, {high}]"


def _measure(judged: Judged) -> Measure:
    return judged.setting.measure if judged.setting else USUAL


def sentence(judged: Judged) -> str:
    """The claim, its source, and the verdict with the numbers that it comes from."""
    claim = judged.claim
    start = f"{claim.words} ({claim.source.paper}, {claim.source.place}): {judged.verdict}"
    if judged.setting is not None:
        start += f" at {judged.setting.profile}"
    if judged.why:
        return f"{start}: {judged.why}."
    parts = "; ".join(_part(finding, _measure(judged)) for finding in judged.findings)
    return f"{start}, over {_seeds(judged)}: {parts}.{_more_seeds(judged)}"


def _part(finding: Finding, measure: Measure) -> str:
    networks = text.listing(list(finding.networks))
    return (
        f"{compared(finding.comparison, measure)} is {measure.amount(interval(finding, measure))} on {networks}, "
        f"claimed {claimed(finding.comparison, measure)}"
    )


def _seeds(judged: Judged) -> str:
    tested = judged.tested
    if tested is None:
        return ""
    of_planned = f" of {tested.planned} planned" if tested.planned and len(tested.seeds) < tested.planned else ""
    return f"{seeds_words(tested.seeds)}{of_planned}"


def _more_seeds(judged: Judged) -> str:
    if judged.verdict != "undecided":
        return ""
    if judged.seeds is None:
        return " More than 10,000 seeds would decide it."
    return f" About {text.plural(judged.seeds, 'seed')} would decide it."


def facts(judged: Judged) -> dict[str, Any]:
    """A verdict as JSON values."""
    claim, setting = judged.claim, judged.setting
    return {
        "claim": claim.name,
        "words": claim.words,
        "source": claim.source.model_dump(),
        "task": claim.task,
        "labels": claim.labels,
        "profile": setting.profile if setting else None,
        "precision": setting.precision if setting else None,
        "dataset": setting.dataset if setting else None,
        "verdict": judged.verdict,
        "why": judged.why,
        "seeds": list(judged.tested.seeds) if judged.tested else [],
        "seeds_needed": judged.seeds,
        "comparisons": [_finding(finding, _measure(judged)) for finding in judged.findings],
        "sentence": sentence(judged),
    }


def _finding(finding: Finding, measure: Measure) -> dict[str, Any]:
    return {
        "compared": compared(finding.comparison, measure),
        "relation": finding.comparison.relation,
        "points": finding.comparison.points,
        "mean": text.settled(finding.mean),
        "low": text.settled(finding.low),
        "high": text.settled(finding.high),
        "networks": list(finding.networks),
        "verdict": finding.verdict,
        "seeds_needed": finding.seeds,
    }


def claim_table(found: Sequence[Judged]) -> Table:
    """A line for each verdict: claim, where, verdict, size claimed, difference measured, seeds, source."""
    rows = [
        (
            judged.claim.name,
            judged.claim.task,
            _where(judged),
            judged.verdict,
            "; ".join(claimed(comparison, _measure(judged)) for comparison in judged.claim.comparisons),
            "; ".join(interval(finding, _measure(judged)) for finding in judged.findings),
            str(len(judged.tested.seeds)) if judged.tested and judged.findings else "",
            "" if judged.seeds is None else str(judged.seeds),
            f"{judged.claim.source.paper}, {judged.claim.source.place}",
        )
        for judged in found
    ]
    header = ("claim", "task", "profile", "verdict", "claimed", "measured", "seeds", "would decide", "source")
    return Table(header, tuple(rows), names=5)


def _where(judged: Judged) -> str:
    return judged.setting.profile if judged.setting else ""


def of_board(found: Iterable[Judged]) -> list[str]:
    """The Markdown blocks of a section that some claims speak of; none where nothing of them is measured."""
    shown = [sentence(judged) for judged in found if judged.verdict != "not measured"]
    return ["### Claims", bullets(shown)] if shown else []


def absences(found: Iterable[Judged]) -> list[str]:
    """What is not measured, a line for each reason."""
    by_why: dict[str, list[str]] = {}
    for judged in found:
        by_why.setdefault(judged.why, []).append(judged.claim.name)
    return [f"{why}: {text.listing(list(dict.fromkeys(names)))}." for why, names in by_why.items()]


def counted(found: Sequence[Judged]) -> str:
    """How many claims came to which verdict, in words."""
    counts = Counter(judged.verdict for judged in found)
    return text.listing([f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]])


def page(found: Sequence[Judged]) -> str:
    """The page of all claims, all but its first line."""
    measured = [judged for judged in found if judged.verdict != "not measured"]
    absent = [judged for judged in found if judged.verdict == "not measured"]
    blocks = ["", "# What papers claim", f"{text.plural(len(found), 'verdict')}: {counted(found)}.", READING]
    for verdict in VERDICTS[:-1]:
        own = [judged for judged in measured if judged.verdict == verdict]
        if own:
            titles = "".join(f"\n- {_linked(judged)}" for judged in own)
            blocks.append(f"## {verdict.capitalize()}\n{titles}")
    if measured:
        blocks += ["## Numbers", table(claim_table(measured).without_blanks())]
    if absent:
        blocks += ["## Not measured", bullets(absences(absent))]
    return "\n\n".join(blocks).removeprefix("\n") + "\n"


def _linked(judged: Judged) -> str:
    title = sentences.title(judged.setting) if judged.setting else ""
    return f"{escape(sentence(judged))} [{escape(title)}]({judged.claim.task}.md)"
