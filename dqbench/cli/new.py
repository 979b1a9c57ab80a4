"""``dqbench new method|task NAME``: a plugin's package to start from, which passes its tests as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqbench.cli import new_method, new_task
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.cli.state import State

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name: small letters, digits and hyphens.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The package's folder, a new one; default ./NAME.")
]

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

PYPROJECT = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "dqbench-@NAME@"
version = "0.1.0"
description = "A @KIND@ for dqbench"
requires-python = ">=3.10"
dependencies = ["dqbench"]

[project.entry-points.dqbench]
@NAME@ = "@MODULE@"

[tool.setuptools]
py-modules = ["@MODULE@"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""

README = """# @NAME@: a @KIND@ for dqbench

`@MODULE@.py` is the whole plugin.

@NEXT@
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    new = typer.Typer(
        help="Start a method or a task of your own: a package that passes its tests.", no_args_is_help=True
    )
    new.command("method")(method)
    new.command("task")(task)
    app.add_typer(new, name="new")


def method(ctx: typer.Context, name: Name, out: Out = None) -> None:
    """Write the package of a new method: a module, the conformance kit as its test, what pip needs."""
    _write(ctx.obj, "method", name, out, new_method.MODULE, new_method.TEST, new_method.NEXT)


def task(ctx: typer.Context, name: Name, out: Out = None) -> None:
    """Write the package of a new task: a module with an evaluator, a test that runs it, what pip needs."""
    _write(ctx.obj, "task", name, out, new_task.MODULE, new_task.TEST, new_task.NEXT)


def _write(
    state: State, kind: str, name: str, out: Path | None, module: str, test: str, following: tuple[str, ...]
) -> None:
    folder = out or Path(name)
    _check(state, kind, name, folder)
    words = {
        "NAME": name,
        "KIND": kind,
        "MODULE": f"dqbench_{name.replace('-', '_')}",
        "CLASS": "".join(part.capitalize() for part in name.split("-")),
        "FOLDER": str(folder),
    }
    steps = [_filled(step, words) for step in following]
    files = {
        "pyproject.toml": PYPROJECT,
        "README.md": README.replace("@NEXT@", "\n".join(f"    {step}" for step in steps)),
        "@MODULE@.py": module,
        "tests/test_@MODULE@.py": test,
    }
    try:
        for path, text in files.items():
            target = folder / _filled(path, words)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(text, words), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}; choose another --out") from error
    if state.json:
        state.print_json({"folder": str(folder), "files": [_filled(path, words) for path in files]})
        return
    state.console.print(f"{folder}: a package with the {kind} {name}. Now:", soft_wrap=True)
    for step in steps:
        state.console.print(f"  {step}", soft_wrap=True)


def _check(state: State, kind: str, name: str, folder: Path) -> None:
    if not _KEBAB.fullmatch(name) or len(name) > 40:
        raise UsageError(f"{kind} {name!r}: a name has small letters, digits and hyphens, at most 40, e.g. my-{kind}")
    catalogue = state.registry().methods if kind == "method" else state.registry().tasks
    if name in catalogue or name in ("full", "observer", "recipe", "data", "own"):
        whose = f"of {catalogue.origin(name)}" if name in catalogue else "for something else"
        raise UsageError(f"the name {name} is taken {whose}; choose another")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty; choose another --out")


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
