"""Shards to a graph of jobs: groups that have a budget of their own, their partitions, and one or two rounds of choice.

A group is a class where the method chooses inside each class, else all rows. One partition of a group is chosen from at
once, and exactly. Several offer candidates, among which a second round chooses (GreeDi).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import resolve
from dqbench.data.shards import Shards
from dqbench.errors import UsageError
from dqbench.jobs.job import Job, Needs
from dqbench.specs import Budget, Config, MethodSpec

PARTITION_ROWS = 50_000
"""Shards go together into one partition up to so many rows; a shard is never split."""

JUDGED = 2_048
"""Rows of all partitions on which the sets of a second round are judged."""


@dataclass(frozen=True)
class Rounds:
    """What is chosen, and how it is partitioned.

    Attributes:
        method: the method.
        config: its options.
        budget: as the user gave it.
        seed: of the selection.
        code: hash of the method's source code, where it is a plugin's.
        by_class: whether the method chooses inside each class.
        partition_rows: rows up to which shards go together.
        candidates: of each partition; None for as many as are kept, or as a second round no larger than the largest
            partition has room for.
    """

    method: MethodSpec
    config: Config
    budget: Budget
    seed: int = 0
    code: str = ""
    by_class: bool = True
    partition_rows: int = PARTITION_ROWS
    candidates: int | None = None


@dataclass(frozen=True)
class Group:
    """A class, or all rows.

    Attributes:
        name: of the class.
        rows: how many there are.
        keep: how many are kept.
        parts: rows of each partition.
        offered: candidates of each partition.
        key: of the job whose set is kept.
    """

    name: str
    rows: int
    keep: int
    parts: tuple[int, ...]
    offered: tuple[int, ...]
    key: str


@dataclass
class ShardPlan:
    """The graph.

    Attributes:
        jobs: by key.
        groups: in the order of the classes.
    """

    jobs: dict[str, Job] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def add(self, job: Job) -> str:
        """Take a job in; gives its key."""
        self.jobs[job.key] = job
        return job.key


def plan_rounds(shards: Shards, rounds: Rounds, embedding: Mapping[str, Job] | None = None) -> ShardPlan:
    """The jobs that choose from shards.

    Args:
        shards: what is chosen from.
        rounds: what is chosen.
        embedding: the job that makes the features of each shard, by its file, where shards hold images; all that they
            need are among them.

    Raises:
        UsageError: the budget cannot be met, or too few candidates are asked for.
    """
    names = shards.class_names if rounds.by_class else ("all",)
    labels = shards.labels if rounds.by_class else np.zeros(len(shards), dtype=np.int64)
    keeps = resolve(rounds.budget, np.bincount(shards.labels, minlength=len(shards.class_names)), rounds.seed)
    plan = ShardPlan({job.key: job for job in (embedding or {}).values()})
    embedded = {file: job.key for file, job in (embedding or {}).items()}
    counts = _counts(shards, labels, len(names))
    for number, name in enumerate(names):
        keep = int(keeps.per_class[number]) if rounds.by_class else keeps.total
        if keep:
            _plan_group(plan, _Draft(shards, rounds, embedded, number, names, keep), counts[:, number], name)
    return plan


@dataclass(frozen=True)
class _Draft:
    shards: Shards
    rounds: Rounds
    embedded: Mapping[str, str]
    number: int
    names: tuple[str, ...]
    keep: int

    def spec(self, rows: int, keep: int, **more: Any) -> dict[str, Any]:
        """What the jobs of both rounds state."""
        rounds = self.rounds
        code = {"code": rounds.code} if rounds.code else {}
        return {
            "method": rounds.method.name, "method_version": rounds.method.version, "config": rounds.config.stated(),
            **code, "budget": rounds.budget.__dict__, "seed": rounds.seed, "class": self.number,
            "classes": len(self.names), "rows": rows, "keep": keep, **more,
        }  # fmt: skip


def _plan_group(plan: ShardPlan, draft: _Draft, counts: npt.NDArray[np.int64], name: str) -> None:
    parts = _partitions(counts, draft.rounds.partition_rows)
    rows = tuple(int(counts[part].sum()) for part in parts)
    offered = (draft.keep,) if len(parts) == 1 else _offered(rows, draft.keep, draft.rounds.candidates, name)
    keys = [plan.add(_part_job(draft, part, i, rows, offered[i])) for i, part in enumerate(parts)]
    key = keys[0] if len(keys) == 1 else plan.add(_merge_job(draft, keys, sum(rows), sum(offered)))
    plan.groups.append(Group(name, sum(rows), draft.keep, rows, offered, key))


def _counts(shards: Shards, labels: npt.NDArray[np.int64], groups: int) -> npt.NDArray[np.int64]:
    """Rows of each group in each shard, shape (shards, groups)."""
    each = [labels[one.first : one.first + one.rows] for one in shards.shards]
    return np.stack([np.bincount(part, minlength=groups) for part in each])


def _partitions(counts: npt.NDArray[np.int64], limit: int) -> list[list[int]]:
    """Shards with rows of a group, those next to each other together up to ``limit`` rows."""
    parts: list[list[int]] = []
    room = 0
    for place in np.flatnonzero(counts).tolist():
        rows = int(counts[place])
        if not parts or rows > room:
            parts.append([])
            room = limit
        parts[-1].append(place)
        room -= rows
    return parts


def _offered(rows: Sequence[int], keep: int, asked: int | None, name: str) -> tuple[int, ...]:
    """Candidates of each partition: κ of GreeDi, and never more than a partition has."""
    if asked is not None:
        offered = tuple(min(one, asked) for one in rows)
        if sum(offered) < keep:
            raise UsageError(
                f"--candidates {asked} of {len(rows)} partitions are {sum(offered):,}, but {keep:,} are kept of "
                f"{name}; give {math.ceil(keep / len(rows))} or more"
            )
        return offered
    each = min(keep, max(2 * math.ceil(keep / len(rows)), max(rows) // len(rows)))
    while sum(min(one, each) for one in rows) < keep:
        each *= 2
    return tuple(min(one, each) for one in rows)


def _part_job(draft: _Draft, part: Sequence[int], number: int, rows: Sequence[int], keep: int) -> Job:
    held = [draft.shards.shards[place] for place in part]
    of_class = draft.names[draft.number] if draft.rounds.by_class and len(draft.names) > 1 else None
    here, total = rows[number], sum(rows)
    spec = draft.spec(
        here, keep, folder=str(draft.shards.folder), of_class=of_class, part=number,
        shards=[shard.words for shard in held], judged=math.ceil(JUDGED * here / total) if len(rows) > 1 else 0,
    )  # fmt: skip
    inputs = {shard.state.file: draft.embedded[shard.state.file] for shard in held if draft.embedded}
    label = f"{keep:,} of {here:,} rows{f' of {of_class}' if of_class else ''}, partition {number + 1} of {len(rows)}"
    return Job("choosepart", spec, inputs, label, Needs(gpu_gib=draft.rounds.method.gpu_gib))


def _merge_job(draft: _Draft, keys: Sequence[str], total: int, offered: int) -> Job:
    spec = draft.spec(total, draft.keep, offered=offered)
    inputs = {f"part-{i:05d}": key for i, key in enumerate(keys)}
    of_class = f" of {draft.names[draft.number]}" if len(draft.names) > 1 else ""
    label = f"{draft.keep:,} of {offered:,} candidates{of_class}"
    return Job("mergeparts", spec, inputs, label, Needs(gpu_gib=draft.rounds.method.gpu_gib))
