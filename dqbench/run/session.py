"""One run: a plan, a workspace, and what lies between: the jobs to do and the records to write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dqbench import records as records_
from dqbench.jobs.job import Job
from dqbench.plugins import Registry
from dqbench.records import Failure, Record
from dqbench.run import results
from dqbench.run.devices import Devices
from dqbench.run.events import Event, Finished
from dqbench.run.failures import JobFailure
from dqbench.run.grid import Plan, PlannedCell, Request, choose_profile, plan
from dqbench.run.local import LocalExecutor
from dqbench.run.scheduler import run_jobs
from dqbench.run.setup import Setup
from dqbench.run.workspace import Workspace


@dataclass
class Session:
    """A request, planned, on a workspace."""

    request: Request
    registry: Registry
    setup: Setup
    devices: Devices
    plan: Plan
    workspace: Workspace
    _records: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def open(
        cls, request: Request, registry: Registry, setup: Setup, workspace: Path, *, create: bool = True
    ) -> Session:
        """Plan the request and open its workspace; without ``create`` nothing is made on disk.

        Raises:
            UsageError: anything wrong with the request, the data, the devices or the workspace.
        """
        devices = setup.devices()
        planned = plan(request, registry, devices.kind)
        session = cls(request, registry, setup, devices, planned, Workspace(workspace, create=create))
        session._load_records()
        return session

    def _load_records(self) -> None:
        for planned in self.plan.cells:
            path = self.workspace.records / records_.file_name(planned.cell, planned.key)
            if path.exists():
                record = records_.read(path)
                if record.key == planned.key:
                    self._records[planned.key] = record

    def headlines(self) -> list[str]:
        """What is run on what, a line per task."""
        lines = []
        for task in dict.fromkeys(self.request.tasks):
            profile = choose_profile(self.registry.tasks[task], self.request.profile, self.devices.kind)
            cells = [planned for planned in self.plan.cells if planned.cell.task == task]
            source = cells[0].source
            data = f"{source.train_samples} training and {source.test_samples} test images of {source.dataset}"
            chosen = "as asked" if self.request.profile else f"the default on a {self.devices.kind}"
            lines.append(
                f"{task}: profile {profile} ({chosen}), {data} ({source.provenance}, {source.train_hash[:12]}), "
                f"{len(cells)} cells"
            )
        return lines

    def missing(self) -> list[PlannedCell]:
        """Cells without a good record; failed ones are tried again."""
        return [p for p in self.plan.cells if p.key not in self._records or self._records[p.key].status == "failed"]

    def jobs_to_do(self) -> dict[str, Job]:
        """The jobs of the missing cells that are not done yet, by key."""
        done = self.workspace.done_folders()
        needed = self._jobs_of(self.missing())
        return {key: job for key, job in needed.items() if job.folder not in done}

    def _jobs_of(self, cells: Iterable[PlannedCell]) -> dict[str, Job]:
        keys = dict.fromkeys(key for planned in cells for run in planned.runs for key in run.keys)
        return {key: self.plan.jobs[key] for key in keys}

    def work(self, on_event: Callable[[Event], None] = lambda event: None) -> None:
        """Do the jobs, and write the record of each cell as soon as its last job is done.

        Raises:
            KeyboardInterrupt: stopped by the user; what is done is kept.
        """
        missing = self.missing()
        waiting = {p.key: {run.evaluate for run in p.runs} for p in missing}
        cells_of: dict[str, list[PlannedCell]] = defaultdict(list)
        for planned in missing:
            for run in planned.runs:
                cells_of[run.evaluate].append(planned)

        def arrived(key: str) -> None:
            for planned in cells_of[key]:
                if key in waiting[planned.key]:
                    waiting[planned.key].discard(key)
                    if not waiting[planned.key]:
                        self._write_done(planned)

        def listen(event: Event) -> None:
            on_event(event)
            if isinstance(event, Finished):
                arrived(event.job.key)

        there = self.workspace.done_folders()
        for key in list(cells_of):
            if self.plan.jobs[key].folder in there:
                arrived(key)
        with LocalExecutor(self.devices, plugin_files=self.registry.files) as executor:
            outcome = run_jobs(self._jobs_of(missing), self.workspace, executor, on_event=listen)
        for key in outcome.done & set(cells_of):
            arrived(key)
        for planned in missing:
            if waiting[planned.key]:
                self._write_failed(planned, outcome.failed, outcome.skipped)

    def _results(self, planned: PlannedCell) -> dict[str, results.Result]:
        jobs = self._jobs_of([planned])
        return {key: self.workspace.result(job) for key, job in jobs.items() if self.workspace.has(job)}

    def _command(self, planned: PlannedCell) -> str:
        return self.request.command(planned.cell.profile, self.registry.files)

    def _write_done(self, planned: PlannedCell) -> None:
        found = self._results(planned)
        self._keep(results.done_record(planned, self.plan, found, self.registry, self._command(planned)))

    def _write_failed(self, planned: PlannedCell, failed: Mapping[str, JobFailure], skipped: Mapping[str, str]) -> None:
        failures = []
        for run in planned.runs:
            causes = dict.fromkeys(skipped.get(key, key) for key in run.keys if key in failed or key in skipped)
            failures += [_failure(run.seed, failed[cause]) for cause in causes if cause in failed]
        found = self._results(planned)
        command = self._command(planned)
        self._keep(results.failed_record(planned, self.plan, found, self.registry, command, failures))

    def _keep(self, record: Record) -> None:
        """Write a record; one of the same cell that other code or data made is out of date, and goes."""
        path = records_.write(record, self.workspace.records)
        for other in path.parent.glob(path.name.replace(record.key[:10], "*")):
            if other != path and records_.read(other).cell == record.cell:
                other.unlink()
        self._records[record.key] = record

    def records(self) -> list[Record]:
        """The records of the plan's cells, in its order, good and failed."""
        return [self._records[p.key] for p in self.plan.cells if p.key in self._records]

    def failed(self) -> list[Record]:
        """The records of cells that failed."""
        return [record for record in self.records() if record.status == "failed"]

    def log_of(self, key: str) -> Path:
        """The log of a job of this plan."""
        return self.workspace.log(self.plan.jobs[key])


def _failure(seed: int, failure: JobFailure) -> Failure:
    return Failure(
        seed=seed,
        job=failure.key,
        kind=failure.kind,
        error=failure.error,
        message=failure.message,
        log_tail=list(failure.log_tail),
    )
