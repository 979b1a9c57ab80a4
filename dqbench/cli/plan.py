"""``dqbench plan``: what a grid comes to before anything runs, and how many seeds a difference needs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqbench.cli.grid_options import GridOptions, with_grid_options
from dqbench.cli.open_session import open_session
from dqbench.errors import UsageError
from dqbench.measure import PERCENT
from dqbench.plurals import plural

if TYPE_CHECKING:
    from dqbench.cli.state import State
    from dqbench.runner.forecast import Forecast
    from dqbench.runner.session import Session


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


@with_grid_options
def plan(
    ctx: typer.Context,
    grid: GridOptions,
    *,
    detect: Annotated[
        float | None,
        typer.Option(
            metavar="DIFFERENCE",
            help="Say how many seeds it takes to see such a difference, in points of percent or the task's own unit.",
        ),
    ] = None,
) -> int:
    """Say what dqbench run would do with the same options: cells, jobs, what is there, what the rest costs."""
    if detect is not None and not 0 < detect < math.inf:
        raise UsageError(f"--detect {detect:g} is no difference; give one above 0, e.g. 0.5")
    tell_plan(ctx.obj, open_session(grid, ctx.obj, create=False), detect)
    return 0


def tell_plan(state: State, session: Session, detect: float | None = None) -> None:
    """Show what is planned; nothing is made on disk."""
    forecast = session.forecast()
    seeds = _seeds(session, detect) if detect is not None else []
    if state.json:
        state.print_json(_facts(session, forecast, seeds))
        return
    for line in session.headlines():
        state.console.print(line, soft_wrap=True)
    for note in session.notes:
        state.warn(note)
    state.console.print(f"cells: {len(session.plan.cells)}, of which {len(session.missing())} are to be made")
    _tell_jobs(state, forecast)
    _tell_cost(state, session, forecast)
    _tell_box(state, session)
    for row in seeds:
        state.console.print(_sentence(row), soft_wrap=True)


def _facts(session: Session, forecast: Forecast, seeds: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cells": [planned.cell.model_dump(mode="json") for planned in session.plan.cells],
        "missing_cells": len(session.missing()),
        "jobs_to_do": {kind.kind: kind.to_do for kind in forecast.kinds.values() if kind.to_do},
        "jobs": [asdict(kind) for kind in forecast.kinds.values()],
        "device": session.devices.kind,
        "device_hours": forecast.seconds / 3600,
        "guessed_device_hours": forecast.guessed / 3600,
        "seeds_to_detect": seeds,
        "notes": list(session.notes),
    }


def _tell_jobs(state: State, forecast: Forecast) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("jobs", "planned", "there", "to do", "device hours", "of them guessed"):
        table.add_column(heading, justify="left" if heading == "jobs" else "right")
    for kind in forecast.kinds.values():
        hours, guessed = (_hours(seconds) if seconds else "" for seconds in (kind.seconds, kind.guessed))
        table.add_row(kind.kind, str(kind.jobs), str(kind.jobs - kind.to_do), str(kind.to_do), hours, guessed)
    state.console.print(table)


def _tell_cost(state: State, session: Session, forecast: Forecast) -> None:
    from dqbench.plan.needs import RATE

    if not forecast.seconds:
        state.console.print("nothing is left to do")
        return
    device = session.devices.kind
    guess = (
        f"; {_about(forecast.guessed)} of that is a guess at {RATE[device]:,.0f} images a second, "
        "as no like job was measured in this workspace"
        if forecast.guessed
        else ", as like jobs took in this workspace"
    )
    slots = len(session.devices.gpus) or session.devices.threads
    unit = "GPU" if device == "cuda" else "CPU thread"
    state.console.print(
        f"the rest takes {_about(forecast.seconds)} device hours, one job after the other{guess}; "
        f"here {plural(slots, unit)}",
        soft_wrap=True,
    )


def _tell_box(state: State, session: Session) -> None:
    from dqbench.durations import clock
    from dqbench.progress.wording import name

    too_long = session.too_long()
    if too_long:
        first = too_long[0]
        state.warn(
            f"--for {clock(session.setup.box_s or 0)} is too short for {plural(len(too_long), 'job')}: the longest, "
            f"{name(first)}, is expected to take {clock(first.needs.seconds)}"
        )


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.1f}" if hours >= 10 else f"{hours:.2g}" if hours >= 0.001 else "< 0.001"


def _about(seconds: float) -> str:
    words = _hours(seconds)
    return words.replace("<", "less than") if words.startswith("<") else f"about {words}"


def _seeds(session: Session, difference: float) -> list[dict[str, Any]]:
    from dqbench.power import seeds_needed

    rows, measures = [], {planned.cell.task: planned.cell.measure for planned in session.plan.cells}
    for (task, profile), spread in session.spreads().items():
        measure = measures[task]
        if measure.unit == PERCENT and difference >= 100:
            raise UsageError(f"--detect {difference:g} is no difference in percentage points of {task}; give e.g. 0.5")
        needed = None if spread is None else seeds_needed(difference, spread.sd)
        rows.append(
            {
                "task": task, "profile": profile, "difference": difference, "seeds": needed,
                "paired_sd": spread and spread.sd, "cells": spread and spread.cells,
                "degrees_of_freedom": spread and spread.freedom, "unit": measure.differences,
            }
        )  # fmt: skip
    return rows


def _sentence(row: dict[str, Any]) -> str:
    unit = f" {row['unit']}" if row["unit"] else ""
    start = f"{row['task']}, {row['profile']}: to see a difference of {row['difference']:g}{unit} to random"
    if row["paired_sd"] is None:
        return f"{start}: unknown, as this workspace has no cell with two seeds and its random twin yet"
    freedom = row["degrees_of_freedom"]
    needed = "more than 10,000 seeds" if row["seeds"] is None else plural(row["seeds"], "seed")
    return (
        f"{start}: {needed} (two-sided paired t-test at 5 %, power 80 %, one comparison, normal differences; paired sd "
        f"{row['paired_sd']:.3g}{unit} from {plural(row['cells'], 'cell')}, {plural(freedom, 'degree')} of freedom)"
    )
