"""The checks of tasks, architectures and data sets pass the example and catch what they are there to catch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dqbench import plugins
from dqbench.registry import Registry
from dqbench.testing import Check, arch_checks, dataset_checks, task_checks
from dqbench.testing import parts as parts_

EXAMPLE = Path(__file__).parents[2] / "examples" / "rings" / "dqbench_rings.py"


@pytest.fixture
def registry(data_root: Path) -> Registry:
    return plugins.load([EXAMPLE])


def broken(found: Sequence[Check]) -> dict[str, str]:
    wrong = {}
    for check in found:
        try:
            check()
        except Exception as error:
            wrong[check.name] = str(error)
    return wrong


def changed(registry: Registry, name: str, **changes: Any) -> dict[str, str]:
    """What is broken when the spec of this name has other fields."""
    what, spec, _ = registry.find(name)
    rules = {"dataset": parts_.DATASET_RULES, "arch": parts_.ARCH_RULES, "task": parts_.TASK_RULES}[what]
    return broken(parts_._bound(replace(spec, **changes), registry, rules))


def test_the_example_conforms(registry: Registry) -> None:
    assert broken(dataset_checks("rings", registry=registry)) == {}
    assert broken(arch_checks("rings-mlp", registry=registry)) == {}
    assert broken(task_checks("rings-nll", registry=registry)) == {}
    assert broken(task_checks("rings-knn", registry=registry)) == {}


def test_built_in_parts_conform(registry: Registry) -> None:
    for name in ("digits-xarch", "digits-probe"):
        assert broken(task_checks(name, registry=registry)) == {}
    assert broken(dataset_checks("digits", registry=registry)) == {}


def test_a_direction_that_is_forgotten_is_found(registry: Registry) -> None:
    wrong = changed(registry, "rings-nll", better="higher")
    assert list(wrong) == ["right_answers_are_better"]
    assert "better='higher'" in wrong["right_answers_are_better"]


@pytest.mark.parametrize(
    ("name", "changes", "rule"),
    [
        ("rings", {"shape": (8, 8, 3)}, "the_loader_gives_what_the_spec_says"),
        ("rings", {"counts": (240, 121)}, "the_loader_gives_what_the_spec_says"),
        ("rings", {"classes": 4}, "the_loader_gives_what_the_spec_says"),
        ("rings", {"licence": ""}, "the_spec_is_sound"),
        ("rings-mlp", {"target": "dqbench_rings:load"}, "networks_do_all_that_is_asked_of_them"),
        ("rings-nll", {"metric": "top1"}, "the_evaluator_gives_its_metric"),
        ("rings-nll", {"evaluator": "dqbench_rings:nearest_kept"}, "the_evaluator_gives_its_metric"),
        ("rings-knn", {"needs": ("kept",)}, "the_spec_is_sound"),
        ("rings-nll", {"profiles": {}}, "the_spec_is_sound"),
    ],
)
def test_a_wrong_part_breaks_its_rule(registry: Registry, name: str, changes: dict[str, Any], rule: str) -> None:
    assert rule in changed(registry, name, **changes)


def test_a_loader_that_draws_anew_or_leaks_is_found(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["dqbench_rings"]
    arrays = module.load()

    def shuffled() -> Any:
        order = np.random.permutation(len(arrays.y_train))
        return replace(arrays, x_train=arrays.x_train[order], y_train=arrays.y_train[order])

    monkeypatch.setattr(module, "load", shuffled)
    assert "the_loader_gives_the_same_twice" in broken(dataset_checks("rings", registry=registry))
    leaking = replace(arrays, x_test=np.concatenate([arrays.x_test[:-1], arrays.x_train[:1]]))
    monkeypatch.setattr(module, "load", lambda: leaking)
    assert "1 test images" in broken(dataset_checks("rings", registry=registry))["no_test_image_is_trained_on"]
