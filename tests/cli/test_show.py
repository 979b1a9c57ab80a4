"""``dqbench show``: a method's options, a task's protocol."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from dqbench import plugins
from dqbench.cli import facts, main


def shown(capsys: pytest.CaptureFixture[str], name: str) -> dict[str, Any]:
    assert main(["show", name, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_method(capsys: pytest.CaptureFixture[str]) -> None:
    adq = shown(capsys, "adq")
    assert adq["type"] == "method"
    assert adq["from"].startswith("dqbench ")
    assert "AAAI 2025" in adq["paper"]
    alpha = next(option for option in adq["options"] if option["name"] == "alpha")
    assert alpha["default"] == 0.65
    assert alpha["type"] == "float"
    assert alpha["range"] == ">= 0, <= 1"
    assert main(["show", "adq"]) == 0
    out = capsys.readouterr().out
    assert "--set adq.OPTION=VALUE" in out
    assert "= 0.65" in out
    assert alpha["meaning"] in out


def test_a_method_that_keeps_samples_takes_the_options_of_dropping_patches(capsys: pytest.CaptureFixture[str]) -> None:
    options = {option["name"]: option for option in shown(capsys, "random")["options"]}
    assert options["drop"]["default"] == 0
    assert options["fill"]["type"] == "mae | mean | zero"
    assert "drop" not in {option["name"] for option in shown(capsys, "dm")["options"]}, "it makes images"


def test_a_task(capsys: pytest.CaptureFixture[str]) -> None:
    task = shown(capsys, "cifar10-xarch")
    assert task["type"] == "task"
    assert task["licence"]
    assert task["citation"]
    assert set(task["profiles"]) == {"smoke", "quick", "paper"}
    assert main(["show", "cifar10-xarch"]) == 0
    out = capsys.readouterr().out
    assert task["profiles"]["paper"]["observer"]["arch"] in out
    assert "200 epochs, batch 128, sgd 0.1, cosine, crop4, flip" in out
    assert "smoke leaves out" in out


def test_a_task_names_its_published_results_and_the_data_set_of_each_profile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    task = shown(capsys, "imagenette-xarch")
    assert task["published"] == ["rded-cvpr2024, Table 2: 17 results of mtt, rded, sre2l"]
    assert task["profiles"]["smoke"]["dataset"] == "imagenette-64"
    assert task["profiles"]["paper"]["ipcs"] == [1, 10, 50]
    assert main(["show", "imagenette-xarch"]) == 0
    out = capsys.readouterr().out
    for text in ("ImageNet's terms", "17 results", "smoke leaves out", "imagenette-64", "1, 10, 50", "J. Howard"):
        assert text in out
    assert shown(capsys, "imagenette-64")["class_titles"][0] == "tench"


def test_every_registered_name_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    registry = plugins.load()
    for catalogue in (registry.methods, registry.tasks, registry.archs, registry.datasets):
        for spec in catalogue:
            told = shown(capsys, spec.name)
            assert told["summary"]
            assert main(["show", spec.name]) == 0
            assert spec.name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (Literal["a", "b"], "a | b"),
        (float | None, "float | none"),
        (tuple[float, ...] | None, "list of float | none"),
        (list[str], "list of str"),
    ],
)
def test_types_read_as_users_write_them(annotation: Any, text: str) -> None:
    assert facts.type_name(annotation) == text
