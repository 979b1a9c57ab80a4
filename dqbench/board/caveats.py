"""How a paper's protocol and a cell's differ: conditions as data, read from ``dqbench.published``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dqbench.records import Record
from dqbench.specs import Budget, Recipe

OPTION = "option."

_WORDS = {
    "epochs": "{there} epochs there, {here} here",
    "batch_size": "batches of {there} images there, {here} here",
    "labels": "{there} labels there, {here} here",
    "temperature": "softened at temperature {there} there, {here} here",
    "augment": "augmented by {there} there, {here} here",
}


@dataclass(frozen=True)
class Caveat:
    """How some results of some papers were made, where that may part them from a cell of the same name.

    Attributes:
        papers, tasks, methods, archs: which results are meant; an empty field, but for ``papers``, fits all.
        budget_kind: the same of the kind of budget.
        budgets: the same of its values.
        unless: what the cell must have for there to be nothing to say: ``labels``, fields of its recipe, and, named
            ``option.NAME``, options of its method. Empty: it is said of every cell.
        bars: whether the two must then not be compared.
        why: what is said, once; empty: the settings that differ are said one by one.
    """

    papers: tuple[str, ...]
    tasks: tuple[str, ...]
    methods: tuple[str, ...]
    archs: tuple[str, ...]
    budget_kind: str
    budgets: tuple[float, ...]
    unless: Mapping[str, str]
    bars: bool
    why: str

    def fits(self, paper: str, task: str, method: str, arch: str, budget: Budget) -> bool:
        """Whether it speaks of the paper's result of these names."""
        return (
            paper in self.papers
            and task in (self.tasks or (task,))
            and method in (self.methods or (method,))
            and arch in (self.archs or (arch,))
            and self.budget_kind in ("", budget.kind)
            and budget.value in (self.budgets or (budget.value,))
        )

    def words(self, record: Record) -> Iterator[str]:
        """What is to be said of a finished cell whose result it fits."""
        differing = {name: here for name in self.unless if (here := _here(record, name)) != self._there(record, name)}
        if self.why:
            if differing or not self.unless:
                yield self.why
            return
        for name, here in differing.items():
            there = self._there(record, name)
            said = _WORDS.get(name, f"{name.removeprefix(OPTION)} {{there}} there, {{here}} here")
            updates = _updates(record, there, here) if name == "batch_size" else ""
            yield said.format(there=there.replace(",", ", "), here=here.replace(",", ", ")) + updates

    def _there(self, record: Record, name: str) -> str:
        return _effective(record, name, self.unless[name])


def conditions(text: str) -> dict[str, str]:
    """``epochs=300 labels=teacher option.scoring=pad`` as a mapping, values in the form of :func:`_text`.

    Raises:
        ValueError: no such setting, or no value.
    """
    found = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if not (equals and value):
            raise ValueError(f"unless has {part!r}; write NAME=VALUE")
        if name != "labels" and name not in Recipe.model_fields and not name.startswith(OPTION):
            raise ValueError(f"unless names {name!r}, which is neither labels, option.NAME nor a field of a recipe")
        found[name] = _text(_parsed(value))
    return found


def _here(record: Record, name: str) -> str:
    cell = record.cell
    if name == "labels":
        return cell.labels
    if name.startswith(OPTION):
        return _text(cell.config.get(name.removeprefix(OPTION)))
    return _effective(record, name, _text(getattr(cell.recipe.for_samples(_samples(record)), name)))


def _effective(record: Record, name: str, value: str) -> str:
    """A batch holds no more images than there are."""
    return _text(min(int(value), _samples(record))) if name == "batch_size" else value


def _samples(record: Record) -> int:
    return record.runs[0].samples


def _updates(record: Record, there: str, here: str) -> str:
    ours, theirs = (math.ceil(_samples(record) / int(size)) for size in (here, there))
    if ours == theirs:
        return ""
    many = "many" if ours > theirs else "few"
    return f": {max(ours, theirs) / min(ours, theirs):.2g} times as {many} updates in an epoch"


def _parsed(value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        return value


def _text(value: Any) -> str:
    """One spelling of a setting, so that 1e-3 and 0.001, or a list and its names, are equal."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return ",".join(value) or "nothing" if isinstance(value, (tuple, list)) else str(value)
