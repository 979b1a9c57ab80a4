"""Writes the reference pages of the documentation from specs, the command line and the records' model.

Run by Sphinx before each build (``conf.py``); by hand: ``python docs/reference_pages.py FOLDER``. Pages are Markdown
for MyST and hold nothing that is not read from the installed dqbench.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from dqbench import hookspecs, plugins, records
from dqbench.cli import app, facts
from dqbench.cli.show import recipe_text
from dqbench.recipe import Recipe, TimmRecipe
from dqbench.train.recipes import RECIPES

Lines = Iterator[str]


def write(folder: Path, leaderboards: Path) -> None:
    """Write every page into ``folder``; a file is touched only where its text changes."""
    pages = {name: "\n".join(make()) + "\n" for name, make in PAGES.items()}
    pages |= {f"boards/{path.stem.lower()}": _board(path) for path in sorted(leaderboards.glob("*.md"))}
    for name, text in pages.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).with_suffix("").as_posix() not in pages:
            path.unlink()


def _methods() -> Lines:
    registry = plugins.load()
    yield from ("# Methods", "", "What `dqbench show NAME` prints, of every built-in method.")
    specs = list(registry.methods)
    for family, title in FAMILIES.items():
        members = [one for one in specs if _family(one.target) == family]
        yield from ("", f"## {title}") if members else ()
        for spec in members:
            yield from _method(facts.method(spec))


FAMILIES = {
    "coresets": "Coresets: samples by score, coverage or gradients",
    "quantization": "Dataset quantization",
    "distillation": "Dataset distillation",
    "": "Others",
}


def _family(target: str) -> str:
    module = target.partition(":")[0]
    parts = module.split(".")
    name = parts[2] if parts[:2] == ["dqbench", "methods"] else ""
    return name if name in FAMILIES else ""


def _method(told: Mapping[str, Any]) -> Lines:
    yield from ("", f"({told['name']})=", f"### {told['name']}", "", _sentence(told["summary"]), "")
    rows = {
        "paper": told["paper"],
        "kind": f"{told['kind']}, version {told['version']}",
        "needs": ", ".join(told["needs"]),
        "labels": ", ".join(told["labels"]),
        "builds on": told["builds_on"],
        "control of": told["control_of"],
        "keeps": told["keeps"],
        "cost": told["cost"],
        "differs from published": told["differs"],
        "other profiles start from": "; ".join(told["starts_from"]),
    }
    yield from _pairs(rows)
    own = [option for option in told["options"] if option["name"] not in PIXELS]
    if own:
        yield from ("", f"Options, set by `--set {told['name']}.OPTION=VALUE`:", "")
        yield from _options(own)
    if len(own) < len(told["options"]):
        yield from ("", "It takes the options of [dropping patches](#dropping-patches), too.")


PIXELS = {option["name"] for option in facts.options(facts.PixelOptions, ())}


def _dropping() -> Lines:
    yield from ("", "(dropping-patches)=", "## Dropping patches", "")
    yield "For every method that keeps samples: `--set dq.drop=0.25` and whatever else is set with it."
    yield ""
    yield from _options(facts.options(facts.PixelOptions, ()))


def _options(options: Sequence[Mapping[str, Any]]) -> Lines:
    rows = (
        (f"`{o['name']}`", "required" if o["required"] else f"`{_text(o['default'])}`", _kind(o), o["meaning"])
        for o in options
    )
    yield from _table(("option", "default", "values", "meaning"), rows)


def _kind(option: Mapping[str, Any]) -> str:
    return f"{option['type']} {option['range']}".strip()


def _tasks() -> Lines:
    yield from ("# Tasks", "", "What `dqbench show NAME` prints, of every built-in task.")
    for told in map(facts.task, plugins.load().tasks):
        yield from ("", f"## {told['name']}", "", _sentence(told["summary"]), "")
        names = ("version", "dataset", "metric", "paper", "licence", "citation", "superseded_by", "smoke_leaves_out")
        yield from _pairs({each.replace("_", " "): told[each] for each in names})
        if told["published"]:
            yield from ("", "Published results beside it:", "")
            yield from (f"- {line}" for line in told["published"])
        for profile, values in told["profiles"].items():
            yield from ("", f"**Profile `{profile}`**", "")
            yield from _profile(values)


def _profile(told: Mapping[str, Any]) -> Lines:
    observer = told["observer"]
    rows = {
        "data set": told["dataset"],
        "architectures": ", ".join(told["archs"]),
        "keep ratios": ", ".join(map(str, told["keeps"])),
        "images per class": ", ".join(map(str, told["ipcs"])),
        "seeds": f"{told['seeds']} in {told['seed_blocks']} blocks" if told["seed_blocks"] > 1 else told["seeds"],
        "precision": told["precision"] or "bf16 on a GPU, fp32 on a CPU",
        "training images of a class": told["train_per_class"] or "all",
        "test images of a class": told["test_per_class"] or "all",
        **{f"recipe of {arch.replace('*', 'the rest')}": recipe_text(r) for arch, r in told["recipes"].items()},
        "observer": f"{observer['arch']}: {recipe_text(observer['recipe'])}",
        "stages": "; ".join(told["stages"]),
    }
    yield from _pairs(rows)


def _archs() -> Lines:
    yield from ("# Architectures", "", "Sizes are the sides of the images that it takes, in pixels.", "")
    specs = [facts.arch(spec) for spec in plugins.load().archs]
    rows = ((f"`{a['name']}`", _short(a["sizes"]), a["summary"], a["source"]) for a in specs)
    yield from _table(("name", "sizes", "what it is", "source"), rows)


def _datasets() -> Lines:
    yield from ("# Data sets", "", "[Your own](../../how-to/own-data.md) need no entry here.", "")
    specs = [facts.dataset(spec) for spec in plugins.load().datasets]
    rows = (
        (f"`{d['name']}`", d["classes"], "×".join(map(str, d["shape"])), d["train"], d["test"], d["origin"],
         d["summary"], d["licence"], d["citation"])
        for d in specs
    )  # fmt: skip
    yield from _table(
        ("name", "classes", "shape", "train", "test", "comes by", "what it is", "licence", "citation"), rows
    )


def _recipes() -> Lines:
    yield from (
        "# Recipes",
        "",
        "`--recipe NAME` trains every architecture by one; `--set recipe.FIELD=VALUE` changes it.",
    )
    yield ""
    yield from _table(
        ("name", "what it says"), ((f"`{name}`", recipe_text(facts.recipe(r))) for name, r in RECIPES.items())
    )
    yield from ("", "## Fields", "", *_paragraphs(Recipe.__doc__ or ""), "")
    yield from _fields(Recipe)
    yield from ("", "## Fields of `timm`", "", *_paragraphs(TimmRecipe.__doc__ or ""), "")
    yield from _fields(TimmRecipe)


def _cli() -> Lines:
    root = typer.main.get_command(app)
    yield from ("# Command line", "", "All commands take `--json`, `--plugin FILE` and `--debug`.", "")
    yield "Exit codes: 0 all done, 1 some cells failed, 2 wrong use or input, 130 interrupted."
    yield from _commands(root, "dqbench")


def _commands(command: click.Command, path: str) -> Lines:
    """A section of every command below; typer may bring a click of its own, so that its groups are known by form."""
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from ("", f"## `{path} {name}`", "", *_paragraphs(below.help or ""), "")
        if getattr(below, "commands", None):
            yield from _commands(below, f"{path} {name}")
            continue
        rows = [(_usage(p), _default(p), getattr(p, "help", "") or "") for p in below.params if p.name != "help"]
        if rows:
            yield from _table(("option", "default", "meaning"), rows)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    return f"{names} {parameter.metavar or ''}".strip()


def _default(parameter: Any) -> str:
    default = parameter.default
    return "" if default is None or callable(default) or default in ([], (), False) else f"`{default}`"


def _hooks() -> Lines:
    yield from ("# Hooks", "", "A plugin is a module with functions of these names, marked `@dqbench.hookimpl`.", "")
    found = [(name, hook) for name, hook in vars(hookspecs).items() if name.startswith("dqbench_")]
    rows = ((f"`{name}`", _returns(hook), " ".join((hook.__doc__ or "").split())) for name, hook in found)
    yield from _table(("hook", "returns", "what it is for"), rows)


def _returns(hook: Callable[..., object]) -> str:
    return f"`{hook.__annotations__['return']}`"


def _records() -> Lines:
    yield from ("# Fields of a record", "")
    yield "A record is the JSON of one finished or failed cell: all that is needed to trust and redo it. "
    yield "`dqbench.results(FOLDER)` gives the same as a pandas DataFrame, a row for each seed."
    models = [m for m in vars(records).values() if isinstance(m, type) and issubclass(m, BaseModel) and not _private(m)]
    for model in sorted(models, key=lambda model: model is not records.Record):
        yield from ("", f"## {model.__name__}", "", *_paragraphs(model.__doc__ or ""), "")
        yield from _fields(model)


def _private(model: type[BaseModel]) -> bool:
    return model is BaseModel or model.__name__.startswith("_") or model.__module__ != records.__name__


def _fields(model: type[BaseModel]) -> Lines:
    rows = (
        (f"`{name}`", facts.type_name(field.annotation), _field_default(field.get_default()), field.description or "")
        for name, field in model.model_fields.items()
    )
    yield from _table(("field", "values", "default", "meaning"), rows)


def _field_default(value: object) -> str:
    return "" if value is PydanticUndefined else f"`{_text(value)}`"


def _board(path: Path) -> str:
    """A generated board without links to the files beside it, which are no pages."""
    text = path.read_text()
    text = re.sub(r"\]\(README\.md\)", "](readme.md)", text)
    return re.sub(r"\[([^\]]*)\]\((?!https?:|#)[^)]*\.(?!md\b)[a-z]+\)", r"\1", text)


def _pairs(values: Mapping[str, Any]) -> Lines:
    yield from _table(("", ""), ((name, value) for name, value in values.items() if value not in (None, "", [], ())))


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Lines:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(_escaped(value) for value in row)} |"


def _escaped(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _text(value: Any) -> str:
    if value is None or value == "":
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(sizes: Sequence[int]) -> str:
    return ", ".join(map(str, sizes))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _paragraphs(text: str) -> list[str]:
    """A docstring as Markdown: its own line breaks inside paragraphs are gone, its double backquotes single."""
    plain = re.sub(r":\w+:`([^`]*)`", r"`\1`", text.replace("``", "`"))
    parts = re.split(r"\n\s*\n", plain.strip())
    return [line for part in parts for line in (" ".join(part.split()), "")]


PAGES: Mapping[str, Callable[[], Lines]] = {
    "methods": lambda: (line for part in (_methods(), _dropping()) for line in part),
    "tasks": _tasks,
    "architectures": _archs,
    "data-sets": _datasets,
    "recipes": _recipes,
    "command-line": _cli,
    "hooks": _hooks,
    "record-fields": _records,
}

if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(__file__).parent.parent / "leaderboards")
