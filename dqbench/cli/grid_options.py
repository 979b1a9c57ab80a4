"""The options that ask for a grid: ``run`` and ``plan`` share them, and ``--config FILE`` has the same keys."""

from __future__ import annotations

import atexit
import inspect
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from dqbench.cli.config_file import use_config
from dqbench.cli.file_progress import file_progress
from dqbench.cli.waiting import waiting
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.cli.state import State
    from dqbench.runner.session import Session

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Workspace = Annotated[
    Path, typer.Option(envvar="DQBENCH_WORKSPACE", help="Where artifacts, logs and records go, and are found again.")
]


@dataclass(frozen=True)
class GridOptions:
    """What the command line says of a grid and of how to run it."""

    method: Annotated[list[str] | None, typer.Option(help="A method; repeatable. random and full always run.")] = None
    task: Annotated[list[str] | None, typer.Option(help="A task; repeatable.")] = None
    ids: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE|DIR",
            help="Score your own choice beside: a .txt, .csv, .json or .npy of ids, or a folder of images; repeatable.",
        ),
    ] = None
    keep: Annotated[list[str] | None, typer.Option(help="A keep ratio in (0, 1]; repeatable.")] = None
    ipc: Annotated[list[str] | None, typer.Option(help="Images per class to keep; repeatable.")] = None
    bytes_: Annotated[
        list[str] | None,
        typer.Option("--bytes", help="Bytes of images, patches, masks, labels and keys, e.g. 2MB; repeatable."),
    ] = None
    arch: Annotated[list[str] | None, typer.Option(help="An architecture to train; repeatable.")] = None
    seeds: Annotated[
        str | None, typer.Option(metavar="N|START:STOP", help="How many seeds, or which: 5:10 is 5, 6, 7, 8 and 9.")
    ] = None
    profile: Annotated[
        str | None, typer.Option(help="smoke, proxy, quick or paper; without it smoke on a CPU, quick on a GPU.")
    ] = None
    precision: Annotated[
        str | None,
        typer.Option(help="auto, fp32 or bf16; without it the profile's: mostly bf16 on a GPU and fp32 on a CPU."),
    ] = None
    labels: Annotated[
        list[str] | None,
        typer.Option(help="What networks learn from: hard, soft (stored) or teacher (live); repeatable."),
    ] = None
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE.yaml", help="Train every architecture by this recipe, known or your own."),
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE.npz", help="Your own images, for tasks that run on them: folder-xarch."),
    ] = None
    size: Annotated[
        int | None, typer.Option(min=1, help="Side in pixels to which a folder of --data is decoded; 64 by default.")
    ] = None
    skip_unreadable: Annotated[bool, typer.Option(help="Leave out images of --data that cannot be read.")] = False
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="An option, e.g. adq.alpha=0.6, dq.bins=5,10 (a sweep) or data.noise=0.2; repeatable."
        ),
    ] = None
    best_epoch: Annotated[bool, typer.Option(help="Also score snapshots and record the best, as papers do.")] = False
    device: Device = "auto"
    gpus: Annotated[str | None, typer.Option(metavar="0,1,…", help="Use these of the visible GPUs only.")] = None
    gpus_per_job: Annotated[
        int, typer.Option(min=1, help="GPUs that one training shares, where its recipe has passes (ImageNet's do).")
    ] = 1
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads for all jobs together.")] = None
    executor: Annotated[str, typer.Option(help="What runs the jobs: local, ray or slurm (each an extra).")] = "local"
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A running Ray cluster, or auto; default RAY_ADDRESS."),
    ] = None
    slurm: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of sbatch, e.g. partition=gpu; repeatable."),
    ] = None
    workspace: Workspace = Path("dqbench-out")
    retry_failed: Annotated[bool, typer.Option(help="Try cells again that failed in an earlier run.")] = True
    rerun: Annotated[
        list[str] | None,
        typer.Option(metavar="METHOD|TASK", help="Do its cells again, whether they are done or not; repeatable."),
    ] = None
    max_retries: Annotated[int, typer.Option(min=0, help="Try a failed job so often again within this run.")] = 0
    time_limit: Annotated[
        str | None,
        typer.Option(metavar="25m|4h|…", help="Stop any job that runs longer; else only one that makes no steps."),
    ] = None
    for_: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="25m|4h|…",
            help="Start no job that is not expected to end within so long; the same command goes on.",
        ),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", is_eager=True, callback=use_config, help="Take options from a YAML file as well."),
    ] = None

    def open(self, state: State, *, create: bool) -> Session:
        """Plan what was asked for, on its workspace; without ``create`` nothing is made on disk.

        Raises:
            UsageError: anything wrong with the request, the data, the devices or the workspace.
        """
        from dqbench import durations
        from dqbench.executors.clusters import choose
        from dqbench.plan.own_data import find_own
        from dqbench.plan.recipe_file import recipe_named
        from dqbench.plan.request import Request
        from dqbench.runner.session import Session
        from dqbench.runner.setup import Setup, parse_gpus

        given = self._given(state, create)
        methods, task_names = [*(self.method or ()), *given], self.task or []
        if not methods or not task_names:
            raise UsageError(f"give {'--task' if methods else '--method or --ids'} …; see: dqbench run --help")
        tasks = [state.registry().tasks[name] for name in task_names]
        own = find_own(self.data, self.size, tasks, self.skip_unreadable)
        request = Request(
            tasks=tuple(task_names),
            methods=tuple(methods),
            given=tuple(given),
            keeps=tuple(self.keep or ()),
            ipcs=tuple(self.ipc or ()),
            archs=tuple(self.arch or ()),
            seeds=self.seeds,
            profile=self.profile,
            settings=tuple(self.set_ or ()),
            best_epoch=self.best_epoch,
            labels=tuple(self.labels or ()),
            recipe=None if self.recipe is None else recipe_named(self.recipe),
            data=own,
            byte_budgets=tuple(self.bytes_ or ()),
            precision=self.precision,
        )
        cluster = choose(self.executor, self.ray_address, self.slurm or ())
        gpus = parse_gpus(self.gpus)
        setup = Setup(
            device=self.device,
            gpus=gpus,
            threads=self.threads,
            retry_failed=self.retry_failed,
            max_retries=self.max_retries,
            cluster=cluster,
            gpus_per_job=self.gpus_per_job,
            time_limit_s=durations.parse(self.time_limit, "--time-limit") if self.time_limit else None,
            rerun=tuple(self.rerun or ()),
            box_s=durations.parse(self.for_, "--for") if self.for_ else None,
        )
        if own is None or own.listed is None or not create:
            with waiting(state, "planning") as tell:
                return Session.open(
                    request,
                    state.registry(),
                    setup,
                    self.workspace,
                    create=create,
                    on_cell=lambda cells, jobs: tell(f"{cells:,} cells and {jobs:,} jobs"),
                )
        with file_progress(state, f"reading {self.data}") as progress:
            return Session.open(request, state.registry(), setup, self.workspace, on_image=progress)

    def _given(self, state: State, create: bool) -> list[str]:
        """Load the sets of ``--ids`` as methods; gives their names.

        Raises:
            UsageError: one that is no use.
        """
        if not self.ids:
            return []
        from dqbench import given
        from dqbench.data.given_images import pack
        from dqbench.data.info import data_root

        into = data_root() / "given" if create else Path(tempfile.mkdtemp())
        if not create:
            atexit.register(shutil.rmtree, into, ignore_errors=True)
        files = [pack(path, into) if path.is_dir() else path for path in self.ids]
        for path in files:
            if not given.is_given(path):
                raise UsageError(f"--ids {path} is none of {', '.join(given.SUFFIXES)} and no folder")
        state.plugin_files = (*state.plugin_files, *files)
        return list(dict.fromkeys(given.read(path).name for path in files))


def with_grid_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give ``command(ctx, grid, *, own options)`` the options of :class:`GridOptions` besides its own."""
    hints = get_type_hints(GridOptions, include_extras=True)

    def called(ctx: typer.Context, **values: Any) -> int:
        grid = GridOptions(**{name: values.pop(name) for name in hints})
        return command(ctx, grid, **values)

    context, _, *own = inspect.signature(command, eval_str=True).parameters.values()
    shared = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(GridOptions)
    ]
    called.__signature__ = inspect.Signature([context, *shared, *own])  # type: ignore[attr-defined]
    called.__doc__, called.__name__ = command.__doc__, command.__name__
    called.__annotations__ = {}
    return called
