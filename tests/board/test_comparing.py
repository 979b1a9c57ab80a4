"""Which published numbers a cell may be held against: every condition of the shipped tables, one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dqbench.board import comparing, published
from dqbench.board.caveats import OPTION, Caveat, conditions
from dqbench.board.published import Result
from dqbench.records import Record
from dqbench.specs import Budget, Recipe
from dqbench.train.recipes import CIFAR_SGD, DM_1000, RDED_300, RDED_300_N1, RDED_300_N1_B100

MakeRecord = Callable[..., Record]
KNOWN = published.load()
WHOLE = {"train_per_class": None, "test_per_class": None, "train_samples": 50_000, "provenance": "verified"}


def _result(paper: str, task: str, method: str, arch: str, budget: Budget) -> Result:
    """The shipped result of these names."""
    found = [r for r in KNOWN.results if (r.paper, r.task, r.method, r.arch) == (paper, task, method, arch)]
    return next(r for r in found if r.budget == budget)


def _record(make: MakeRecord, result: Result, recipe: Recipe, samples: int | None = None, **cell: Any) -> Record:
    """A cell of the same names, with a best epoch."""
    facts = {"task": result.task, "profile": "paper", "source": WHOLE, "observer_arch": result.observer or None}
    made = make(result.method, result.budget, [70.0] * 3, result.arch, recipe=recipe, **{**facts, **cell})
    new = {"best_epoch_score": 71.0} | ({"samples": samples} if samples else {})
    return made.model_copy(update={"runs": [run.model_copy(update=new) for run in made.runs]})


def _bars(record: Record, result: Result) -> str:
    assert not comparing.not_comparable(record, result)
    return "; ".join(comparing.barriers(record, result, KNOWN))


def _changed(value: str) -> Any:
    """Another value than ``value`` that a recipe takes."""
    if value in ("true", "false"):
        return value == "false"
    try:
        return int(value) + 1 if float(value) >= 1 else float(value) / 2 + 0.01
    except ValueError:
        return {"nothing": ("flip",)}.get(value, "other")


_RECIPES = {"rded-cvpr2024": RDED_300, "dc-release": DM_1000, "dq-iclr2023": CIFAR_SGD, "dq-iccv2023": CIFAR_SGD}


def _conforming(make: MakeRecord, caveat: Caveat) -> Record:
    """A record that has all that the caveat asks for."""
    unless = dict(caveat.unless)
    config = {name.removeprefix(OPTION): value for name, value in unless.items() if name.startswith(OPTION)}
    recipe: dict[str, Any] = {
        name: _parsed(name, value) for name, value in unless.items() if name in Recipe.model_fields
    }
    base = _RECIPES.get(caveat.papers[0], CIFAR_SGD)
    labels = unless.get("labels", "hard")
    recipe_ = Recipe.model_validate({**base.model_dump(), **recipe})
    return make("any", Budget.ipc(5000), [70.0] * 3, recipe=recipe_, config=config, labels=labels)


def _parsed(name: str, value: str) -> Any:
    if name == "augment":
        return () if value == "nothing" else tuple(value.split(","))
    return int(float(value)) if Recipe.model_fields[name].annotation is int else value


@pytest.mark.parametrize("number", range(len(KNOWN.caveats)))
def test_each_condition_speaks_where_it_must_and_only_there(make: MakeRecord, number: int) -> None:
    caveat = KNOWN.caveats[number]
    fitting = [r for r in KNOWN.results if caveat.fits(r.paper, r.task, r.method, r.arch, r.budget)]
    assert fitting, "it fits no published result"
    record = _conforming(make, caveat)
    if not caveat.unless:
        assert list(caveat.words(record)) == [caveat.why]
        return
    assert list(caveat.words(record)) == []
    for name, value in caveat.unless.items():
        other = _altered(record, name, _changed(value))
        (said,) = caveat.words(other)
        assert said == caveat.why or (value.replace(",", ", ") in said and "here" in said)


def _altered(record: Record, name: str, value: Any) -> Record:
    cell = record.cell
    if name == "labels":
        change: dict[str, Any] = {"labels": "soft"}
    elif name.startswith(OPTION):
        change = {"config": {name.removeprefix(OPTION): value}}
    else:
        known = {"augment": ("crop4",), "optimizer": "adam", "schedule": "linear"}
        change = {"recipe": cell.recipe.model_copy(update={name: known.get(name, value)})}
    return record.model_copy(update={"cell": cell.model_copy(update=change)})


def test_rded_as_released_is_comparable_and_each_step_off_is_not(make: MakeRecord) -> None:
    result = _result("rded-cvpr2024", "cifar10-xarch", "rded", "resnet18", Budget.ipc(50))
    released = RDED_300_N1.model_copy(update={"batch_size": 100, "augment": ("flip",)})
    taught = {"labels": "teacher", "config": {"scoring": "pad"}}
    good = _record(make, result, released, **taught)
    assert _bars(good, result) == ""
    named = "; ".join(comparing.differences(good, result, KNOWN))
    assert all(words in named for words in ("ImageNet's mean", "once an epoch", "first convolution", "JPEG"))
    for recipe, cell, words in (
        (
            RDED_300_N1.model_copy(update={"augment": ("flip",)}),
            taught,
            "batches of 100 images there, 50 here: 2 times",
        ),
        (released, {**taught, "labels": "soft"}, "at temperature 20; here they are stored"),
        (released.model_copy(update={"temperature": 4.0}), taught, "temperature 20 there, 4 here"),
        (RDED_300_N1_B100, taught, "augmented by flip there, rrc-50, flip here"),
        (CIFAR_SGD, taught, "300 epochs there, 200 here"),
    ):
        assert words in _bars(_record(make, result, recipe, **cell), result)


def test_a_batch_holds_no_more_than_there_is(make: MakeRecord) -> None:
    few = _result("rded-cvpr2024", "cifar10-xarch", "rded", "resnet18", Budget.ipc(1))
    recipe = RDED_300_N1.model_copy(update={"augment": ("flip",)})
    assert _bars(_record(make, few, recipe, labels="teacher"), few) == ""  # 10 images, whether 10 or 50 are asked for
    many = _result("rded-cvpr2024", "cifar100-xarch", "rded", "resnet18", Budget.ipc(1))
    recipe = RDED_300_N1_B100.model_copy(update={"augment": ("flip",)})
    said = _bars(_record(make, many, recipe, samples=100, labels="teacher"), many)
    assert said == "batches of 20 images there, 100 here: 5 times as few updates in an epoch"


@pytest.mark.parametrize(
    ("task", "option", "words"),
    [
        ("imagenet1k-xarch", {"scoring": "resize"}, "scores crops in a frame of zeros"),
        ("imagenette-xarch", {"scoring": "pad"}, "middle 224 px"),
        ("tinyimagenet-xarch", {"crops_per_image": 1}, "enlarges test images to 72 px"),
        ("tinyimagenet-xarch", {"crops_per_image": None}, "makes an image of one crop at 64 px"),
    ],
)
def test_larger_images_of_rded(make: MakeRecord, task: str, option: dict[str, Any], words: str) -> None:
    result = _result("rded-cvpr2024", task, "rded", "resnet18", Budget.ipc(10))
    assert words in _bars(_record(make, result, RDED_300, labels="teacher", config=option), result)


def test_crops_by_rank_are_the_released_codes_own(make: MakeRecord) -> None:
    result = _result("rded-cvpr2024", "imagenet1k-xarch", "rded", "resnet18", Budget.ipc(10))
    for stitch, told in (("random", True), ("rank", False)):
        record = _record(make, result, RDED_300, labels="teacher", config={"scoring": "pad", "stitch": stitch})
        assert any("joins crops by rank" in note for note in comparing.differences(record, result, KNOWN)) == told


def test_dq_and_adq_are_held_to_batch_and_recipe(make: MakeRecord) -> None:
    full = _result("adq-aaai2025", "cifar10-xarch", "full", "resnet18", Budget.full())
    good = _record(make, full, CIFAR_SGD)
    assert _bars(good, full) == ""
    named = "; ".join(comparing.differences(good, full, KNOWN))
    assert all(words in named for words in ("0.2023", "once an epoch", "starts convolutions"))
    for change, words in (
        ({"batch_size": 512}, "batches of 128 images there, 512 here"),
        ({"lr": 0.05}, "lr 0.1 there, 0.05 here"),
        ({"augment": ("flip",)}, "augmented by crop4, flip there, flip here"),
        ({"warmup_epochs": 5.0}, "warmup_epochs 0 there, 5 here"),
    ):
        assert words in _bars(_record(make, full, CIFAR_SGD.model_copy(update=change)), full)
    for ratio, told in ((0.1, True), (0.2, False)):
        cell = _result("adq-aaai2025", "cifar10-xarch", "adq", "resnet18", Budget.ratio(ratio))
        assert ("batch 16" in _bars(_record(make, cell, CIFAR_SGD), cell)) == told


def test_dm_in_pixels_is_another_rate(make: MakeRecord) -> None:
    result = _result("dc-release", "cifar10-xarch", "dm", "convnet3-in", Budget.ipc(200))
    record = _record(make, result, DM_1000)
    assert _bars(record, result).startswith("its images move by a rate of 1 or 10")
    named = "; ".join(comparing.differences(record, result, KNOWN))
    assert "502 epochs and 499" in named
    assert "forgets momentum" in named


def test_what_is_not_known_is_not_comparable(make: MakeRecord) -> None:
    result = next(r for r in KNOWN.results if (r.paper, r.method) == ("pad-2024", "random") and r.labels == "hard")
    said = _bars(_record(make, result, DM_1000), result)
    assert "which epoch it scores is not known" in said
    assert "batch, epochs, augmentation and normalisation" in said


def test_networks_have_our_names() -> None:
    archs = {(r.paper, r.arch) for r in KNOWN.results}
    assert ("rded-cvpr2024", "convnet3-bn") in archs
    assert ("dc-release", "convnet3-in") in archs
    assert not {("rded-cvpr2024", "convnet3"), ("dc-release", "convnet3")} & archs


@pytest.mark.parametrize("text", ["epochs", "epochs=", "epoch=3", "=3"])
def test_a_condition_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unless"):
        conditions(text)


def test_numbers_have_one_spelling() -> None:
    assert conditions("lr=1e-3 epochs=300") == conditions("lr=0.001 epochs=300.0")
