"""A choice from shards: checked, planned and priced before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dqbench.data.image_shards import are_image_shards, open_image_shards
from dqbench.data.shards import Shards, open_shards
from dqbench.errors import UsageError
from dqbench.jobs.admit import binds_classes
from dqbench.jobs.job import Job
from dqbench.own_images.write import check_out
from dqbench.plan.shard_jobs import PARTITION_ROWS, Rounds, ShardPlan, plan_rounds
from dqbench.plan.shard_observer import Looking, observer_jobs
from dqbench.plugins import Registry
from dqbench.shards.costs import SUPPOSED_WIDTH, Costs, tried
from dqbench.specs import Budget, Config, MethodSpec


@dataclass(frozen=True)
class Order:
    """What to keep of which shards, where; see ``dqbench compress --help``. ``looking`` is for shards of images."""

    data: Path
    out: Path
    workspace: Path
    method: MethodSpec
    config: Config
    budget: Budget
    seed: int = 0
    partition_rows: int | None = None
    candidates: int | None = None
    looking: Looking | None = None


@dataclass(frozen=True)
class Choice:
    """An order, planned.

    Attributes:
        order: what was asked for.
        shards: what is chosen from.
        plan: the jobs.
        costs: what they are expected to take.
    """

    order: Order
    shards: Shards
    plan: ShardPlan
    costs: Costs

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs by key, with what they are expected to take."""
        return {key: self.costs.sized(job) for key, job in self.plan.jobs.items()}

    @property
    def partitions(self) -> int:
        """The most partitions that a group has."""
        return max(len(group.parts) for group in self.plan.groups)

    @property
    def rounds(self) -> int:
        """1 where every group is one partition, which is exact; else 2."""
        return 1 if self.partitions == 1 else 2

    @property
    def words(self) -> str:
        """How it is chosen, in a sentence."""
        groups = f"each of {len(self.plan.groups)} classes" if len(self.plan.groups) > 1 else "all rows"
        if self.rounds == 1:
            return f"one round: {groups} as one partition, which is exact"
        merged = [group for group in self.plan.groups if len(group.parts) > 1]
        offered = max(sum(group.offered) for group in merged)
        return (
            f"two rounds, an approximation: {groups} in up to {self.partitions} partitions of up to "
            f"{max(max(group.parts) for group in merged):,} rows, then among up to {offered:,} candidates"
        )


def open_choice(order: Order, registry: Registry) -> Choice:
    """Read headers and labels, plan the jobs, and try the method on a few made rows.

    Raises:
        UsageError: the shards, the method, the budget or the output folder are not usable.
    """
    check_out(order.out)
    _check_outside(order)
    _check_method(order.method, registry)
    shards = open_image_shards(order.data) if are_image_shards(order.data) else open_shards(order.data)
    rounds = Rounds(
        order.method,
        order.config,
        order.budget,
        order.seed,
        registry.code(order.method),
        binds_classes(order.method, order.config),
        PARTITION_ROWS if order.partition_rows is None else order.partition_rows,
        order.candidates,
    )
    plan = plan_rounds(shards, rounds, observer_jobs(shards, order.looking) if order.looking else None)
    return Choice(order, shards, plan, tried(plan, shards.width or SUPPOSED_WIDTH, registry))


def _check_outside(order: Order) -> None:
    for what, folder in (("--out", order.out), ("--workspace", order.workspace)):
        if order.data.resolve() in (folder.resolve(), *folder.resolve().parents):
            raise UsageError(f"{folder} lies in {order.data}, the folder of the shards; choose another {what}")


def _check_method(method: MethodSpec, registry: Registry) -> None:
    """Only greedy orders can be chosen in two rounds with a meaning; the others are for one machine."""
    if not (method.orders and method.stops):
        fitting = ", ".join(one.name for one in registry.methods if one.orders and one.stops)
        raise UsageError(
            f"{method.name} is no greedy order of features, which is what choosing in partitions approximates; use one "
            f"of {fitting}, or give the features in one file with --features"
        )
