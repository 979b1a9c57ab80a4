"""Probes against textbook formulas, and with weights, probabilities and made images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dqbench.data.arrays import TestSet
from dqbench.data.kept import KeptImages
from dqbench.observe import probes
from dqbench.observe.observed import Observed
from dqbench.testing import problems

SOURCE, SEEN = problems.source("unequal"), problems.observed("unequal")
TEST = TestSet(np.asarray(SOURCE.images), SOURCE.labels, "t" * 64)
EVERY = np.arange(len(SOURCE))


def kept(positions: Any = EVERY, **more: Any) -> KeptImages:
    where = np.asarray(positions)
    return KeptImages(**{"images": SOURCE.images[where], "labels": SOURCE.labels[where], "positions": where, **more})


def score(probe: Any, one: KeptImages, observed: Observed = SEEN) -> dict[str, Any]:
    found: dict[str, Any] = probe(TEST, SOURCE, "cpu", "fp32", kept=one, observed=observed)
    assert found["top1"] == pytest.approx(100 * (found["predictions"] == TEST.labels).mean())
    return found


def test_ridge_is_the_best_of_its_grid_by_leaving_one_out() -> None:
    own, seen = probes.features(TEST, "fp32", kept(), SEEN)
    unit, targets = (own**2).mean(), np.eye(SOURCE.classes)[SOURCE.labels]

    def fit(rows: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
        middle, level = own[rows].mean(axis=0), targets[rows].mean(axis=0)
        x, y = own[rows] - middle, targets[rows] - level
        slope = np.linalg.solve(x.T @ x + strength * np.eye(x.shape[1]), x.T @ y)
        return slope, level - middle @ slope

    def left_out_error(strength: float) -> float:
        errors = []
        for one in EVERY:
            slope, level = fit(np.delete(EVERY, one), strength)
            errors.append(((own[one] @ slope + level - targets[one]) ** 2).sum())
        return float(np.sum(errors))

    found = score(probes.ridge, kept())
    tried = {strength: left_out_error(strength * unit) for strength in probes.STRENGTHS[::2]}
    best = min(tried, key=tried.__getitem__)
    assert left_out_error(found["strength"] * unit) <= tried[best] * (1 + 1e-6)
    slope, level = fit(EVERY, found["strength"] * unit)
    assert (found["predictions"] == (seen @ slope + level).argmax(axis=1)).all()


def test_a_weight_of_two_is_a_sample_twice() -> None:
    half = np.arange(0, len(SOURCE), 2)
    double = score(probes.ridge, kept(np.concatenate([half, half[:5]])))
    heavy = score(probes.ridge, kept(half, weights=np.where(np.arange(len(half)) < 5, 2.0, 1.0)))
    assert double["top1"] == pytest.approx(heavy["top1"], abs=10)
    assert (
        score(probes.nearest, kept(half[:6], weights=np.full(6, 3.0)))["predictions"].tolist()
        == score(probes.nearest, kept(half[:6]))["predictions"].tolist()
    )


def test_the_nearest_of_a_sample_that_was_kept_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "NEIGHBOURS", 1)
    assert score(probes.nearest, kept())["top1"] == 100
    few = np.flatnonzero(SOURCE.labels != 2)
    assert set(score(probes.nearest, kept(few))["predictions"]) <= {0, 1, 3}


def test_images_without_positions_are_looked_at() -> None:
    of_source, made = (score(probes.ridge, one) for one in (kept(), replace(kept(), positions=None)))
    assert (of_source["predictions"] == made["predictions"]).all()


def test_probabilities_take_the_place_of_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "NEIGHBOURS", 1)  # votes of several may tie
    hot = np.eye(SOURCE.classes, dtype=np.float32)[SOURCE.labels]
    assert (score(probes.ridge, kept(labels=hot))["predictions"] == score(probes.ridge, kept())["predictions"]).all()
    turned = np.roll(hot, 1, axis=1)
    found = score(probes.nearest, kept(labels=turned))["predictions"]
    assert (found == (score(probes.nearest, kept())["predictions"] + 1) % SOURCE.classes).all()


def test_one_image_of_one_class_and_dead_features_are_no_error() -> None:
    assert set(score(probes.ridge, kept([3]))["predictions"]) == {SOURCE.labels[3]}
    assert set(score(probes.nearest, kept([3]))["predictions"]) == {SOURCE.labels[3]}
    dead = replace(SEEN, features=np.asarray(SEEN.features) * (np.arange(SEEN.features.shape[1]) % 2))
    own, seen = probes.features(TEST, "fp32", kept(), dead)
    assert np.isfinite(own).all()
    assert np.isfinite(seen).all()
