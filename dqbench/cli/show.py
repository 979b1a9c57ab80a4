"""``dqbench show NAME``: all that is known of a method, task, architecture or data set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from dqbench.cli import completion
from dqbench.cli.state import State
from dqbench.plurals import plural

TITLES = {"differs": "differs from published", "from": "comes from"}


def register(app: typer.Typer) -> None:
    """Add ``show`` to the command line."""
    app.command("show")(_show)


def _show(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.shown, help="a method, task, architecture or data set; see: dqbench list"
        ),
    ],
) -> None:
    """Show one method, task, architecture or data set: source, options with defaults and meaning, protocol."""
    from dqbench.cli import facts

    state: State = ctx.obj
    kind, spec, origin = state.registry().find(name)
    told = facts.of(spec, origin)
    if state.json:
        state.print_json({"type": kind, **told})
        return
    title = f"{kind} {told.pop('name')}" + (f", version {told.pop('version')}" if "version" in told else "")
    state.console.print(title, style="bold")
    options, profiles = told.pop("options", None), told.pop("profiles", {})
    _print_pairs(state, told)
    if options is not None:
        _print_options(state, name, options)
    for profile, content in profiles.items():
        state.console.print(f"\nprofile {profile}", style="bold")
        _print_pairs(state, dict(_profile_lines(content)))


def _print_pairs(state: State, pairs: Mapping[str, Any]) -> None:
    grid = _grid()
    for key, value in pairs.items():
        if value not in (None, "", []):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            grid.add_row(f"  {TITLES.get(key, key.replace('_', ' '))}", text)
    state.console.print(grid)


def _print_options(state: State, name: str, options: list[dict[str, Any]]) -> None:
    own, added = ([option for option in options if option.get("added", False) == is_it] for is_it in (False, True))
    how = f"set by --set {name}.OPTION=VALUE"
    if own:
        _print_some(state, f"options, {how}", own)
    else:
        state.console.print("\nno options of its own")
    if added:
        _print_some(
            state, f"added by dqbench to every method that keeps samples, to drop patches of them, {how}", added
        )


def _print_some(state: State, title: str, options: list[dict[str, Any]]) -> None:
    state.console.print(f"\n{title}", style="bold", soft_wrap=True)
    grid = _grid(columns=4)
    for option in options:
        default = "required" if option["required"] else f"= {_value(option['default'])}"
        kind = f"{option['type']} {option['range']}".strip()
        grid.add_row(f"  {option['name']}", default, kind, option["meaning"])
    state.console.print(grid)


def _value(value: Any) -> str:
    return str(value or "none") if isinstance(value, str | None) else json.dumps(value, default=str)


def _profile_lines(profile: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "dataset", profile["dataset"]
    yield "archs", profile["archs"]
    yield "keeps", profile["keeps"]
    yield "images per class", profile["ipcs"]
    blocks = profile["seed_blocks"]
    yield "seeds", f"{profile['seeds']} in {blocks} blocks" if blocks > 1 else profile["seeds"]
    yield "precision", profile["precision"] or "bf16 on a GPU, fp32 on a CPU"
    for part in ("train_per_class", "test_per_class"):
        yield part, profile[part] or "all"
    for arch, recipe in profile["recipes"].items():
        yield f"recipe of {'the rest' if arch == '*' else arch}", recipe_text(recipe)
    observer = profile["observer"]
    yield "observer", f"{observer['arch']}: {recipe_text(observer['recipe'])}"
    yield "stages", "; ".join(profile["stages"])


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """A recipe in one line: its main facts, and every other field that is not at its default."""
    from dqbench.specs import Recipe, TimmRecipe

    r = dict(recipe)
    timm = r.pop("timm", None)
    text = f"{r.pop('name')}: {plural(r.pop('epochs'), 'epoch')}, batch {r.pop('batch_size')}"
    text += f", {r.pop('optimizer')} {r.pop('lr'):g}, {r.pop('schedule')}" + "".join(
        f", {name}" for name in r.pop("augment")
    )
    others = (f", {key}={value}" for key, value in r.items() if value != Recipe.model_fields[key].default)
    text += "".join(others)
    if timm:
        fields = TimmRecipe().model_dump(mode="json")
        text += ", timm " + ", ".join(f"{key}={value}" for key, value in timm.items() if value != fields[key])
    return text


def _grid(columns: int = 2) -> Any:
    from rich.table import Table

    grid = Table.grid(padding=(0, 3, 0, 0))
    for column in range(columns):
        grid.add_column(no_wrap=column < columns - 1 and column != 2)
    return grid
