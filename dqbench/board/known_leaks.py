"""Test images that are in the training set, by the hashes of the sets: from records, or counted once for all."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from dqbench.board.sections import Section
from dqbench.data.leak_counts import Leaks


def leaks_of(section: Section) -> Leaks | None:
    """What was counted of a section's data; None where nobody counted.

    Records say it from the day on that data were stored with it. Those from before are on data whose hashes are in
    ``leaks.csv``, with what ``dqbench data verify`` counts there.
    """
    told = (entry.record.source.leaks for entry in section.entries if entry.record.trust == "measured")
    counted = next((leaks for leaks in told if leaks), None)
    if counted:
        return Leaks(counted.exact, counted.near)
    return _known().get((section.setting.train_hash, section.setting.test_hash))


@cache
def _known() -> dict[tuple[str, str], Leaks]:
    text = (files("dqbench.published") / "leaks.csv").read_text(encoding="utf-8")
    return {
        (line["train_hash"], line["test_hash"]): Leaks(int(line["exact"]), int(line["near"]) if line["near"] else None)
        for line in csv.DictReader(text.splitlines())
    }
