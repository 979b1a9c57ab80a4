"""From finished jobs to records: the record of each cell is written as soon as its last job is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dqbench import records
from dqbench.errors import UsageError
from dqbench.jobs.job import Job
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.plan.request import Request
from dqbench.plugins import Registry
from dqbench.records import Failure, Record
from dqbench.references import FULL
from dqbench.runner import record_of
from dqbench.runner.events import CellEnded, Event, Finished, Redone
from dqbench.runner.scheduler import Outcome
from dqbench.workspace.failures import JobFailure
from dqbench.workspace.workspace import Workspace


@dataclass
class CellWriter:
    """Listens to a run and writes the records of ``cells``.

    Attributes:
        cells: the cells that are to be made.
        on_record: called with each record and its path.
        tell: called with each event, and at the end of each cell.
    """

    cells: list[PlannedCell]
    plan: Plan
    workspace: Workspace
    registry: Registry
    request: Request
    on_record: Callable[[Record, Path], None]
    tell: Callable[[Event], None]

    def __post_init__(self) -> None:
        self._waiting = {cell.key: {key for run in cell.runs for key in run.keys} for cell in self.cells}
        self.redone: set[str] = set()
        self._unwritten: list[OSError] = []
        self._cells_of: dict[str, list[PlannedCell]] = defaultdict(list)
        for cell in self.cells:
            for key in self._waiting[cell.key]:
                self._cells_of[key].append(cell)

    def begin(self) -> None:
        """Drop what is damaged, and write the records of cells whose jobs are all done already."""
        there = self.workspace.done_folders()
        for job in jobs_of(self.plan, self.cells).values():
            if job.folder in there and not _readable(self.workspace, job):
                self.workspace.discard(job)
                there.discard(job.folder)
                self._again(Redone(job, "damaged: result.json"))
        for key in list(self._cells_of):
            if self.plan.jobs[key].folder in there:
                self._arrived(key)

    def __call__(self, event: Event) -> None:
        """Note an event of the scheduler."""
        if isinstance(event, Redone):
            self._again(event)
            return
        self.tell(event)
        if isinstance(event, Finished):
            self._arrived(event.job.key)

    def _again(self, event: Redone) -> None:
        """A job that was done is not: its cells wait for it."""
        self.redone.add(event.job.key)
        for cell in self._cells_of[event.job.key]:
            self._waiting[cell.key].add(event.job.key)
        self.tell(event)

    def end(self, outcome: Outcome) -> None:
        """Write what is left: cells done by another runner, and those that failed; not those that had no time.

        Raises:
            OSError: a record could not be written, now or before.
        """
        for key in outcome.done & set(self._cells_of):
            self._arrived(key)
        for cell in self.cells:
            causes = list(_causes(cell, outcome)) if self._waiting[cell.key] else []
            if causes or self._waiting[cell.key] - outcome.left:
                self._write_failed(cell, causes)
        if self._unwritten:
            raise self._unwritten[0]

    def _arrived(self, key: str) -> None:
        for cell in self._cells_of[key]:
            if key in self._waiting[cell.key]:
                self._waiting[cell.key].discard(key)
                if not self._waiting[cell.key]:
                    self._write_done(cell)

    def _write_done(self, cell: PlannedCell) -> None:
        command = self.request.command(cell.cell.profile, self.registry.files)
        record = record_of.done_record(cell, self.plan, self._results(cell), self.registry, command)
        self._keep(record)
        scores = tuple(run.score for run in record.runs)
        self.tell(CellEnded(name_of(cell), scores=scores, decimals=record.cell.measure.decimals + 1))

    def _write_failed(self, cell: PlannedCell, failures: list[Failure]) -> None:
        command = self.request.command(cell.cell.profile, self.registry.files)
        self._keep(record_of.failed_record(cell, self.plan, self._results(cell), self.registry, command, failures))
        why = f"{failures[0].error}: {failures[0].message}" if failures else "a job that it needs failed"
        self.tell(CellEnded(name_of(cell), failed=why))

    def _results(self, cell: PlannedCell) -> dict[str, record_of.Result]:
        jobs = jobs_of(self.plan, [cell])
        return {key: self.workspace.result(job) for key, job in jobs.items() if self.workspace.has(job)}

    def _keep(self, record: Record) -> None:
        """Write a record; one of the same cell that other code or data made is out of date, and goes."""
        try:
            path = records.write(record, self.workspace.records)
        except OSError as error:  # a full disk must not stop the others
            self._unwritten.append(error)
            return
        for other in path.parent.glob(path.name.replace(record.key[:10], "*")):
            if other != path and _is_of_one_cell(records.read(other), record):
                other.unlink()
        self.on_record(record, path)


def jobs_of(plan: Plan, cells: Iterable[PlannedCell]) -> dict[str, Job]:
    """Every job on the paths of the cells, by key."""
    keys = dict.fromkeys(key for cell in cells for run in cell.runs for key in run.keys)
    return {key: plan.jobs[key] for key in keys}


def name_of(planned: PlannedCell) -> str:
    """A cell in words."""
    cell = planned.cell
    return (
        f"{cell.task} {cell.row} {cell.arch}"
        if cell.method == FULL
        else " ".join((cell.task, cell.row, str(cell.budget), cell.arch))
    )


def _readable(workspace: Workspace, job: Job) -> bool:
    try:
        workspace.result(job)
    except UsageError:
        return False
    return True


def _causes(cell: PlannedCell, outcome: Outcome) -> Iterator[Failure]:
    failed: Mapping[str, JobFailure] = outcome.failed
    for run in cell.runs:
        causes = dict.fromkeys(outcome.skipped.get(key, key) for key in run.keys)
        for cause in causes:
            if cause in failed:
                yield _failure(run.seed, failed[cause])


def _failure(seed: int, failure: JobFailure) -> Failure:
    return Failure(
        seed=seed,
        job=failure.key,
        kind=failure.kind,
        error=failure.error,
        message=failure.message,
        log_tail=list(failure.log_tail),
    )


def _is_of_one_cell(one: Record, other: Record) -> bool:
    """Whether both measured the same, by recipes of the same names; of one's own images also on the same ones."""
    named = [
        {**dict(each.cell), **{role: recipe and recipe.name for role, recipe in each.cell.recipes().items()}}
        for each in (one, other)
    ]
    return named[0] == named[1] and one.source.dataset == other.source.dataset
