"""``dqbench claims``: what papers claim, held against records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqbench.cli.leaderboard import default_records

if TYPE_CHECKING:
    from dqbench.board.verdicts import Judged
    from dqbench.cli.state import State


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("claims")(claims)


def claims(
    ctx: typer.Context,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Claims about this task only.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="Verdicts at this profile only.")] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of records; default leaderboards/records, else the workspace's."),
    ] = None,
    workspace: Annotated[Path, typer.Option(metavar="DIR", envvar="DQBENCH_WORKSPACE", help="The workspace.")] = Path(
        "dqbench-out"
    ),
) -> None:
    """Hold what papers claim against records: confirmed, refuted, smaller than claimed, undecided or not measured."""
    from dqbench.board.claim_words import facts
    from dqbench.board.files import boards
    from dqbench.board.reading import load
    from dqbench.board.verdicts import judge_all
    from dqbench.plan.claimed_cells import known

    state: State = ctx.obj
    registry = state.registry()
    wanted = [claim for claim in known(registry) if task in (None, claim.task)]
    if task is not None:
        registry.tasks[task]
    source = records or default_records(workspace)
    found = judge_all(wanted, boards(load(source, task)) if source.is_dir() else {})
    found = [one for one in found if profile is None or (one.setting and one.setting.profile == profile)]
    if state.json:
        state.print_json([facts(one) for one in found])
    else:
        _tell(state, source, found)


def _tell(state: State, source: Path, found: list[Judged]) -> None:
    from rich import box
    from rich.table import Table

    from dqbench.board.claim_words import absences, claim_table, counted, sentence

    if not found:
        state.console.print("no claims")
        return
    content = claim_table([one for one in found if one.verdict != "not measured"]).without_blanks()
    if content.rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for number, name in enumerate(content.header):
            table.add_column(name, justify="left" if number < content.names else "right", overflow="fold")
        for row in content.rows:
            table.add_row(*row)
        state.console.print(table)
    for one in found:
        if one.verdict != "not measured":
            state.console.print(f"- {sentence(one)}", soft_wrap=True)
    for words in absences(one for one in found if one.verdict == "not measured"):
        state.console.print(f"- not measured: {words}", soft_wrap=True)
    state.console.print(f"by {source}: {counted(found)}", soft_wrap=True)
