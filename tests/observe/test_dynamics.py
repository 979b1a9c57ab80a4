"""The course of a training: each number against its formula, and that watching changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dqbench.observe.dynamics import NAMES, Dynamics, Watch, change, of_epoch
from dqbench.observe.windows import sliding
from dqbench.testing import problems
from dqbench.train.setup import Runtime

torch.set_num_threads(1)
SOURCE = problems.source("even")
EPOCHS = 3


def trainer(watches: bool = True, scratch: Path | None = None, epochs: int = EPOCHS):
    made = problems.trainer("even", 0, watches)
    recipe = made.recipe.model_copy(update={"epochs": epochs, "lr": 0.05})
    return replace(made, recipe=recipe, runtime=Runtime(scratch=scratch))


def test_watching_changes_nothing_that_is_trained() -> None:
    plain, watched = trainer(False)(None), trainer()(None)
    assert plain.dynamics is None
    assert len(watched.course()) == EPOCHS
    for name, value in plain.net.state_dict().items():
        assert torch.equal(value, watched.net.state_dict()[name]), name
    assert np.array_equal(plain.logits, watched.logits)
    assert np.array_equal(plain.features, watched.features)


def test_the_last_epoch_is_what_the_observer_says_and_earlier_ones_are_earlier() -> None:
    seen = trainer()(None)
    course = seen.course()
    last = of_epoch(seen.logits, seen.features, seen.labels, None)
    for name in ("p_y", "margin", "correct", "el2n", "grand"):
        assert np.array_equal(getattr(course, name)[-1], last[name])
    assert not np.array_equal(course.p_y[0], course.p_y[-1])
    assert course.change.shape == (EPOCHS - 1, len(SOURCE))


def test_rows_are_their_formulas() -> None:
    rng = np.random.default_rng(0)
    before, z, h = rng.normal(0, 2, (12, 4)), rng.normal(0, 2, (12, 4)), rng.normal(0, 1, (12, 3))
    y = rng.integers(0, 4, 12)
    rows = of_epoch(z, h, y, before)
    p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (before, z))
    for i in range(12):
        others = [z[i, c] for c in range(4) if c != y[i]]
        g = q[i] - np.eye(4)[y[i]]
        assert rows["p_y"][i] == pytest.approx(q[i, y[i]])
        assert rows["margin"][i] == pytest.approx(z[i, y[i]] - max(others), rel=1e-6)
        assert rows["correct"][i] == (z[i].argmax() == y[i])
        assert rows["el2n"][i] == pytest.approx(np.sqrt((g**2).sum()), rel=1e-6)
        assert rows["grand"][i] == pytest.approx(np.linalg.norm(np.outer(g, [1, *h[i]])), rel=1e-6)
        assert rows["change"][i] == pytest.approx(sum(abs(q[i] * np.log(q[i] / p[i]))), rel=1e-6)


def test_a_partial_batch_inflates_nothing() -> None:
    """500 images go through the network at once: the last batch of 501 has one, which says what it says alone."""
    rng = np.random.default_rng(1)
    z, h, y = rng.normal(size=(501, 3)), rng.normal(size=(501, 2)), rng.integers(0, 3, 501)
    together, alone = of_epoch(z, h, y, None), of_epoch(z[500:], h[500:], y[500:], None)
    assert together["grand"][500] == pytest.approx(alone["grand"][0], rel=1e-6)


def test_probabilities_that_round_to_one_still_change() -> None:
    z = np.array([[60.0, 0.0], [800.0, 0.0]])
    assert np.isfinite(change(z, z[::-1])).all()
    assert change(z, z).tolist() == [0.0, 0.0]


def test_logits_that_are_not_finite_are_refused_by_sample() -> None:
    z = np.zeros((5, 2))
    z[3, 1] = np.nan
    with pytest.raises(ValueError, match="sample 3"):
        of_epoch(z, np.zeros((5, 1)), np.zeros(5, np.int64), None)


def test_parts_and_storage() -> None:
    course = trainer()(None).course()
    again = Dynamics.from_arrays({**course.arrays(), "other": np.zeros(1)})
    assert all(np.array_equal(getattr(again, name), getattr(course, name)) for name in NAMES)
    two = course.first(2)
    assert (len(two), len(two.change)) == (2, 1)
    assert len(course.first(99)) == len(course.first(None)) == EPOCHS


def test_a_training_that_goes_on_has_the_epochs_from_before(tmp_path: Path) -> None:
    """As after a kill: a checkpoint of epoch 2, a row of epoch 3 that was not saved with it, and a new process."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 6)
    said = {epoch: (rng.normal(size=(6, 3)), rng.normal(size=(6, 2))) for epoch in range(1, 5)}
    whole = Watch(said.get, y)
    for epoch in said:
        whole(epoch, epoch)
    killed = Watch(said.get, y, tmp_path)
    for epoch in (1, 2, 3):
        killed(epoch, epoch)
    again = Watch(said.get, y, tmp_path)
    for epoch in (2, 3, 4):
        again(epoch, epoch)
    for name in NAMES:
        assert np.array_equal(getattr(whole.dynamics(), name), getattr(again.dynamics(), name)), name


def test_a_killed_training_ends_with_the_same_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dqbench.train.loop.SAVE_EVERY_S", 0.0)
    expected = trainer()(None)

    class Killed(Exception):
        pass

    def kill(epoch: int, epochs: int) -> None:
        if epoch == 2:
            raise Killed

    first = trainer(scratch=tmp_path)
    with pytest.raises(Killed):
        replace(first, runtime=replace(first.runtime, on_epoch=kill))(None)
    again = trainer(scratch=tmp_path)(None)
    for name in NAMES:
        assert np.array_equal(getattr(expected.course(), name), getattr(again.course(), name)), name


def test_windows_slide_over_all_epochs() -> None:
    series = np.arange(8.0).reshape(4, 2)
    assert [window[0, 0] for window in sliding(series, 3)] == [0, 2]
    with pytest.raises(ValueError, match="does not fit"):
        list(sliding(series, 5))


def test_others_can_be_looked_at_than_those_that_are_learned_from() -> None:
    inside = np.array([1, 4, 9])
    outside = np.setdiff1d(np.arange(len(SOURCE)), inside)
    seen = trainer().shown(outside, inside, "fold", 0)
    assert seen.labels.tolist() == SOURCE.labels[inside].tolist()
    assert seen.course().p_y.shape == (EPOCHS, 3)
    other = trainer()(outside, "fold", 0)
    for name, value in other.net.state_dict().items():
        assert torch.equal(value, seen.net.state_dict()[name]), name
