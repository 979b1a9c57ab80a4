"""Sweeps of the training: one setting of the recipe against the difference to random, and where the two cross."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dqbench.board import markdown, published
from dqbench.board.board import Board, build
from dqbench.board.reading import entries_of
from dqbench.board.recipe_sweeps import recipe_sweeps, sweep_table, words
from dqbench.board.sections import split
from dqbench.records import Record
from dqbench.specs import Recipe

MakeRecord = Callable[..., Record]


def _recipe(epochs: int, **more: Any) -> Recipe:
    name = f"r (epochs={epochs})" if epochs != 8 else "r"
    return Recipe.model_validate({"name": name, "epochs": epochs, "batch_size": 64, "lr": 0.1, **more})


def _board(found: list[Record]) -> Board:
    (section,) = split(entries_of(found))
    return build(section)


def _cells(make: MakeRecord, recipe: Recipe, difference: float, **more: Any) -> list[Record]:
    scores = {"random": [50.0, 51.0, 52.0], "graphcut": [50.0 + difference, 51.1 + difference, 52.2 + difference]}
    return [make(method, 0.1, values, recipe=recipe, **more) for method, values in scores.items()]


def test_epochs_in_order_with_the_difference_of_each(make: MakeRecord) -> None:
    found = [x for epochs, by in ((80, -6.0), (8, 5.0), (20, 0.0)) for x in _cells(make, _recipe(epochs), by)]
    board = _board(found)
    (sweep,) = recipe_sweeps(board.section)
    assert (sweep.title, sweep.values) == ("recipe.epochs of resnet10-slim", (8, 20, 80))
    table = sweep_table(board, sweep)
    assert table.header == ("recipe.epochs", "random, keep 0.1", "graphcut, keep 0.1")
    assert [row[0] for row in table.rows] == ["8", "20", "80"]
    assert [row[2].split()[0] for row in table.rows] == ["+5.1", "+0.1", "-5.9"]
    assert any("graphcut at keep 0.1 crosses random" in said for said in words(board, sweep))
    assert "above it at 8 and below it at 80" in words(board, sweep)[1]


def test_nothing_crosses_by_chance(make: MakeRecord) -> None:
    found = [x for epochs, by in ((8, 5.0), (80, -0.1)) for x in _cells(make, _recipe(epochs), by)]
    board = _board(found)
    assert len(words(board, recipe_sweeps(board.section)[0])) == 1
    two = [make("graphcut", 0.1, [50.0 + by, 51.0 + by], recipe=_recipe(e)) for e, by in ((8, 9), (80, -9))]
    two += [make("random", 0.1, [50.0, 51.0], recipe=_recipe(epochs)) for epochs in (8, 80)]
    board = _board(two)
    assert len(words(board, recipe_sweeps(board.section)[0])) == 1, "two seeds have no interval"


def test_recipes_that_differ_in_more_or_by_name_are_no_sweep(make: MakeRecord) -> None:
    two_things = [*_cells(make, _recipe(8), 1.0), *_cells(make, _recipe(20, lr=0.2), 1.0)]
    assert not recipe_sweeps(_board(two_things).section)
    named = [*_cells(make, _recipe(8), 1.0), *_cells(make, _recipe(8, name="other"), 1.0)]
    assert not recipe_sweeps(_board(named).section)
    archs = [*_cells(make, _recipe(8), 1.0), *_cells(make, _recipe(20), 1.0, arch="convnet3-slim")]
    assert not recipe_sweeps(_board(archs).section)


def test_a_setting_that_is_left_out_at_its_default_and_one_of_words(make: MakeRecord) -> None:
    updates = [*_cells(make, _recipe(8, min_updates=400), 1.0), *_cells(make, _recipe(8), 1.0)]
    assert [(s.setting, s.values) for s in recipe_sweeps(_board(updates).section)] == [("min_updates", (0, 400))]
    augmented = [*_cells(make, _recipe(8, augment=("flip",), name="f"), 1.0), *_cells(make, _recipe(8), 1.0)]
    board = _board(augmented)
    (sweep,) = recipe_sweeps(board.section)
    assert [row[0] for row in sweep_table(board, sweep).rows] == ['["flip"]', "[]"]


def test_the_board_shows_it_and_one_measured_place_is_none(make: MakeRecord) -> None:
    found = [*_cells(make, _recipe(8), 1.0), *_cells(make, _recipe(20), 1.0)]
    text = markdown.document("cifar10-xarch", [_board(found)], published.load())
    assert "**recipe.epochs of resnet10-slim**" in text
    lone = [*_cells(make, _recipe(8), 1.0), make("random", 0.3, [50.0, 51.0, 52.0], recipe=_recipe(20))]
    assert not recipe_sweeps(_board(lone).section)
