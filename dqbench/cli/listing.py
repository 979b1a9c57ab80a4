"""``dqbench list``: what is registered. Imports neither torch nor NumPy."""

from __future__ import annotations

import re
from typing import Annotated, Any, get_args

import typer

from dqbench.cli.state import State
from dqbench.errors import unknown_name
from dqbench.specs import MethodKind

COLUMNS = {
    "methods": ("name", "year", "paper", "needs", "summary", "from"),
    "tasks": ("name", "version", "dataset", "profiles", "summary", "from"),
    "archs": ("name", "sizes", "summary", "from"),
    "datasets": ("name", "classes", "shape", "train", "test", "origin", "summary"),
}
"""What the table of each kind shows."""

NARROW = {"methods": ("name", "year", "authors", "summary"), "tasks": ("name", "dataset", "profiles", "summary")}
"""The same where the terminal has fewer than ``WIDE_ENOUGH`` columns."""

WIDE_ENOUGH = 120

NO_FAMILY = "of no family"


def register(app: typer.Typer) -> None:
    """Add ``list`` to the command line."""
    app.command("list")(_list)


def _list(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="[methods|tasks|archs|datasets]", show_default=False)] = "",
) -> None:
    """List the registered methods, tasks, architectures and data sets, or one kind of them."""
    state: State = ctx.obj
    if what and what not in COLUMNS:
        raise unknown_name("kind", what, COLUMNS)
    found = {kind: _rows(state, kind) for kind in ([what] if what else COLUMNS)}
    if state.json:
        state.print_json({**found, "broken": [str(broken) for broken in state.registry().broken]})
        return
    for kind, rows in found.items():
        _print(state, kind, rows, titled=not what)
    state.console.print("dqbench show NAME tells more of each." if any(found.values()) else "")


def _rows(state: State, kind: str) -> list[dict[str, Any]]:
    from dqbench.cli import facts

    registry = state.registry()
    catalogue = getattr(registry, kind)
    rows = [_brief(facts.of(spec, catalogue.origin(spec.name))) for spec in catalogue]
    if kind != "methods":
        return rows
    for row in rows:
        row["needs"] = ["observer"] if registry.needs_observer(registry.methods[row["name"]]) else []
        row["family"] = registry.family(row["name"]) or NO_FAMILY
        row["year"] = _year(row["paper"])
        row["authors"] = row["paper"].partition(",")[0]
    return sorted(rows, key=_place)


def _place(row: dict[str, Any]) -> tuple[bool, int, str, int, str]:
    """Families in the order of their kinds, methods in that of their years, those without a paper first."""
    kind = get_args(MethodKind).index(row["kind"])
    return row["family"] == NO_FAMILY, kind, row["family"], row["year"] or 0, row["name"]


def _year(paper: str) -> int | None:
    """When a method was published, from the source that its spec names."""
    found = re.findall(r"\b(?:19|20)\d\d\b", re.sub(r"arXiv:\S+", "", paper))
    return int(found[-1]) if found else None


def _brief(told: dict[str, Any]) -> dict[str, Any]:
    if "profiles" in told:
        told["profiles"] = list(told["profiles"])
    return {key: value for key, value in told.items() if key not in ("options", "differs")}


def _print(state: State, kind: str, rows: list[dict[str, Any]], titled: bool) -> None:
    from rich.table import Table

    if not rows:
        state.console.print(f"no {kind} are registered\n")
        return
    shown = NARROW.get(kind, COLUMNS[kind]) if state.console.width < WIDE_ENOUGH else COLUMNS[kind]
    columns = [column for column in shown if not (titled and column == "from")]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(kind if titled and column == "name" else column, no_wrap=column in ("name", "year"))
    for number, row in enumerate(rows):
        family = row.get("family", "")
        if family and (not number or family != rows[number - 1]["family"]):
            table.add_row(*_family_words(family, rows), style="bold", end_section=False)
        table.add_row(*(f"{'  ' if family and column == 'name' else ''}{_cell(row[column])}" for column in columns))
    state.console.print(table)
    state.console.print()


def _family_words(family: str, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    members = sum(row["family"] == family for row in rows)
    return (f"{family} ({members})",)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ("x" if all(isinstance(v, int) for v in value) and len(value) == 3 else ", ").join(map(str, value))
    return "" if value is None else str(value)
