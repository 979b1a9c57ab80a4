"""From the results of jobs to the record of a cell."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dqbench.plan.plan import Plan, PlannedCell, PlannedRun
from dqbench.plugins import Registry
from dqbench.records import Failure, JobFacts, Machine, Record, Run
from dqbench.references import FULL
from dqbench.runner.versions import code_behind, versions

Result = Mapping[str, Any]


def done_record(
    planned: PlannedCell, plan: Plan, results: Mapping[str, Result], registry: Registry, command: str
) -> Record:
    """The record of a cell whose jobs are all done; ``results`` holds each job's ``result.json`` by key."""
    runs = [run_of(run, results) for run in planned.runs]
    return _record(planned, plan, results, registry, command, status="done", runs=runs)


def failed_record(
    planned: PlannedCell,
    plan: Plan,
    results: Mapping[str, Result],
    registry: Registry,
    command: str,
    failures: list[Failure],
) -> Record:
    """The record of a cell with failed jobs: why each failed, and the seeds that did finish."""
    runs = [run_of(run, results) for run in planned.runs if all(key in results for key in run.keys)]
    return _record(planned, plan, results, registry, command, status="failed", runs=runs, failures=failures)


def _record(
    planned: PlannedCell, plan: Plan, results: Mapping[str, Result], registry: Registry, command: str, **rest: Any
) -> Record:
    keys = dict.fromkeys(key for run in planned.runs for key in run.keys if key in results)
    jobs = {key: facts_of(plan.jobs[key].kind, results[key]) for key in keys}
    cell, kinds = planned.cell, {plan.jobs[key].kind: plan.jobs[key].version for key in jobs}
    last = next((results[run.evaluate] for run in planned.runs if run.evaluate in results), {})
    return Record(
        key=planned.key,
        cell=cell,
        source=planned.source,
        jobs=jobs,
        versions=versions(
            registry,
            None if cell.method == FULL else cell.method,
            registry.tasks[cell.task],
            last.get("cuda"),
            code_behind(registry, cell),
            kinds,
        ),
        machine=Machine(
            device=last.get("device", "unknown"),
            cpu=_cpu(),
            cores=os.cpu_count() or 1,
            threads=plan.jobs[planned.runs[0].evaluate].needs.threads,
        ),
        started=min((job.started for job in jobs.values()), default=""),
        ended=max((job.ended for job in jobs.values()), default=""),
        command=command,
        planned=planned.planned_seeds,
        **rest,
    )


def run_of(run: PlannedRun, results: Mapping[str, Result]) -> Run:
    """One seed of a record, of the results of its jobs by key."""
    evaluate = results[run.evaluate]["facts"]
    train = results[run.jobs["train"][0]]["facts"] if "train" in run.jobs else evaluate["used"]
    staged = [results[key]["facts"] for key in run.stages]
    last = next((run.jobs[role][0] for role in ("pixels", "compress") if role in run.jobs), None)
    kept = results[last]["facts"] if last else {}
    return Run(
        seed=run.seed,
        score=evaluate["score"],
        metrics=evaluate["metrics"],
        best_epoch_score=evaluate["best_epoch_score"],
        test_reads=_test_reads([evaluate, *staged]),
        curve=train["curve"],
        samples=train["samples"],
        bytes=train["bytes"],
        bytes_parts=train.get("bytes_parts", {}),
        kept_pixels=kept.get("kept_pixels"),
        updates=train["updates"],
        kept_hash=kept.get("kept_hash"),
        notes={
            **{name: note for facts in (kept, train, *staged) for name, note in facts.get("notes", {}).items()},
            **_selection_flops(run, results),
        },
        jobs={role: list(keys) for role, keys in run.jobs.items()},
    )


def _selection_flops(run: PlannedRun, results: Mapping[str, Result]) -> dict[str, float]:
    """What choosing took of networks, where jobs count it: training the observer, and going through the source."""
    facts = [results[key]["facts"] for role in ("observer", "observe") for key in run.jobs.get(role, ())]
    counted = [one.get("flops") or one.get("notes", {}).get("training_flops") for one in facts]
    flops = [number for number in counted if number]
    return {"selection_flops": sum(flops)} if flops else {}


def _test_reads(facts: Sequence[Mapping[str, Any]]) -> int | None:
    noted = [one["test_reads"] for one in facts if one.get("test_reads") is not None]
    return sum(noted) if noted else None


def facts_of(kind: str, result: Result) -> JobFacts:
    """What a job took, of its result."""
    return JobFacts(
        kind=kind,
        wall_s=result["wall_s"],
        peak_host_gib=result["peak_host_gib"],
        peak_device_gib=result["peak_device_gib"],
        device=result["device"],
        started=result["started"],
        ended=result["ended"],
    )


@cache
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
