"""The job that watches an observer train: its network is the usual observer's, and methods find its course."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dqbench.data import store
from dqbench.jobs import dynamics, observe, prepare, train
from dqbench.jobs.inputs import load_arrays, registry
from dqbench.jobs.job import Context
from dqbench.seeds import OBSERVER
from dqbench.specs import Recipe

CONTEXT = Context("cpu")
RECIPE = Recipe(name="", epochs=3, batch_size=50, lr=0.05)


@pytest.fixture
def words(data_root: Path) -> dict[str, Any]:
    store.info("digits", registry(CONTEXT))
    return {
        "source": {"dataset": "digits", "hash": store.open_train("digits").content_hash, "per_class": 12},
        "arch": "digits-mlp",
        "precision": "fp32",
    }


@pytest.fixture
def watched(words: dict[str, Any], tmp_path: Path) -> Path:
    out = tmp_path / "watched"
    out.mkdir()
    spec = {**words, "recipe": RECIPE.model_dump(mode="json", exclude={"name"}), "seed": 3, "purpose": OBSERVER}
    facts = dynamics.run(spec, {}, out, CONTEXT)
    assert facts["epochs"] == 3
    assert facts["mode"] == "eval"
    return out


def test_it_is_the_observer_of_the_same_seed(words: dict[str, Any], watched: Path, tmp_path: Path) -> None:
    for name in ("plain", "seen"):
        (tmp_path / name).mkdir()
    spec = {**words, "recipe": RECIPE.model_dump(mode="json", exclude={"name"}), "seed": 3, "purpose": OBSERVER}
    train.run({**spec, "snapshots": 0}, {}, tmp_path / "plain", CONTEXT)
    observe.run(words, {"network": tmp_path / "plain"}, tmp_path / "seen", CONTEXT)
    plain, own = (load_file(folder / "model.safetensors") for folder in (tmp_path / "plain", watched))
    assert all(torch.equal(own[name], value) for name, value in plain.items())
    seen, arrays = load_arrays(tmp_path / "seen"), load_arrays(watched)
    assert all(np.array_equal(seen[name], arrays[name]) for name in ("logits", "features"))
    assert json.loads((watched / "network.json").read_text())["arch"] == "digits-mlp"


def test_prepare_sees_its_course_and_its_network(words: dict[str, Any], watched: Path) -> None:
    source = store.open_train("digits", 12)
    inputs = {"dynamics": watched, "dynamics_1": watched}
    seen = prepare.all_observed({"observer_arch": "digits-mlp"}, inputs, source, CONTEXT)
    assert seen is not None
    assert seen.course().p_y.shape == (3, len(source))
    assert len(seen.repeats) == 1
    answered = seen.answer(torch.from_numpy(np.array(source.images[:5])))
    np.testing.assert_allclose(answered.numpy(), seen.logits[:5], rtol=1e-4, atol=1e-4)
    assert prepare.all_observed({}, {"prior": watched}, source, CONTEXT) is None


def test_altered_labels_are_what_it_learns_from(words: dict[str, Any], tmp_path: Path) -> None:
    from dqbench.alteration import Alteration
    from dqbench.plan.altered_source import alter

    altered = alter("digits", 12, Alteration(noise=0.5))
    spec = {**words, "recipe": RECIPE.model_dump(mode="json", exclude={"name"}), "seed": 3, "purpose": OBSERVER}
    spec["source"] = {**words["source"], "altered": altered.spec}
    dynamics.run(spec, {}, tmp_path, CONTEXT)
    arrays, source = load_arrays(tmp_path), store.open_train("digits", 12, Alteration(noise=0.5))
    right = arrays["logits"].argmax(axis=1) == source.labels
    assert np.array_equal(arrays["correct"][-1], right)
    assert (source.labels != store.open_train("digits", 12).labels).sum() == 60
