"""Differences are said in the unit that their task counts them in: points of percent, or its own."""

from __future__ import annotations

import pytest

from dqbench.cli import plan, results
from dqbench.measure import USUAL, Measure


@pytest.mark.parametrize(
    ("measure", "words"), [(USUAL, "0.5 points to random"), (Measure("nats", "lower", 3), "0.5 nats to random")]
)
def test_how_many_seeds_a_difference_needs(measure: Measure, words: str) -> None:
    row = {"task": "t", "profile": "proxy", "difference": 0.5, "seeds": 1, "paired_sd": 0.0123, "cells": 1}
    said = plan._sentence({**row, "degrees_of_freedom": 4, "unit": measure.differences})
    assert f"a difference of {words}: 1 seed (" in said
    assert f"paired sd 0.0123 {measure.differences} from 1 cell, 4 degrees of freedom" in said


@pytest.mark.parametrize("unit", ["points", "nats", ""])
def test_how_far_a_claim_is_from_what_was_redone(unit: str) -> None:
    answer = {"redone": [], "runs": 1, "difference": 0.0123, "margin": 0.5, "findings": [], "seed": 3, "unit": unit}
    first, *_ = results._compared(answer)
    assert first == f"claimed − redone over 1 run: +0.0123{unit and f' {unit}'}; chance makes up to ±0.5: agrees"
