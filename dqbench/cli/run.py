"""``dqbench run``: compress, train and score; every number beside its random twin and the full source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dqbench.cli.grid_options import GridOptions, with_grid_options
from dqbench.cli.open_session import open_session
from dqbench.cli.outcome import tell_outcome
from dqbench.cli.plan import tell_plan
from dqbench.cli.state import State

if TYPE_CHECKING:
    from dqbench.runner.session import Session

START = (
    "dqbench run trains networks on what methods keep of a training set, and scores them. To start:",
    "  dqbench run --method dq --task digits-xarch                       a minute or two, nothing to download",
    "  dqbench run --method dq,adq --task folder-xarch --data ./images   a board of your own images",
    "dqbench list shows all methods and tasks, dqbench run --help all options.",
)
"""What a run of nothing says."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


@with_grid_options
def run(
    ctx: typer.Context,
    grid: GridOptions,
    *,
    dry_run: Annotated[
        bool, typer.Option(help="Say what would be done, as dqbench plan does, and do nothing.")
    ] = False,
) -> int:
    """Compress with each method, train networks on what is kept, score them, and print a board."""
    state: State = ctx.obj
    if grid.asks_for_nothing:
        for line in START:
            state.messages.print(line, soft_wrap=True)
        return 2
    session = open_session(grid, state, create=not dry_run)
    if dry_run:
        tell_plan(state, session)
        return 0
    return _carry_out(state, session)


def _carry_out(state: State, session: Session) -> int:
    from dqbench.board.terminal import render
    from dqbench.progress.progress import Progress

    missing = session.missing()
    if not state.json:
        for line in session.headlines():
            state.messages.print(line, soft_wrap=True)
    for note in session.notes:
        state.warn(note)
    if missing:
        with Progress(state.messages, quiet=state.json, devices=session.devices, box_s=session.setup.box_s) as progress:
            session.work(progress)
    records = session.records()
    if state.json:
        state.print_json([record.model_dump(mode="json") for record in records])
    else:
        state.console.print(render(records))
        tell_outcome(state, session, nothing_to_do=not missing)
    return 1 if session.failed() else 0
