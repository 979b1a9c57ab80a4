"""``dqbench plan``: what a grid comes to before anything runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from dqbench.cli.grid_options import GridOptions, with_grid_options

if TYPE_CHECKING:
    from dqbench.cli.state import State
    from dqbench.run.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


@with_grid_options
def plan(ctx: typer.Context, grid: GridOptions) -> int:
    """Say what dqbench run would do with the same options: cells, jobs, what is there, what the rest costs."""
    tell_plan(ctx.obj, grid.open(ctx.obj, create=False))
    return 0


def tell_plan(state: State, session: Session) -> None:
    jobs = session.jobs_to_do()
    kinds = Counter(job.kind for job in jobs.values())
    all_kinds = Counter(job.kind for job in session.plan.jobs.values())
    if state.json:
        cells = [planned.cell.model_dump(mode="json") for planned in session.plan.cells]
        state.print_json({"cells": cells, "missing_cells": len(session.missing()), "jobs_to_do": dict(kinds)})
        return
    for line in session.headlines():
        state.console.print(line, soft_wrap=True)
    state.console.print(f"cells: {len(session.plan.cells)}, of which {len(session.missing())} are to be made")
    for kind, count in all_kinds.items():
        state.console.print(f"  {kind:9} {count:5} jobs, {kinds[kind]} to do")
