"""``dqbench.load_kept``: the set of a board's row, and every reason for which there is none to be had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import dqbench
from dqbench.errors import UsageError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with two rows of dq, one with a sweep, at one seed."""
    root = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DQBENCH_DATA", str(root / "data"))
        settings = ["recipe.epochs=1", "observer.epochs=1", "dq.bins=10,2"]
        options = {"keeps": [0.05], "archs": ["digits-mlp"], "seeds": 1, "settings": settings}
        dqbench.run(["dq"], ["digits-xarch"], workspace=root / "w", **options)
        yield root / "w"


@pytest.mark.parametrize("data", ["digits", "digits-xarch"])
def test_it_is_what_the_row_was_trained_on(made, data):
    kept = dqbench.load_kept("dq", data, keep=0.05, workspace=made)
    other = dqbench.load_kept("dq", data, keep=0.05, config={"bins": 2}, workspace=str(made))
    assert len(kept) == len(other)
    assert len(np.unique(kept.bins)) == 10
    assert len(np.unique(other.bins)) == 2


def test_the_workspace_may_be_that_of_the_environment(made, monkeypatch):
    monkeypatch.setenv("DQBENCH_WORKSPACE", str(made))
    assert len(dqbench.load_kept("random", "digits", keep=0.05)) == len(
        dqbench.load_kept("random", "digits", keep=0.05, workspace=made)
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"data": "digit"}, "did you mean digits"),
        ({"method": "dqq"}, "did you mean dq"),
        ({"keep": 0.2}, "at 0.2 with seed 0; there are: 0.05 (seeds 0)"),
        ({"seed": 3}, "with seed 3"),
        ({"config": {"bins": 5}}, "no record of dq with bins=5; there are: dq at smoke, dq[bins=2] at smoke"),
        ({"profile": "paper"}, "with paper"),
        ({"workspace": "nowhere"}, "holds no records"),
        ({"keep": None}, "give one of keep"),
        ({"seed": "a"}, "seed='a'"),
    ],
)
def test_what_is_not_there_is_said(made, asked, words):
    with pytest.raises(UsageError) as caught:
        dqbench.load_kept(**{"method": "dq", "data": "digits", "keep": 0.05, "workspace": made, **asked})
    assert words in str(caught.value)


def test_a_set_that_is_gone_or_another_is_refused(made, tmp_path):
    copied = Path(shutil.copytree(made, tmp_path / "w"))
    record = json.loads(next(copied.glob("records/*/*_random_*.json")).read_text())
    folder = next(copied.glob(f"artifacts/compress-{record['runs'][0]['jobs']['compress'][0][:24]}"))
    ids = np.load(folder / "ids.npy")
    np.save(folder / "ids.npy", ids[::-1])
    with pytest.raises(UsageError, match="does not hold the set that its record names"):
        dqbench.load_kept("random", "digits", keep=0.05, workspace=copied)
    shutil.rmtree(folder)
    with pytest.raises(UsageError, match=r"artifacts are gone; make it again with: dqbench"):
        dqbench.load_kept("random", "digits", keep=0.05, workspace=copied)
