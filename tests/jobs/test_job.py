from __future__ import annotations

import json
from typing import Any

import pytest

from dqbench.jobs.job import Job, Needs, canonical
from dqbench.specs import Recipe


def test_the_key_is_the_content_and_not_the_order_label_or_needs() -> None:
    job = Job("train", {"a": 1, "b": [1, 2]}, {"kept": "k"}, "a label", Needs(threads=8))
    assert job.key == Job("train", {"b": [1, 2], "a": 1}, {"kept": "k"}).key


@pytest.mark.parametrize(
    "other",
    [
        Job("observe", {"a": 1}, {"x": "k"}),
        Job("train", {"a": 2}, {"x": "k"}),
        Job("train", {"a": 1}, {"x": "l"}),
        Job("train", {"a": 1}, {"y": "k"}),
        Job("train", {"a": 1}),
        Job("train", {"a": "1"}, {"x": "k"}),
        Job("train", {"a": 1.5}, {"x": "k"}),
    ],
)
def test_anything_that_can_change_the_result_changes_the_key(other: Job) -> None:
    assert Job("train", {"a": 1}, {"x": "k"}).key != other.key


def test_a_new_version_of_a_kind_is_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Job("train", {}).key
    monkeypatch.setattr("dqbench.jobs.job.VERSIONS", {"train": 99})
    assert Job("train", {}).key != before


def test_canonical_json_takes_models_and_refuses_what_is_no_json() -> None:
    recipe = Recipe(name="r", epochs=1, batch_size=1, lr=0.1)
    assert json.loads(canonical({"recipe": recipe}))["recipe"]["epochs"] == 1
    wrong: list[Any] = [{1, 2}, object(), float("nan")]
    for value in wrong:
        with pytest.raises((TypeError, ValueError)):
            canonical({"x": value})
