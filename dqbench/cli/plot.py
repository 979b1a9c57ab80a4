"""``dqbench plot``: pictures for papers, from records and artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqbench.cli.leaderboard import default_records
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dqbench.board.board import Board
    from dqbench.cli.state import State
    from dqbench.records import Record

Task = Annotated[str, typer.Option(metavar="NAME", help="The task.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The picture: .png, .svg or .pdf.")]
Records = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of records; default leaderboards/records, else the workspace's."),
]
Workspace = Annotated[Path, typer.Option(metavar="DIR", envvar="DQBENCH_WORKSPACE", help="The workspace.")]
Number = Annotated[int | None, typer.Option("--board", min=1, help="Which section of the task's board, by number.")]

_HERE = Path("dqbench-out")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    plot = typer.Typer(help="Draw pictures for papers (needs the extra plots).", no_args_is_help=True)
    for command in (ratio_curve, sweep, pareto, heatmap, bins):
        plot.command(command.__name__.replace("_", "-"))(command)
    app.add_typer(plot, name="plot")


def ratio_curve(
    ctx: typer.Context,
    task: Task,
    out: Out,
    board: Number = None,
    records: Records = None,
    workspace: Workspace = _HERE,
) -> None:
    """Score against keep ratio, with intervals."""
    from dqbench.board import plots

    plots.check(out)
    _save(ctx, plots.ratio_curve(_board(records or default_records(workspace), task, board)), out)


def sweep(
    ctx: typer.Context,
    task: Task,
    option: Annotated[str, typer.Option(metavar="NAME", help="What was swept, e.g. dq.bins or observer.arch.")],
    out: Out,
    board: Number = None,
    records: Records = None,
    workspace: Workspace = _HERE,
) -> None:
    """Score against the values of a swept option, with intervals."""
    from dqbench.board import plots
    from dqbench.board.sweeps import sweeps

    plots.check(out)
    shown = _board(records or default_records(workspace), task, board)
    found = sweeps(shown.section)
    fitting = [one for one in found if one.title.startswith(option)]
    if len(fitting) != 1:
        there = "; ".join(one.title for one in found) or "none; run with e.g. --set dq.bins=5,10"
        raise UsageError(f"{len(fitting)} sweeps of this board start with {option!r}; there are: {there}")
    _save(ctx, plots.sweep_curve(shown, fitting[0]), out)


def pareto(
    ctx: typer.Context,
    task: Task,
    out: Out,
    cost: Annotated[str, typer.Option(help="seconds (to compress) or bytes (to store).")] = "seconds",
    board: Number = None,
    records: Records = None,
    workspace: Workspace = _HERE,
) -> None:
    """Score against what compressing cost, with the front."""
    from dqbench.board import plots

    plots.check(out)
    if cost not in ("seconds", "bytes"):
        raise UsageError(f"--cost {cost!r} is neither seconds nor bytes")
    drawn = plots.pareto(
        _board(records or default_records(workspace), task, board), "bytes" if cost == "bytes" else "seconds"
    )
    _save(ctx, drawn, out)


def heatmap(
    ctx: typer.Context,
    task: Task,
    out: Out,
    board: Number = None,
    records: Records = None,
    workspace: Workspace = _HERE,
) -> None:
    """Methods against architectures, coloured by the difference to random."""
    from dqbench.board import heatmap as pictures
    from dqbench.board import plots

    plots.check(out)
    _save(ctx, pictures.heatmap(_board(records or default_records(workspace), task, board)), out)


def bins(
    ctx: typer.Context,
    task: Task,
    method: Annotated[str, typer.Option(metavar="NAME", help="A method that uses an observer.")],
    keep: Annotated[float, typer.Option(metavar="RATIO", help="The keep ratio.")],
    out: Out,
    seed: Annotated[int, typer.Option(help="Which seed of the cell.")] = 0,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="The profile, if there are several.")] = None,
    most: Annotated[int, typer.Option(min=10, help="Place at most so many samples.")] = 3000,
    workspace: Workspace = _HERE,
) -> None:
    """t-SNE of the observer's features, coloured by bin and by kept or dropped, from a workspace's artifacts."""
    from dqbench.board import bins as bin_view
    from dqbench.board import plots

    plots.check(out)
    record = _cell(workspace, task, method, keep, profile, seed)
    view = bin_view.look(workspace, record, seed)
    points, chosen = bin_view.embed(view, most, seed)
    part = "" if len(chosen) == len(view.kept) else f", {len(chosen):,} of {len(view.kept):,} samples"
    words = f"{task} · {record.cell.profile} · {record.cell.row} · keep {keep:g} · seed {seed} · t-SNE{part}"
    drawn = plots.bins(points, None if view.bins is None else view.bins[chosen], view.kept[chosen], words)
    _save(ctx, drawn, out)


def _board(folder: Path, task: str, number: int | None) -> Board:
    from dqbench.board import files, sentences
    from dqbench.board.board import build
    from dqbench.board.reading import load

    sections = files.by_task(load(folder, task)).get(task, [])
    if not sections:
        raise UsageError(f"{folder} has no record of task {task!r}; run: dqbench run --task {task}")
    if number is None and len(sections) > 1:
        listed = "; ".join(f"{i}: {sentences.title(s.setting)}" for i, s in enumerate(sections, start=1))
        raise UsageError(f"{task} has {len(sections)} boards; choose one with --board N ({listed})")
    if number and number > len(sections):
        raise UsageError(f"--board {number}: {task} has {len(sections)}")
    return build(sections[(number or 1) - 1])


def _cell(workspace: Path, task: str, method: str, keep: float, profile: str | None, seed: int) -> Record:
    from dqbench import records

    cells = [
        record
        for record in records.read_all(workspace / "records")
        if (record.cell.task, record.cell.method, record.status) == (task, method, "done")
        and str(record.cell.budget) == f"{keep:g}"
        and record.cell.budget_kind == "ratio"
        and profile in (None, record.cell.profile)
    ]
    if not cells:
        raise UsageError(f"{workspace / 'records'} has no finished record of {method} on {task} at keep {keep:g}")
    kinds = sorted({f"{r.cell.profile} {r.cell.row}" for r in cells})
    if len(kinds) > 1:
        raise UsageError(f"{len(kinds)} kinds of cells fit ({', '.join(kinds)}); choose with --profile")
    return next((record for record in cells if seed in record.cell.seeds), cells[0])


def _save(ctx: typer.Context, figure: Figure, out: Path) -> None:
    from dqbench.board import plots

    state: State = ctx.obj
    plots.save(figure, out)
    if state.json:
        state.print_json({"picture": str(out), "bytes": out.stat().st_size})
    else:
        state.console.print(f"{out}: {out.stat().st_size:,} bytes", soft_wrap=True)
