"""The options that ask for a grid: ``run`` and ``plan`` share them, and ``--config FILE`` has the same keys."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from dqbench.cli import completion
from dqbench.cli.config_file import use_config

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Workspace = Annotated[
    Path, typer.Option(envvar="DQBENCH_WORKSPACE", help="Where artifacts, logs and records go, and are found again.")
]


WHAT, HOW, DATA = "What to run (lists: repeated, or with commas)", "How networks learn", "Your own images"
TIME, WHERE = "What is done before, again, and for how long", "Where it runs"


def option(
    panel: str, *names: str, complete: Callable[[str], list[completion.Named]] | None = None, **facts: Any
) -> Any:
    """An option in a panel of the help, whose values a shell may complete."""
    return typer.Option(*names, rich_help_panel=panel, autocompletion=complete, **facts)


@dataclass(frozen=True)
class GridOptions:
    """What the command line says of a grid and of how to run it."""

    method: Annotated[
        list[str] | None,
        option(
            WHAT,
            metavar="NAME,…",
            complete=completion.methods,
            help="Methods, or family:NAME for all of a family; random and full always run.",
        ),
    ] = None
    task: Annotated[list[str] | None, option(WHAT, metavar="NAME,…", complete=completion.tasks, help="Tasks.")] = None
    ids: Annotated[
        list[Path] | None,
        option(
            WHAT,
            metavar="FILE|DIR",
            help="A choice of your own: ids as .txt, .csv, .json or .npy, or a folder of images; repeatable.",
        ),
    ] = None
    keep: Annotated[list[str] | None, option(WHAT, metavar="RATIO,…", help="Keep ratios in (0, 1].")] = None
    ipc: Annotated[list[str] | None, option(WHAT, metavar="N,…", help="Images per class to keep.")] = None
    bytes_: Annotated[
        list[str] | None,
        option(WHAT, "--bytes", metavar="SIZE,…", help="Bytes of images, patches, masks, labels and keys, e.g. 2MB."),
    ] = None
    arch: Annotated[
        list[str] | None,
        option(WHAT, metavar="NAME,…", complete=completion.archs, help="Architectures to train."),
    ] = None
    tokens: Annotated[
        list[str] | None, option(WHAT, metavar="SHARE,…", help="Of texts: shares of their tokens in (0, 1].")
    ] = None
    seeds: Annotated[
        str | None, option(WHAT, metavar="N|START:STOP", help="How many seeds, or which: 5:10 is 5, 6, 7, 8 and 9.")
    ] = None
    profile: Annotated[
        str | None,
        option(
            WHAT,
            metavar="NAME",
            complete=completion.profiles,
            help="smoke, proxy, quick or paper; without it smoke on a CPU, quick on a GPU.",
        ),
    ] = None
    set_: Annotated[
        list[str] | None,
        option(
            HOW,
            "--set",
            metavar="KEY=VALUE",
            help="An option, e.g. adq.alpha=0.6, dq.bins=5,10 (a sweep) or data.noise=0.2; repeatable.",
        ),
    ] = None
    labels: Annotated[
        list[str] | None,
        option(
            HOW,
            metavar="REGIME,…",
            complete=completion.words("hard", "soft", "teacher"),
            help="What networks learn from: hard, soft (stored) or teacher (live).",
        ),
    ] = None
    recipe: Annotated[
        str | None,
        option(
            HOW,
            metavar="NAME|FILE.yaml",
            complete=completion.recipes,
            help="Train every architecture by this recipe, known or your own.",
        ),
    ] = None
    precision: Annotated[
        str | None,
        option(
            HOW,
            metavar="WORD",
            complete=completion.words("auto", "fp32", "bf16"),
            help="auto, fp32 or bf16; without it the profile's: mostly bf16 on a GPU and fp32 on a CPU.",
        ),
    ] = None
    best_epoch: Annotated[
        bool, option(HOW, show_default=False, help="Also score snapshots and record the best, as papers do.")
    ] = False
    data: Annotated[
        Path | None,
        option(DATA, metavar="DIR|FILE.npz", help="Your own images, for tasks that run on them: folder-xarch."),
    ] = None
    size: Annotated[
        int | None,
        option(DATA, metavar="N", min=1, help="Side in pixels to which a folder of --data is decoded; 64 by default."),
    ] = None
    skip_unreadable: Annotated[
        bool, option(DATA, show_default=False, help="Leave out images of --data that cannot be read.")
    ] = False
    workspace: Annotated[
        Path,
        option(
            TIME,
            metavar="DIR",
            envvar="DQBENCH_WORKSPACE",
            help="Where artifacts, logs and records go, and are found again.",
        ),
    ] = Path("dqbench-out")
    for_: Annotated[
        str | None,
        option(
            TIME,
            "--for",
            metavar="25m|4h|…",
            help="Start no job that is not expected to end within so long; the same command goes on.",
        ),
    ] = None
    rerun: Annotated[
        list[str] | None,
        option(
            TIME,
            metavar="METHOD|TASK,…",
            complete=completion.again,
            help="Do their cells again, whether they are done or not.",
        ),
    ] = None
    retry_failed: Annotated[bool, option(TIME, help="Try cells again that failed in an earlier run.")] = True
    max_retries: Annotated[
        int, option(TIME, metavar="N", min=0, help="Try a failed job so often again within this run.")
    ] = 0
    time_limit: Annotated[
        str | None,
        option(TIME, metavar="25m|4h|…", help="Stop any job that runs longer; else only one that makes no steps."),
    ] = None
    config: Annotated[
        Path | None,
        option(TIME, metavar="FILE", is_eager=True, callback=use_config, help="Take options from a YAML file as well."),
    ] = None
    allow_code: Annotated[
        bool, option(HOW, help="Let HumanEval run what a language model writes, shut in: no network, no writing.")
    ] = False
    device: Annotated[
        str, option(WHERE, metavar="NAME", complete=completion.words("auto", "cpu", "cuda"), help="auto, cpu or cuda.")
    ] = "auto"
    gpus: Annotated[str | None, option(WHERE, metavar="0,1,…", help="Use these of the visible GPUs only.")] = None
    gpus_per_job: Annotated[
        int,
        option(
            WHERE,
            metavar="N",
            min=1,
            help="GPUs that one training shares, where its recipe has passes (ImageNet's do).",
        ),
    ] = 1
    threads: Annotated[int | None, option(WHERE, metavar="N", min=1, help="CPU threads for all jobs together.")] = None
    executor: Annotated[
        str,
        option(
            WHERE,
            metavar="NAME",
            complete=completion.words("local", "ray", "slurm"),
            help="What runs the jobs: local, ray or slurm (each an extra).",
        ),
    ] = "local"
    ray_address: Annotated[
        str | None,
        option(WHERE, metavar="HOST:PORT", help="A running Ray cluster, or auto; default RAY_ADDRESS."),
    ] = None
    slurm: Annotated[
        list[str] | None,
        option(WHERE, metavar="KEY=VALUE", help="An option of sbatch, e.g. partition=gpu; repeatable."),
    ] = None

    @property
    def asks_for_nothing(self) -> bool:
        """Whether neither methods nor tasks nor a set of one's own are given."""
        return not (self.method or self.task or self.ids)


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
