"""``dqbench run``: compress, train and score; every number beside its random twin and the full source."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqbench.cli.state import State

if TYPE_CHECKING:
    from dqbench.run.session import Session

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Workspace = Annotated[
    Path, typer.Option(envvar="DQBENCH_WORKSPACE", help="Where artifacts, logs and records go, and are found again.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    ctx: typer.Context,
    method: Annotated[list[str], typer.Option(help="A method; repeatable. random and full always run.")],
    task: Annotated[list[str], typer.Option(help="A task; repeatable.")],
    keep: Annotated[list[str] | None, typer.Option(help="A keep ratio in (0, 1]; repeatable.")] = None,
    ipc: Annotated[list[str] | None, typer.Option(help="Images per class to keep; repeatable.")] = None,
    arch: Annotated[list[str] | None, typer.Option(help="An architecture to train; repeatable.")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="smoke, quick or paper; without it smoke on a CPU, quick on a GPU.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option, e.g. adq.alpha=0.6 or dq.bins=5,10 (a sweep); repeatable."),
    ] = None,
    device: Device = "auto",
    workspace: Workspace = Path("dqbench-out"),
    best_epoch: Annotated[bool, typer.Option(help="Also score snapshots and record the best, as papers do.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be done, and do nothing.")] = False,
) -> int:
    """Compress with each method, train networks on what is kept, score them, and print a board."""
    from dqbench.run.grid import Request
    from dqbench.run.session import Session

    state: State = ctx.obj
    request = Request(
        tasks=tuple(task),
        methods=tuple(method),
        keeps=tuple(keep or ()),
        ipcs=tuple(ipc or ()),
        archs=tuple(arch or ()),
        seeds=seeds,
        profile=profile,
        settings=tuple(set_ or ()),
        best_epoch=best_epoch,
    )
    session = Session.open(request, state.registry(), device, workspace, create=not dry_run)
    if dry_run:
        _tell_plan(state, session)
        return 0
    return _carry_out(state, session)


def _carry_out(state: State, session: Session) -> int:
    from dqbench.board.terminal import render
    from dqbench.run.progress import Progress

    missing = session.missing()
    if not state.json:
        for line in session.headlines():
            state.messages.print(line, soft_wrap=True)
    if missing:
        with Progress(state.messages, quiet=state.json) as progress:
            session.work(progress)
    records = session.records()
    if state.json:
        state.print_json([record.model_dump(mode="json") for record in records])
    else:
        state.console.print(render(records))
        _tell_outcome(state, session, nothing_to_do=not missing)
    return 1 if session.failed() else 0


def _tell_outcome(state: State, session: Session, nothing_to_do: bool) -> None:
    failed = session.failed()
    for record in failed:
        failure = record.failures[0]
        state.messages.print(
            f"failed: {record.cell.row} {record.cell.budget} {record.cell.arch}: {failure.kind} job, "
            f"{failure.error}: {failure.message} (log: {session.log_of(failure.job)})",
            soft_wrap=True,
        )
    done = len(session.plan.cells) - len(failed)
    verdict = "nothing to do: all" if nothing_to_do else f"{done} of"
    state.messages.print(f"{verdict} {len(session.plan.cells)} cells are done; records in {session.workspace.records}")


def _tell_plan(state: State, session: Session) -> None:
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
