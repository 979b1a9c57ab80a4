"""How paired differences to random have spread so far."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dqbench.references import FULL, TWIN

Scores = dict[int, float]


@dataclass(frozen=True)
class Spread:
    """Paired differences between methods and their random twins, seed by seed, on one task and profile.

    Attributes:
        task: the task.
        profile: its profile.
        sd: pooled standard deviation of the differences within cells, in the unit that the task counts them in.
        cells: cells that it comes from.
        freedom: degrees of freedom: differences less one per cell.
    """

    task: str
    profile: str
    sd: float
    cells: int
    freedom: int


def spreads(records: Iterable[Mapping[str, Any]]) -> list[Spread]:
    """The spreads in records, given as parsed JSON; cells without a twin or with one seed say nothing."""
    twins: dict[str, Scores] = {}
    others: list[tuple[tuple[str, str], str, Scores]] = []
    for record in records:
        cell = record["cell"]
        if record["status"] != "done" or cell["method"] == FULL:
            continue
        scores = {run["seed"]: run["score"] for run in record["runs"]}
        if cell["method"] == TWIN and not cell["variant"]:
            twins.setdefault(_conditions(record), {}).update(scores)
        else:
            others.append(((cell["task"], cell["profile"]), _conditions(record), scores))
    pooled: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for place, conditions, scores in others:
        squares = _squares(scores, twins.get(conditions, {}))
        if squares is not None:
            pooled[place].append(squares)
    return [_pool(place, parts) for place, parts in sorted(pooled.items())]


def _conditions(record: Mapping[str, Any]) -> str:
    cell = record["cell"]
    names = ("task", "task_version", "profile", "budget_kind", "budget_value", "arch", "recipe", "labels", "precision")
    return repr([record["source"]["train_hash"], *(cell[name] for name in names)])


def _squares(scores: Scores, twin: Scores) -> tuple[float, int] | None:
    """The sum of squared deviations of the paired differences, and its degrees of freedom."""
    differences = [scores[seed] - twin[seed] for seed in scores.keys() & twin.keys()]
    if len(differences) < 2:
        return None
    mean = sum(differences) / len(differences)
    return sum((value - mean) ** 2 for value in differences), len(differences) - 1


def _pool(place: tuple[str, str], parts: list[tuple[float, int]]) -> Spread:
    freedom = sum(count for _, count in parts)
    return Spread(*place, math.sqrt(sum(square for square, _ in parts) / freedom), len(parts), freedom)
