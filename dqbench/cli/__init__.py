"""The ``dqbench`` command: one file per subcommand, each with ``register(app)``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dqbench.cli import (
    claims,
    compress,
    data,
    doctor,
    leaderboard,
    listing,
    new,
    plan,
    plot,
    pretrain,
    results,
    run,
    show,
    status,
    workspace,
)
from dqbench.cli.failures import report
from dqbench.cli.once import OnceCommand
from dqbench.cli.plain_characters import use_plain_characters
from dqbench.cli.state import State
from dqbench.errors import UsageError

__all__ = ["State", "app", "main"]

EVERYWHERE = "All commands take --json, --plugin FILE and --debug; see: dqbench --help"

PANELS = {
    "Run": ("run", "plan", "status", "logs", "workspace"),
    "Your own data and methods": ("compress", "pretrain", "new"),
    "What there is": ("list", "show", "data", "doctor"),
    "Results": ("leaderboard", "claims", "plot", "results"),
}
"""The commands as the help groups them."""

EXAMPLES = {
    "run": "dqbench run --method dq,adq --task digits-xarch --keep 0.1,0.3 --seeds 5",
    "plan": "dqbench plan --method family:coresets --task cifar10-xarch --profile proxy --detect 0.5",
    "compress": "dqbench compress --method adq --data ./images --keep 0.2 --out kept/ --images link",
    "list": "dqbench list methods",
    "show": "dqbench show adq",
    "leaderboard": "dqbench leaderboard --workspace dqbench-out",
    "doctor": "dqbench doctor",
}


class _Group(TyperGroup):
    """Takes the global options before and after the subcommand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _global_options_first(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:  # typer would leave without a word
            raise typer.Abort from interrupt


def _global_options_first(args: Sequence[str]) -> list[str]:
    first: list[str] = []
    rest: list[str] = []
    queue = list(args)
    while queue and queue[0] != "--":
        arg = queue.pop(0)
        is_global = arg in ("--json", "--debug", "--plugin") or arg.startswith("--plugin=")
        (first if is_global else rest).append(arg)
        if arg == "--plugin" and queue:
            first.append(queue.pop(0))
    return first + rest + queue


app = typer.Typer(
    name="dqbench",
    cls=_Group,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from dqbench import __version__

        typer.echo(f"dqbench {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _dqbench(
    ctx: typer.Context,
    plugin: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Load this plugin file as well (repeatable).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """How little of a dataset do you need to keep, and which method should choose it?

    The options below work before and after the command.
    """
    ctx.obj = State(json=as_json, debug=debug, plugin_files=tuple(plugin or ()))
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


for _command in (
    run,
    plan,
    status,
    workspace,
    compress,
    pretrain,
    new,
    listing,
    show,
    data,
    leaderboard,
    claims,
    plot,
    results,
    doctor,
):
    _command.register(app)
_panel_of = {name: panel for panel, names in PANELS.items() for name in names}
for _info in app.registered_commands:
    _info.rich_help_panel = _panel_of.get(str(_info.name))
    _example = EXAMPLES.get(str(_info.name))
    _info.epilog = _info.epilog or "\n\n".join(filter(None, (_example and f"Example: {_example}", EVERYWHERE)))
for _sub in app.registered_groups:
    _sub.rich_help_panel = _panel_of.get(str(_sub.name))
for _typer in (app, *(group.typer_instance for group in app.registered_groups if group.typer_instance)):
    for _info in _typer.registered_commands:
        _info.cls = OnceCommand


def refuse_empty(words: Sequence[str]) -> None:
    """Refuse an empty value, which as a path would be the current folder.

    Raises:
        UsageError: there is one.
    """
    for before, word in zip(["", *words], words, strict=False):
        if word == "" or (word.startswith("--") and word.endswith("=") and word.count("=") == 1):
            raise UsageError(f"{before if word == '' else word[:-1]} has an empty value; give one, or leave it out")


def refuse_undecodable(words: Sequence[str]) -> None:
    """Refuse what is no UTF-8, such as the path of a folder that no message could name.

    Raises:
        UsageError: there is some.
    """
    for word in words:
        if any("\ud800" <= character <= "\udfff" for character in word):
            raise UsageError(f"{os.fsencode(word)!r} is not UTF-8; rename it")


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code: 0 done, 1 some cells failed, 2 wrong use, 130 interrupted."""
    words = list(sys.argv[1:] if args is None else args)
    use_plain_characters(sys.stdout, sys.stderr)
    try:
        refuse_empty(words)
        refuse_undecodable(words)
        code = typer.main.get_command(app).main(words, prog_name="dqbench", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except (Exception, KeyboardInterrupt) as error:
        return report(error, debug="--debug" in words)
    return code if isinstance(code, int) else 0
