"""Carry out a choice from shards: run its jobs, put together what they chose, and write it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from dqbench import compressed
from dqbench.compressed import Subset, content_hash
from dqbench.errors import UsageError
from dqbench.executors.executor import ExecutorError
from dqbench.plugins import Registry
from dqbench.runner.events import Event
from dqbench.runner.scheduler import Outcome, run_jobs
from dqbench.runner.setup import Setup
from dqbench.shards.choice import Choice
from dqbench.shards.write import write
from dqbench.workspace.workspace import Workspace


def carry_out(choice: Choice, setup: Setup, registry: Registry, on_event: Callable[[Event], None]) -> dict[str, Any]:
    """Do the jobs that are not done yet and write what is kept; gives the facts that ``manifest.json`` holds.

    Raises:
        UsageError: a shard is not usable; nothing is written to the output folder.
        ExecutorError: a job failed; the same command goes on from there.
        KeyboardInterrupt: stopped by the user; what is done is kept.
    """
    started = time.perf_counter()
    workspace = Workspace(choice.order.workspace)
    devices = setup.devices()
    with setup.executor(devices, registry.files) as executor:
        outcome = run_jobs(
            choice.jobs, workspace, executor, on_event=on_event, targets=[group.key for group in choice.plan.groups],
            max_retries=setup.max_retries,
        )  # fmt: skip
    if outcome.failed:
        raise _failure(outcome, workspace, choice)
    kept = _kept(choice, workspace)
    facts = _facts(choice, kept, workspace, outcome) | {"device": devices.kind}
    write(kept, choice.shards, choice.order.out, {**facts, "seconds": round(time.perf_counter() - started, 3)})
    return facts


def _failure(outcome: Outcome, workspace: Workspace, choice: Choice) -> UsageError:
    key, failure = next(iter(outcome.failed.items()))
    if failure.error == "UsageError":
        return UsageError(failure.message)
    return ExecutorError(
        f"{failure} (log: {workspace.log(choice.plan.jobs[key])}); {len(outcome.done)} of {len(choice.plan.jobs)} jobs "
        "are done; run the same command to go on"
    )


def _kept(choice: Choice, workspace: Workspace) -> Subset:
    """What all groups kept, in their order."""
    sets = []
    for group in choice.plan.groups:
        found = compressed.load(workspace.artifact(choice.plan.jobs[group.key]))
        assert isinstance(found, Subset), "jobs of shards save subsets"
        sets.append(found)
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in sets])
        for name in ("ids", "bins", "ranks", "weights")
        if all(getattr(one, name) is not None for one in sets)
    }
    return Subset(**columns)


def _facts(choice: Choice, kept: Subset, workspace: Workspace, outcome: Outcome) -> dict[str, Any]:
    order, shards = choice.order, choice.shards
    states = [shard.words for shard in shards.shards]
    return {
        "dqbench": version("dqbench"),
        "method": order.method.name,
        "method_version": order.method.version,
        "config": order.config.model_dump(mode="json"),
        "budget": str(order.budget),
        "seed": order.seed,
        "rounds": choice.rounds,
        "approximation": choice.rounds == 2,
        "how": choice.words,
        "groups": [_group_facts(choice, i, workspace) for i in range(len(choice.plan.groups))],
        "shards": states,
        "source_hash": hashlib.sha256(json.dumps(states, sort_keys=True).encode()).hexdigest(),
        "kept_hash": content_hash(kept),
        "samples": len(shards),
        "kept": len(kept),
        "width": shards.width or None,
        "observer": _observer(choice),
        "source_bytes": len(shards) * shards.bytes_each,
        "kept_bytes": len(kept) * shards.bytes_each,
        "jobs": len(choice.plan.jobs),
        "jobs_done_before": len(choice.plan.jobs) - len(outcome.ran),
        **_measured(choice, workspace),
    }


def _observer(choice: Choice) -> dict[str, Any] | None:
    looking = choice.order.looking
    if looking is None:
        return None
    recipe = looking.observer.recipe.model_dump(mode="json")
    drawn = min(looking.drawn, len(choice.shards))
    return {"arch": looking.observer.arch, "recipe": recipe, "size": looking.side, "trained_on": drawn}


def _group_facts(choice: Choice, number: int, workspace: Workspace) -> dict[str, Any]:
    group = choice.plan.groups[number]
    facts = {
        "class": group.name, "rows": group.rows, "kept": group.keep, "partitions": len(group.parts),
        "largest_partition": max(group.parts), "candidates": sum(group.offered),
    }  # fmt: skip
    if len(group.parts) == 1:
        return facts
    merged = workspace.result(choice.plan.jobs[group.key])["facts"]
    return facts | {name: merged[name] for name in ("chosen", "objective") if name in merged}


def _measured(choice: Choice, workspace: Workspace) -> dict[str, Any]:
    """What the jobs took, whenever they ran."""
    results = [workspace.result(job) for job in choice.plan.jobs.values()]
    return {
        "job_seconds": round(sum(float(one["wall_s"]) for one in results), 3),
        "peak_host_gib": max(float(one["peak_host_gib"]) for one in results),
    }
