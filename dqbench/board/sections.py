"""Records sorted into the sections of boards: regimes that are never mixed, each a grid of rows and columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from typing import Any

from dqbench.board.pooling import Apart, Pool, pools
from dqbench.board.reading import Entry
from dqbench.board.tested_seeds import Tested, tested_seeds
from dqbench.measure import USUAL, Measure
from dqbench.records import Cell, Record, SourceFacts, Trust
from dqbench.references import FULL, TWIN
from dqbench.specs import Budget, Recipe


@dataclass(frozen=True, order=True)
class Setting:
    """What all cells of a section share; of each companion its name, provenance, hash and note.

    ``altered`` says in words what was done to the training set; empty where nothing was.
    """

    task: str
    task_version: int
    profile: str
    labels: str
    teacher: str
    metric: str
    precision: str
    dataset: str
    provenance: str
    train_hash: str
    test_hash: str
    train_per_class: int
    test_per_class: int
    train_samples: int
    test_samples: int
    classes: int
    note: str = ""
    companions: tuple[tuple[str, str, str, str], ...] = ()
    scored_on: str = ""
    altered: str = ""
    measure: Measure = USUAL

    @classmethod
    def of(cls, record: Record) -> Setting:
        """The setting of one record; 0 per class stands for all."""
        facts: dict[str, Any] = {name: getattr(record.cell, name) for name in _taken(Cell)}
        facts |= {name: getattr(record.source, name) for name in _taken(SourceFacts)}
        facts["teacher"] = _teacher(record)
        facts["companions"] = tuple((c.name, c.provenance, c.hash, c.note) for c in record.source.companions)
        scored = [f"{c.scored:,} test images of {c.name}" for c in record.source.companions if c.scored]
        facts["scored_on"] = " and ".join(scored)
        facts["altered"] = record.source.alteration.words if record.source.alteration else ""
        facts |= {name: facts[name] or 0 for name in ("train_per_class", "test_per_class")}
        return cls(**facts)


@cache
def _taken(part: type[Cell | SourceFacts]) -> tuple[str, ...]:
    """The fields that a setting takes from a part of a record as they are."""
    return tuple(f.name for f in fields(Setting) if f.name in part.model_fields)


def _teacher(record: Record) -> str:
    """What labels that are not the classes come from; empty with hard labels."""
    arch, recipe = record.cell.teacher_arch, record.cell.teacher_recipe
    if arch and record.cell.teacher_weights:
        return f"{arch}, pretrained: {record.cell.teacher_weights}"
    return f"{arch} by {recipe.name}" if arch and recipe else ""


@dataclass(frozen=True, order=True)
class Row:
    """A method with its options and observer; ``identity`` tells rows apart, ``label`` names them."""

    identity: str
    method: str = field(compare=False)
    label: str = field(compare=False)
    variant: str = field(compare=False)
    control_of: str | None = field(compare=False)
    observer_arch: str | None = field(compare=False)
    trust: Trust = field(default="measured", compare=False)

    @property
    def is_twin(self) -> bool:
        """Whether this is the random row that all others are held against."""
        return self.method == TWIN and not self.variant

    @property
    def is_full(self) -> bool:
        """Whether this is the full-data row."""
        return self.method == FULL

    @property
    def is_claimed(self) -> bool:
        """Whether nothing of it was done here."""
        return self.trust == "claimed"

    @property
    def is_contestant(self) -> bool:
        """Whether it is ranked and tested: neither a reference, nor a control, nor only claimed."""
        return not (self.is_full or self.is_twin or self.control_of or self.is_claimed)


@dataclass(frozen=True)
class Network:
    """An architecture with the recipe it was trained by."""

    arch: str
    recipe: Recipe
    label: str = field(compare=False)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Networks are looked up for every cell again and again, and a recipe has dozens of fields."""
        return hash((self.arch, self.recipe))


CellKey = tuple[Row, Network, Budget]
Column = tuple[Network, Budget]


@dataclass(frozen=True)
class Section:
    """One regime's grid.

    Attributes:
        rows: full, random, then the methods by name, each followed by its controls.
        networks: the observers' architectures first.
        budgets: small to large, without the full one.
        done: finished cells; the full row's budget is ``Budget.full()``.
        failed: failed cells that no finished one replaces.
        replaced: files of records that others with more seeds replace.
        entries: all entries of the section, for its digest.
        parts: the records that a finished cell's seeds come from, where there are several.
        apart: records that are left out, as they disagree with what stands in their cell.
        tested: the seeds that marks, ranks and claims come from.
    """

    setting: Setting
    rows: tuple[Row, ...]
    networks: tuple[Network, ...]
    budgets: tuple[Budget, ...]
    done: Mapping[CellKey, Record]
    failed: Mapping[CellKey, Record]
    replaced: tuple[str, ...]
    entries: tuple[Entry, ...]
    parts: Mapping[CellKey, tuple[Entry, ...]]
    apart: Mapping[CellKey, tuple[Apart, ...]]
    tested: Tested

    def record(self, row: Row, network: Network, budget: Budget) -> Record | None:
        """The finished cell at a key; the full row has the same one at every budget."""
        return self.done.get((row, network, Budget.full() if row.is_full else budget))

    def in_order(self, cell_keys: Iterable[CellKey]) -> list[CellKey]:
        """Row by row, network by network, small budgets first."""
        rows, networks = ({one: i for i, one in enumerate(found)} for found in (self.rows, self.networks))
        return sorted(cell_keys, key=lambda key: (rows[key[0]], networks[key[1]], key[2]))

    def without(self, networks: Collection[Network]) -> Section:
        """The section as if these networks had not been measured."""
        return replace(
            self,
            networks=tuple(network for network in self.networks if network not in networks),
            done={key: record for key, record in self.done.items() if key[1] not in networks},
        )

    @cached_property
    def twin(self) -> Row | None:
        """The random row."""
        return next((row for row in self.rows if row.is_twin), None)

    @cached_property
    def trains(self) -> bool:
        """Whether networks were trained on what was kept; a probe reads its features off a network that was there."""
        return all("train" in run.jobs for record in self.done.values() for run in record.runs)

    @cached_property
    def kept(self) -> frozenset[Column]:
        """Where something was kept, or should have been."""
        return frozenset((n, budget) for row, n, budget in (*self.done, *self.failed) if not row.is_full)

    def is_tested(self, cell_key: CellKey) -> bool:
        """Whether a cell is finished with all seeds that are tested."""
        return cell_key in self._tested_cells

    @cached_property
    def _tested_cells(self) -> frozenset[CellKey]:
        seeds = set(self.tested.seeds)
        return frozenset(key for key, record in self.done.items() if seeds and seeds.issubset(record.cell.seeds))

    @cached_property
    def full(self) -> Row | None:
        """The full-data row."""
        return next((row for row in self.rows if row.is_full), None)


def split(entries: Iterable[Entry]) -> list[Section]:
    """Sort entries into sections, in the order of their settings.

    Raises:
        UsageError: two records of one cell.
    """
    by_setting: dict[Setting, list[Entry]] = {}
    for entry in entries:
        by_setting.setdefault(Setting.of(entry.record), []).append(entry)
    return [_section(setting, by_setting[setting]) for setting in sorted(by_setting, key=_setting_order)]


def _setting_order(setting: Setting) -> tuple[Any, ...]:
    known = ("paper", "proxy", "quick", "smoke")  # the strongest evidence first
    scale = known.index(setting.profile) if setting.profile in known else len(known)
    return (setting.task, -setting.task_version, scale, setting)


def _section(setting: Setting, entries: Sequence[Entry]) -> Section:
    cells = [entry.record.cell for entry in entries]
    identities = {id(entry.record): _identity(entry.record) for entry in entries}
    rows = _named_rows({identities[id(entry.record)]: entry.record for entry in entries})
    networks = _named_networks({(cell.arch, cell.recipe) for cell in cells}, {c.observer_arch for c in cells})

    def cell_key(record: Record) -> CellKey:
        cell = record.cell
        return rows[identities[id(record)]], networks[cell.arch, cell.recipe], cell.budget

    found = pools([e for e in entries if e.record.status == "done"], cell_key)
    failed = {cell_key(e.record): e.record for e in entries if e.record.status != "done"}
    return Section(
        setting=setting,
        rows=tuple(rows.values()),
        networks=tuple(networks.values()),
        budgets=tuple(sorted({cell.budget for cell in cells if cell.budget_kind != "full"}, key=_budget_order)),
        done={where: pool.record for where, pool in found.items()},
        failed={where: record for where, record in failed.items() if not _has_seeds(found.get(where), record)},
        replaced=tuple(sorted(name for pool in found.values() for name in pool.replaced)),
        entries=tuple(entries),
        parts={where: pool.parts for where, pool in found.items() if len(pool.parts) > 1},
        apart={where: pool.apart for where, pool in found.items() if pool.apart},
        tested=_tested(found),
    )


def _has_seeds(pool: Pool | None, record: Record) -> bool:
    return pool is not None and set(record.cell.seeds) <= set(pool.record.cell.seeds)


def _tested(found: Mapping[CellKey, Pool]) -> Tested:
    """Of random and the methods that are tested; what came in a bundle takes no seeds from what was measured here."""
    rivals = {where: pool for where, pool in found.items() if where[0].is_twin or where[0].is_contestant}
    leading = [where for where in rivals if where[0].trust == "measured"] or list(rivals)
    records = [part.record for pool in found.values() for part in pool.parts]
    plans = {record.planned for record in records if record.planned}
    return tested_seeds(
        {where: [part.record.cell.seeds for part in pool.parts] for where, pool in rivals.items()}, leading, plans
    )


def _budget_order(budget: Budget) -> tuple[str, float]:
    return budget.kind, budget.value


def _identity(record: Record) -> str:
    cell = record.cell
    observer = cell.observer_recipe.model_dump() if cell.observer_recipe else cell.observer_weights
    facts = [cell.method, cell.method_version, cell.config, cell.observer_arch, observer, record.trust]
    return json.dumps(facts, sort_keys=True)


def _trained_by(record: Record) -> str:
    recipe = record.cell.observer_recipe
    how = recipe.name if recipe else record.cell.observer_weights
    return f" via {how}" if how else ""


def _named_rows(found: Mapping[str, Record]) -> dict[str, Row]:
    labels = _distinct(
        found,
        lambda _, record: record.cell.row + ("" if record.trust == "measured" else f" ({record.trust})"),
        lambda _, record: f" v{record.cell.method_version}",
        lambda _, record: f" via {record.cell.observer_arch}" if record.cell.observer_arch else "",
        lambda _, record: _trained_by(record),
    )
    rows = {identity: _row(identity, labels[identity], record) for identity, record in found.items()}
    return dict(sorted(rows.items(), key=lambda item: _row_order(item[1])))


def _row(identity: str, label: str, record: Record) -> Row:
    c = record.cell
    return Row(identity, c.method, label, c.variant, c.control_of, c.observer_arch, record.trust)


def _row_order(row: Row) -> tuple[Any, ...]:
    return (not row.is_full, not row.is_twin, row.control_of or row.method, bool(row.control_of), row.label)


def _named_networks(
    found: Iterable[tuple[str, Recipe]], observers: Iterable[str | None]
) -> dict[tuple[str, Recipe], Network]:
    first = {name for name in observers if name}
    ordered = sorted(found, key=lambda item: (item[0] not in first, item[0], item[1].name, repr(item[1])))
    labels = _distinct({item: item for item in ordered}, lambda _, item: item[0], lambda _, item: f" ({item[1].name})")
    return {item: Network(*item, labels[item]) for item in ordered}


def _distinct(items: Mapping[Any, Any], *parts: Callable[[Any, Any], str]) -> dict[Any, str]:
    """A label for each item: the first part, and more parts, at last a number, only where labels would clash."""
    labels = {key: parts[0](key, item) for key, item in items.items()}
    for part in parts[1:]:
        for group in _clashes(labels):
            more = {key: part(key, items[key]) for key in group}
            if len(set(more.values())) > 1:
                labels |= {key: labels[key] + more[key] for key in group}
    for group in _clashes(labels):
        labels |= {key: f"{labels[key]} #{number}" for number, key in enumerate(sorted(group, key=repr), start=1)}
    return labels


def _clashes(labels: Mapping[Any, str]) -> list[list[Any]]:
    groups: dict[str, list[Any]] = {}
    for key, label in labels.items():
        groups.setdefault(label, []).append(key)
    return [group for group in groups.values() if len(group) > 1]
