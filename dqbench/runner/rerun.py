"""``--rerun METHOD|TASK``: cells that are done again on purpose, and the jobs that are theirs. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dqbench.errors import UsageError, unknown_name
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.workspace.workspace import Workspace

_OF_NO_METHOD = ("observer", "observe", "teacher", "pretrain")
"""Roles of jobs that serve whichever method comes."""


@dataclass(frozen=True)
class Rerun:
    """What is done again.

    Attributes:
        cells: keys of the cells.
        jobs: keys of the jobs on their paths that no other cell of the plan needs; of a method without its observers.
    """

    cells: frozenset[str] = frozenset()
    jobs: frozenset[str] = frozenset()


def rerun(names: Sequence[str], plan: Plan) -> Rerun:
    """What these methods and tasks stand for in a plan.

    Raises:
        UsageError: a name that is neither a method nor a task of it.
    """
    tasks = {planned.cell.task for planned in plan.cells}
    known = tasks | {planned.cell.method for planned in plan.cells}
    for name in names:
        if name not in known:
            raise unknown_name("method or task of this run in --rerun", name, known)
    whole = tasks.intersection(names)
    chosen = [one for one in plan.cells if one.cell.task in whole or one.cell.method in names]
    keys = {one.key for one in chosen}
    others = {key for one in plan.cells if one.key not in keys for run in one.runs for key in run.keys}
    jobs = {key for one in chosen for key in _own(one, whole)}
    return Rerun(frozenset(keys), frozenset(jobs - others))


def _own(planned: PlannedCell, tasks: Iterable[str]) -> set[str]:
    left_out = () if planned.cell.task in tasks else _OF_NO_METHOD
    return {key for run in planned.runs for role, keys in run.jobs.items() if role not in left_out for key in keys}


def drop(plan: Plan, keys: Iterable[str], workspace: Workspace) -> None:
    """Remove the artifacts of these jobs.

    Raises:
        UsageError: another runner is at one of them; nothing is removed then.
    """
    locks = {key: workspace.lock(plan.jobs[key]) for key in sorted(keys)}
    try:
        for key, lock in locks.items():
            if lock is None:
                job = plan.jobs[key]
                raise UsageError(f"--rerun: another run is at {job.label or job.kind}; wait for its end, or stop it")
        for key in locks:
            workspace.discard(plan.jobs[key])
    finally:
        for lock in locks.values():
            if lock is not None:
                lock.release()
