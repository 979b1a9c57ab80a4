"""From the options of ``run`` and ``plan`` to a planned session."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dqbench.cli.comma_lists import parts
from dqbench.cli.file_progress import file_progress
from dqbench.cli.replayed import replayed
from dqbench.cli.waiting import waiting
from dqbench.errors import UsageError
from dqbench.plurals import plural

if TYPE_CHECKING:
    from dqbench.cli.grid_options import GridOptions
    from dqbench.cli.state import State
    from dqbench.plan.own_data import OwnData
    from dqbench.plan.request import Request
    from dqbench.runner.session import Session
    from dqbench.runner.setup import Setup


def open_session(grid: GridOptions, state: State, *, create: bool) -> Session:
    """Plan what was asked for, on its workspace; without ``create`` nothing is made on disk.

    Raises:
        UsageError: anything wrong with the request, the data, the devices or the workspace.
    """
    with waiting(state, "loading"):
        request, setup = _asked(grid, state, create)
        from dqbench.runner.session import Session
    own = request.data
    if own is None or own.listed is None or not create:
        with waiting(state, "planning") as tell:
            return Session.open(
                request,
                state.registry(),
                setup,
                grid.workspace,
                create=create,
                on_cell=lambda cells, jobs: tell(f"{plural(cells, 'cell')} and {plural(jobs, 'job')}"),
            )
    with file_progress(state, f"reading {grid.data}") as progress:
        return Session.open(request, state.registry(), setup, grid.workspace, on_image=progress)


def _asked(grid: GridOptions, state: State, create: bool) -> tuple[Request, Setup]:
    """What is asked for, and on what; nothing is planned yet."""
    from dqbench.plan.own_data import find_own

    given = _given(grid, state, create)
    asked, settings = replayed(parts("--method", grid.method))
    methods = [*state.registry().methods_named(asked), *given]
    names = parts("--task", grid.task)
    if not methods or not names:
        raise UsageError(f"give {'--task' if methods else '--method or --ids'} …; see: dqbench run --help")
    tasks = [state.registry().tasks[name] for name in names]
    own = find_own(grid.data, grid.size, tasks, grid.skip_unreadable)
    return _request(grid, methods, given, own, settings), _setup(grid)


def _request(
    grid: GridOptions, methods: list[str], given: list[str], own: OwnData | None, settings: list[str]
) -> Request:
    from dqbench.plan.recipe_file import recipe_named
    from dqbench.plan.request import Request

    return Request(
        tasks=parts("--task", grid.task),
        methods=tuple(methods),
        given=tuple(given),
        keeps=parts("--keep", grid.keep),
        ipcs=parts("--ipc", grid.ipc),
        archs=parts("--arch", grid.arch),
        seeds=grid.seeds,
        profile=grid.profile,
        settings=(*(grid.set_ or ()), *settings),
        best_epoch=grid.best_epoch,
        labels=parts("--labels", grid.labels),
        recipe=None if grid.recipe is None else recipe_named(grid.recipe),
        recipe_file=None if grid.recipe is None else Path(grid.recipe),
        data=own,
        byte_budgets=parts("--bytes", grid.bytes_),
        token_budgets=parts("--tokens", grid.tokens),
        allow_code=grid.allow_code,
        precision=grid.precision,
    )


def _setup(grid: GridOptions) -> Setup:
    from dqbench import durations
    from dqbench.executors.clusters import choose
    from dqbench.runner.setup import Setup, parse_gpus

    cluster = choose(grid.executor, grid.ray_address, grid.slurm or ())
    return Setup(
        device=grid.device,
        gpus=parse_gpus(grid.gpus),
        threads=grid.threads,
        retry_failed=grid.retry_failed,
        max_retries=grid.max_retries,
        cluster=cluster,
        gpus_per_job=grid.gpus_per_job,
        time_limit_s=durations.parse(grid.time_limit, "--time-limit") if grid.time_limit else None,
        rerun=parts("--rerun", grid.rerun),
        box_s=durations.parse(grid.for_, "--for") if grid.for_ else None,
    )


def _given(grid: GridOptions, state: State, create: bool) -> list[str]:
    """Load the sets of ``--ids`` as methods; gives their names.

    Raises:
        UsageError: one that is no use.
    """
    if not grid.ids:
        return []
    from dqbench import given
    from dqbench.data.given_images import pack
    from dqbench.data.info import data_root

    into = data_root() / "given" if create else Path(tempfile.mkdtemp())
    if not create:
        atexit.register(shutil.rmtree, into, ignore_errors=True)
    files = [pack(path, into) if path.is_dir() else path for path in grid.ids]
    for path in files:
        if not given.is_given(path):
            raise UsageError(f"--ids {path} is none of {', '.join(given.SUFFIXES)} and no folder")
    state.plugin_files = (*state.plugin_files, *files)
    return list(dict.fromkeys(given.read(path).name for path in files))
