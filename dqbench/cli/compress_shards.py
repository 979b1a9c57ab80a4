"""``dqbench compress`` on a folder of shards: jobs on this machine, a Ray cluster or Slurm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqbench.cli.state import State
from dqbench.errors import UsageError

if TYPE_CHECKING:
    from dqbench.plan.shard_observer import Looking
    from dqbench.runner.setup import Setup
    from dqbench.shards.choice import Choice, Order

EPOCHS = 10
"""Of an observer's training, without --epochs."""
MANY = 1 << 20
"""Samples of shards are taken to be enough for the observer's usual batches."""
WORKSPACE = Path("dqbench-out")


@dataclass(frozen=True)
class ShardOptions:
    """Options of ``dqbench compress`` that are for shards alone."""

    workspace: Path | None
    executor: str | None
    ray_address: str | None
    slurm: list[str] | None
    partition_rows: int | None
    candidates: int | None
    dry_run: bool

    @property
    def given(self) -> list[str]:
        """The names of those that were given, but for the workspace, which a variable may name."""
        asked = {
            "--executor": self.executor, "--ray-address": self.ray_address, "--slurm": self.slurm,
            "--partition-rows": self.partition_rows, "--candidates": self.candidates, "--dry-run": self.dry_run,
        }  # fmt: skip
        return [name for name, value in asked.items() if value]


def hold_shards(data: Path | None, options: ShardOptions) -> bool:
    """Whether ``--data`` is a folder of shards.

    Raises:
        UsageError: it is not, and options for shards are given.
    """
    from dqbench.data.image_shards import are_image_shards
    from dqbench.data.shards import are_shards

    if data is not None and (are_shards(data) or (options.given and are_image_shards(data))):
        return True
    if options.given:
        raise UsageError(
            f"{options.given[0]} is for shards, a folder of .npy embeddings (n, d), parquet or tars of images; "
            f"{data or 'no --data'} is none"
        )
    return False


def compress_shards(
    state: State,
    order: Order,
    options: ShardOptions,
    device: str,
    others: Mapping[str, Any],
    looks: Mapping[str, Any],
) -> None:
    """Choose from shards, or say beforehand what that takes.

    Args:
        state: of the command.
        order: what to keep, without how images are looked at.
        options: of shards alone.
        device: ``auto``, ``cpu`` or ``cuda``.
        others: options that are not for shards, by name.
        looks: ``--observer``, ``--size`` and ``--epochs``, which are for shards of images.

    Raises:
        UsageError: an option for others, or what :mod:`dqbench.shards` refuses.
    """
    from dqbench.executors.clusters import choose
    from dqbench.progress.progress import Progress
    from dqbench.runner.setup import Setup
    from dqbench.shards.carry_out import carry_out
    from dqbench.shards.choice import open_choice

    setup = Setup(device=device, cluster=choose(options.executor or "local", options.ray_address, options.slurm or ()))
    choice = open_choice(_completed(state, order, setup, others, looks), state.registry())
    if options.dry_run:
        _forecast(state, choice)
        return
    if not state.json:
        state.messages.print(choice.words, soft_wrap=True)
    with Progress(state.messages, quiet=state.json) as progress:
        facts = carry_out(choice, setup, state.registry(), progress)
    if state.json:
        state.print_json(facts)
        return
    state.console.print(
        f"kept {facts['kept']:,} of {facts['samples']:,} samples with {facts['method']}, in {facts['how']}; at most "
        f"{facts['peak_host_gib']:.2f} GiB a job; manifest: {order.out / 'manifest.csv'}",
        soft_wrap=True,
    )


def _completed(state: State, order: Order, setup: Setup, others: Mapping[str, Any], looks: Mapping[str, Any]) -> Order:
    """The order with how images are looked at, where shards hold some."""
    from dqbench.data.image_shards import are_image_shards

    images = are_image_shards(order.data)
    wrong = [name for name, value in {**others, **({} if images else looks)}.items() if value]
    if wrong:
        raise UsageError(f"{wrong[0]} is not for shards of {'images' if images else 'embeddings'}; leave it out")
    return replace(order, looking=_looking(state, order, setup.devices().kind, looks)) if images else order


def _looking(state: State, order: Order, device: str, looks: Mapping[str, Any]) -> Looking:
    from dqbench.data.folder import DEFAULT_SIZE, check_size
    from dqbench.own_images.keep import DEFAULT_OBSERVER, observer_recipe
    from dqbench.plan.shard_observer import Looking
    from dqbench.specs import ObserverSpec

    side, arch = looks["--size"] or DEFAULT_SIZE, looks["--observer"] or DEFAULT_OBSERVER[device]
    check_size(side)
    code = state.registry().code(state.registry().archs[arch])
    recipe = observer_recipe(looks["--epochs"] or EPOCHS, MANY)
    return Looking(ObserverSpec(arch, recipe), side, order.seed, device, code)


def _forecast(state: State, choice: Choice) -> None:
    from dqbench.durations import clock
    from dqbench.shards.costs import TRIALS
    from dqbench.shards.forecast import forecast

    found = forecast(choice)
    if state.json:
        state.print_json(found)
        return
    state.console.print(choice.words, soft_wrap=True)
    state.console.print(
        f"{found['jobs']:,} jobs, {found['jobs_there']:,} of them done before; each takes up to about "
        f"{found['gib_a_job']:.1f} GiB",
        soft_wrap=True,
    )
    for workers, seconds in found["seconds_by_workers"].items():
        state.console.print(f"on {workers} core{'s' * (int(workers) > 1)}: about {clock(seconds)}")
    state.console.print(f"guessed from trials on up to {max(TRIALS)[0]:,} made rows here", soft_wrap=True)
