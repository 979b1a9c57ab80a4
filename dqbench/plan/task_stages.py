"""What the stages of a task need before anything is planned: data sets, libraries and networks. Imports no torch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

from dqbench.data.companion import Companion, read_companion
from dqbench.errors import PLUGIN_FAULTS, UsageError, fault_of
from dqbench.jobs import job
from dqbench.records import CompanionFacts
from dqbench.registry import Registry
from dqbench.specs import JobSpec, Stage, load_target

Companions = Mapping[str, Companion | None]
"""By name; None where a stand-in is made."""


def companions_of(stages: Sequence[Stage], best_epoch: bool) -> Companions:
    """The data sets that stages read, after all their checks.

    Raises:
        UsageError: one is not there and nothing can stand in, a job's libraries are not there, or ``best_epoch`` is
            asked for where a stage goes on from the last epoch's network.
    """
    if best_epoch and any(stage.after_training for stage in stages):
        raise UsageError("--best-epoch is not for this task: its stages go on from the last epoch's network alone")
    found = {stage.dataset: read_companion(stage.dataset) for stage in stages if stage.dataset}
    for stage in stages:
        companion = found.get(stage.dataset) if stage.dataset else None
        if stage.dataset and companion is None and not stage.stand_in:
            raise UsageError(f"{stage.dataset} is not there; run: dqbench data import {stage.dataset} DIR")
        if stage.check:
            load_target(stage.check)(companion)
    return found


def check_kinds(stages: Sequence[Stage], registry: Registry) -> None:
    """Refuse stages of a kind that there is none of, and import those of plugins.

    Raises:
        UsageError: nobody brings the kind, or its function cannot be imported or called.
    """
    for stage in stages:
        if stage.kind in job.VERSIONS:
            continue
        check_job(registry.jobs[stage.kind])


def check_job(spec: JobSpec) -> None:
    """Import a kind's function and hold its signature against what it is called with.

    Raises:
        UsageError: it cannot be imported or called.
    """
    try:
        inspect.signature(load_target(spec.target)).bind("work", "out")
    except TypeError as error:
        raise UsageError(f"kind of job {spec.name}: {spec.target} cannot be called with (work, out): {error}") from None
    except UsageError as error:
        raise UsageError(f"kind of job {spec.name}: {error}") from error
    except PLUGIN_FAULTS as error:
        raise UsageError(f"kind of job {spec.name}: {spec.target} cannot be imported: {fault_of(error)}") from error


def check_archs(stages: Sequence[Stage], archs: Sequence[str]) -> None:
    """Networks that a stage cannot go on from are a UsageError."""
    for stage in stages:
        unfit = [arch for arch in archs if stage.archs and arch not in stage.archs]
        if unfit:
            raise UsageError(f"this task's {stage.kind} goes on from {', '.join(stage.archs)}, not {unfit[0]}")


def companion_facts(stages: Sequence[Stage], companions: Companions) -> tuple[CompanionFacts, ...]:
    """What records say of the data that stages read."""
    facts = {}
    for stage in stages:
        if stage.dataset:
            found = companions[stage.dataset]
            facts[stage.dataset] = (
                CompanionFacts(
                    name=found.name,
                    provenance=found.provenance,
                    hash=found.hash,
                    note=found.note,
                    scored=found.facts.get("test_images", 0),
                )
                if found
                else CompanionFacts(name=stage.dataset, provenance="generated", hash="", note=stage.stand_in)
            )
    return tuple(facts.values())
