"""Sweeps of the training: what one setting of the recipe, as its epochs, does to the difference to random."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.sections import Network, Row, Section
from dqbench.board.statistics import Estimate
from dqbench.board.tables import Table, row_name
from dqbench.specs import Budget


@dataclass(frozen=True)
class RecipeSweep:
    """One architecture by recipes that differ in a single setting.

    Attributes:
        setting: a field of :class:`dqbench.recipe.Recipe`.
        values: of it, ascending; words after numbers.
        networks: the network of each value.
    """

    arch: str
    setting: str
    values: tuple[Any, ...]
    networks: tuple[Network, ...]

    @property
    def title(self) -> str:
        """What is swept."""
        return f"recipe.{self.setting} of {self.arch}"


def recipe_sweeps(section: Section) -> list[RecipeSweep]:
    """Every setting in which two recipes or more of an architecture differ, all else equal."""
    found: dict[tuple[str, str, str], dict[str, Network]] = {}
    for network in section.networks:
        settings = {name: value for name, value in network.recipe.model_dump().items() if name != "name"}
        for name in type(network.recipe).model_fields:
            rest = json.dumps({other: value for other, value in settings.items() if other != name}, sort_keys=True)
            found.setdefault((network.arch, name, rest), {})[json.dumps(_value(network, name))] = network
    every = [_sweep(arch, name, own) for (arch, name, _), own in found.items() if name != "name" and len(own) > 1]
    return [sweep for sweep in every if any(_places(section, sweep))]


def sweep_table(board: Board, sweep: RecipeSweep) -> Table:
    """For each value random's score and every method's paired difference to it, budget by budget."""
    places = list(_places(board.section, sweep))
    header = tuple(f"{row_name(row)}, {text.budget(budget)}" for row, budget in places)
    rows = [
        (_shown(value), *(_cell(board, row, network, budget) for row, budget in places))
        for value, network in zip(sweep.values, sweep.networks, strict=True)
    ]
    return Table((f"recipe.{sweep.setting}", *header), tuple(rows)).without_blanks()


def words(board: Board, sweep: RecipeSweep) -> list[str]:
    """How to read it, and where a method goes from one side of random to the other."""
    said = ["Random: its score. Methods: points against random, paired by seed, with the unadjusted 95 % interval."]
    for row, budget in _places(board.section, sweep):
        sides = [
            (value, side)
            for value, network in zip(sweep.values, sweep.networks, strict=True)
            if (side := _side(_delta(board, row, network, budget)))
        ]
        if len({side for _, side in sides}) > 1:
            listed = text.listing([f"{side} it at {_shown(value)}" for value, side in sides])
            said.append(
                f"{row_name(row)} at {text.budget(budget)} crosses random: by intervals without 0 it is {listed}."
            )
    return said


def _value(network: Network, setting: str) -> Any:
    return network.recipe.model_dump(mode="json").get(setting, getattr(network.recipe, setting))


def _sweep(arch: str, setting: str, own: dict[str, Network]) -> RecipeSweep:
    values = [(json.loads(value), network) for value, network in own.items()]
    ordered = sorted(values, key=lambda pair: _order(pair[0]))
    return RecipeSweep(arch, setting, tuple(v for v, _ in ordered), tuple(network for _, network in ordered))


def _order(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, int | float)
    return (not number, float(value) if number else 0.0, "" if number else json.dumps(value))


def _places(section: Section, sweep: RecipeSweep) -> Iterator[tuple[Row, Budget]]:
    """Rows and budgets measured by two of the recipes or more, random first."""
    for budget in section.budgets:
        for row in section.rows:
            if not row.is_full and sum((row, n, budget) in section.done for n in sweep.networks) > 1:
                yield row, budget


def _cell(board: Board, row: Row, network: Network, budget: Budget) -> str:
    cell = board.cell(row, network, budget)
    if cell is None:
        return ""
    return text.score(cell.score) if row.is_twin else text.points(cell.delta)


def _delta(board: Board, row: Row, network: Network, budget: Budget) -> Estimate | None:
    cell = board.cell(row, network, budget)
    return cell.delta if cell else None


def _side(delta: Estimate | None) -> str:
    """``above`` or ``below`` where the interval leaves 0 out, else nothing."""
    low, high = (delta.interval if delta else None) or (0.0, 0.0)
    return "above" if low > 0 else "below" if high < 0 else ""


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
