"""``dqbench status`` and ``dqbench logs``: a run, watched from another terminal."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqbench.cli.grid_options import Workspace
from dqbench.cli.state import State
from dqbench.plurals import plural

if TYPE_CHECKING:
    from dqbench.progress.overview import Overview
    from dqbench.records import Record
    from dqbench.workspace.workspace import Workspace as Folder


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status")(status)
    app.command("logs")(logs)


def status(
    ctx: typer.Context,
    workspace: Workspace = Path("dqbench-out"),
    last: Annotated[int, typer.Option(min=0, help="Show so many of the newest cells.")] = 8,
) -> None:
    """Say what runs in a workspace now, what is done, what failed, and the newest scores."""
    from dqbench.progress.overview import look

    state: State = ctx.obj
    overview = look(open_workspace(workspace), last)
    if state.json:
        state.print_json({**asdict(overview), "last": [_cell(record) for record in overview.last]})
        return
    _tell_runners(state, overview)
    done = ", ".join(f"{number} {kind}" for kind, number in overview.done.items()) or "none"
    state.console.print(f"jobs done: {done}")
    cells = ", ".join(f"{number} {word}" for word, number in overview.cells.items()) or "none"
    state.console.print(f"cells with a record: {cells}")
    _tell_cells(state, overview)
    for failure in overview.failures:
        tries = "" if failure.attempts == 1 else f" ({failure.attempts} times)"
        state.console.print(f"failed{tries}: {failure}; see: dqbench logs {failure.key[:10]}", soft_wrap=True)


def open_workspace(path: Path) -> Folder:
    """An existing workspace, opened for reading.

    Raises:
        UsageError: it is not, or a newer dqbench made it.
    """
    from dqbench.errors import UsageError
    from dqbench.workspace.workspace import Workspace as Opened

    if not (path.expanduser() / "workspace.json").exists():
        raise UsageError(f"{path} is no workspace; give one with --workspace DIR, or make one: dqbench run")
    return Opened(path, create=False)


def _tell_runners(state: State, overview: Overview) -> None:
    from dqbench.durations import clock
    from dqbench.runner.heartbeat import STALE_S

    if not overview.runners:
        state.console.print("nothing runs here now")
    for runner in overview.runners:
        left = runner["seconds_left"]
        over = runner["done"] + runner["failed"] + runner["skipped"]
        words = [f"runner {runner['runner']}: {over} of {plural(runner['jobs'], 'job')}, {runner['failed']} failed"]
        words += [f"about {clock(left)} left"] if left is not None else []
        words += [f"silent for {clock(runner['silent_s'])}"] if runner["silent_s"] > STALE_S else []
        state.console.print(", ".join(words))
        for job in runner["running"]:
            step = f": {job['step']}" if job.get("step") else ""
            state.console.print(f"  {job['where']}  {clock(job['seconds']):>10}  {job['job']}{step}", soft_wrap=True)


def _tell_cells(state: State, overview: Overview) -> None:
    for record in overview.last:
        cell = _cell(record)
        scores = ", ".join(f"{score:.2f}" for score in cell["scores"])
        what = f"{scores}" if record.status == "done" else f"failed: {cell['failed']}"
        state.console.print(f"  {record.key[:10]}  {cell['cell']}: {what}", soft_wrap=True)


def _cell(record: Record) -> dict[str, Any]:
    cell = record.cell
    return {
        "key": record.key,
        "status": record.status,
        "cell": f"{cell.task} {cell.profile} {cell.row} {cell.budget} {cell.arch}",
        "scores": [run.score for run in record.runs],
        "failed": f"{record.failures[0].error}: {record.failures[0].message}" if record.failures else "",
        "ended": record.ended,
    }


def logs(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="The start of a cell's key, its record's file, or the start of a job's.")],
    workspace: Workspace = Path("dqbench-out"),
    lines: Annotated[int, typer.Option(min=0, help="Show so many of the last lines of each log.")] = 10,
) -> None:
    """Show where the logs of a cell's jobs are, and how they end."""
    from dqbench.progress.overview import logs_of

    state: State = ctx.obj
    found = logs_of(open_workspace(workspace), cell, lines)
    if state.json:
        state.print_json([{**asdict(log), "path": str(log.path)} for log in found])
        return
    for log in found:
        seed = "" if log.seed is None else f", seed {log.seed}"
        state.console.print(f"{log.job}{seed}: {log.path}{'' if log.there else ' (not there)'}", soft_wrap=True)
        for line in log.tail:
            state.console.print(f"    {line}", soft_wrap=True)
