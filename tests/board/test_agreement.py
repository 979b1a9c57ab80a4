"""A proxy board says how its order agrees with that of the papers' protocol, or that nothing says so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from scipy.stats import spearmanr

from dqbench.board import files, markdown, published
from dqbench.board.reading import entries_of
from dqbench.records import Record

MakeRecord = Callable[..., Record]
KEEPS = (0.1, 0.3)


def text_of(records: list[Record]) -> str:
    ((task, boards),) = files.boards(entries_of(records)).items()
    return markdown.document(task, boards, published.load())


def made(make: MakeRecord, profile: str, gains: dict[tuple[str, float], float], **more: object) -> list[Record]:
    """Random at 50 and methods so many points above it, over three seeds."""
    records = [make("random", keep, [49.0, 50.0, 51.0], profile=profile, **more) for keep in KEEPS]
    for (method, keep), gain in gains.items():
        scores = [49.1 + gain, 49.9 + gain, 51.0 + gain]
        records.append(make(method, keep, scores, profile=profile, **more))
    return records


PROXY = {("dq", 0.1): 3.0, ("dq", 0.3): 1.0, ("adq", 0.1): 2.0, ("adq", 0.3): -1.0, ("graphcut", 0.1): 5.0}


def test_the_correlation_is_over_what_both_profiles_measured(make: MakeRecord) -> None:
    paper = {("dq", 0.1): 1.0, ("dq", 0.3): 2.0, ("adq", 0.1): 4.0, ("adq", 0.3): 0.5}
    text = text_of(made(make, "proxy", PROXY) + made(make, "paper", paper))
    found = re.findall(r"over 4 pairs of method and budget .* is (-?[\d.]+);", text)
    expected = float(spearmanr([PROXY[place] for place in paper], list(paper.values())).statistic)
    assert [float(value) for value in found] == [pytest.approx(expected, abs=0.006)]


@pytest.mark.parametrize(("shared", "there"), [(0, "is none"), (1, "is one"), (2, "are 2")])
def test_too_little_in_common_is_said(make: MakeRecord, shared: int, there: str) -> None:
    paper = dict(list(PROXY.items())[:shared])
    records = made(make, "proxy", PROXY) + (made(make, "paper", paper) if shared else [])
    assert f"stand beside random at both, and there {there}." in text_of(records)


def test_other_data_and_other_profiles_are_no_counterpart(make: MakeRecord) -> None:
    other = made(make, "paper", PROXY, source={"train_hash": "f" * 64})
    text = text_of(made(make, "proxy", PROXY) + other + made(make, "quick", PROXY))
    assert text.count("A proxy is a proxy") == 1
    assert "there is none." in text
