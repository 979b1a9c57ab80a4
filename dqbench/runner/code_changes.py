"""What a user should know where cells were made by other source code than what is here now. Imports no torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from dqbench.jobs.job import canonical
from dqbench.plan.plan import PlannedCell
from dqbench.plugins import Registry
from dqbench.recipe import Recipe
from dqbench.records import Cell, file_name
from dqbench.runner.versions import code_behind, method_code, uncommitted

_RECIPES = ("recipe", "observer_recipe", "teacher_recipe")


def notes(
    cells: Iterable[PlannedCell], paths: Mapping[str, Path], names: Iterable[str], records: Path, registry: Registry
) -> list[str]:
    """Sentences on cells that are done again as a plugin changed, and on those that stay though dqbench itself did.

    Args:
        cells: the planned cells.
        paths: the file of the record of each cell that has one, by the cell's key.
        names: all files below ``records``, as ``task/file``.
        records: the folder of records.
        registry: the plugins.
    """
    planned = list(cells)
    there = [one for one in planned if one.key in paths]
    missing = [one for one in planned if one.key not in paths]
    found = [*_redone(missing, names, records, registry), *_kept(there, paths, registry)]
    changed = uncommitted() if there else ()
    if changed:
        few = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        found.append(
            f"dqbench runs from a checkout with uncommitted changes ({few}); what is finished stays, as dqbench's own "
            "code goes by its versions: raise the version of what gives other numbers, or take another --workspace"
        )
    return found


def _redone(missing: Iterable[PlannedCell], names: Iterable[str], records: Path, registry: Registry) -> Iterable[str]:
    """What changed, for how many cells whose records are of other code."""
    others = defaultdict(list)
    for name in names:
        others[name.rpartition("_")[0]].append(name)
    counted: Counter[str] = Counter()
    known: dict[str, dict[str, dict[str, Any]]] = {}
    for planned in missing:
        start = _start(planned)
        if start not in known:
            known[start] = _by_identity(records, others.get(start, ()))
        before = known[start].get(_identity(planned.cell.model_dump(mode="json"), planned.source.dataset))
        if before is not None:
            now, then = code_behind(registry, planned.cell), before["versions"].get("code", {})
            changed = [what for what, code in now.items() if then.get(what) != code]
            changed += _changed_recipes(planned.cell, before["cell"])
            counted.update([" and ".join(changed)] if changed else [])
    for what, cells in counted.items():
        made = "a cell was made; it is" if cells == 1 else f"{cells} cells were made; they are"
        whose = "" if what.startswith("recipe ") else "the source code of "
        yield f"{whose}{what} has changed since {made} done again"


def _start(planned: PlannedCell) -> str:
    return file_name(planned.cell, planned.key).rpartition("_")[0]


def _by_identity(records: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Records by what makes their cells the same, whatever code, data and recipe of that name made them."""
    found = {}
    for name in names:
        record = _read(records / name) or {}
        with suppress(KeyError, TypeError, AttributeError):
            identity = _identity(record["cell"], record["source"]["dataset"])
            found[identity] = {"cell": record["cell"], "versions": record["versions"]}
    return found


def _identity(cell: Mapping[str, Any], dataset: str) -> str:
    """Options are left out, as their defaults are code, and of recipes all but their names."""
    named = {role: (cell.get(role) or {}).get("name") for role in _RECIPES}
    return canonical([{**cell, "config": None, **named}, dataset])


def _changed_recipes(cell: Cell, before: Mapping[str, Any]) -> list[str]:
    """The recipes of a cell that have other fields now, with the first of them."""
    changed: dict[str, None] = {}
    for role, now in cell.recipes().items():
        then = before.get(role)
        if now is not None and then is not None:
            usual = {name: field.default for name, field in Recipe.model_fields.items()}
            old, new = {**usual, **then}, {**usual, **now.model_dump(mode="json")}
            field = next((name for name in new if canonical(new[name]) != canonical(old.get(name))), "")
            if field:
                changed[f"recipe {now.name} ({field} was {old.get(field)}, is {new[field]})"] = None
    return list(changed)


def _kept(there: Iterable[PlannedCell], paths: Mapping[str, Path], registry: Registry) -> Iterable[str]:
    """Built-in methods whose files have changed, but not their version; one record of each is looked at."""
    one_of_each = {(planned.cell.task, planned.cell.method): planned for planned in there}
    changed = set()
    for planned in one_of_each.values():
        name = planned.cell.method
        if name in registry.methods and not registry.code(registry.methods[name]):
            record = _read(paths[planned.key]) or {}
            then = ((record.get("versions") or {}).get("method") or {}).get("source_hash")
            if then and then != method_code(registry, name):
                changed.add(name)
    for name in sorted(changed):
        yield (
            f"the source code of {name} has changed since cells of it were made, its version has not: they stay; "
            "raise it where the numbers change, or take another --workspace"
        )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = from_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
