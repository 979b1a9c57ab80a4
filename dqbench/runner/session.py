"""One run: a plan, a workspace, and what lies between: the jobs to do and the records to write."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dqbench import precision
from dqbench import records as records_
from dqbench.executors.devices import Devices
from dqbench.jobs.job import Job
from dqbench.plan.grid import plan
from dqbench.plan.plan import Plan, PlannedCell
from dqbench.plan.plugin_checks import check_plugins
from dqbench.plan.request import Request
from dqbench.plan.spreads import Spread, spreads
from dqbench.plan.task_at_profile import choose_profile
from dqbench.plugins import Registry
from dqbench.plurals import plural
from dqbench.records import Record
from dqbench.runner import code_changes
from dqbench.runner.events import Event, OutOfDate
from dqbench.runner.forecast import Forecast, forecast
from dqbench.runner.measured import Measured, measure
from dqbench.runner.record_writer import CellWriter, jobs_of
from dqbench.runner.refresh import refresh
from dqbench.runner.rerun import Rerun, drop, rerun
from dqbench.runner.scheduler import run_jobs
from dqbench.runner.setup import Setup
from dqbench.runner.time_box import TimeBox
from dqbench.workspace.workspace import Workspace


@dataclass
class Session:
    """A request, planned, on a workspace.

    Attributes:
        notes: what its user should know, in words.
        before: by the cell's key, the good records of cells that are done again.
    """

    request: Request
    registry: Registry
    setup: Setup
    devices: Devices
    plan: Plan
    workspace: Workspace
    notes: tuple[str, ...] = ()
    _paths: dict[str, Path] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _records: dict[str, Record] = field(default_factory=dict)
    _again: Rerun = field(default_factory=Rerun)
    before: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        request: Request,
        registry: Registry,
        setup: Setup,
        workspace: Path,
        *,
        create: bool = True,
        on_image: Callable[[int, int], None] | None = None,
        on_cell: Callable[[int, int], None] = lambda cells, jobs: None,
    ) -> Session:
        """Plan the request, import its own images and open its workspace; without ``create`` nothing is made on disk.

        ``on_image`` is called after each image that is imported, with its number and that of all, ``on_cell`` as
        :func:`dqbench.plan.grid.plan` does.

        Raises:
            UsageError: anything wrong with the request, the data, the devices, the workspace, or plugins whose work
                is not done yet.
        """
        devices = setup.devices()
        if create and request.data is not None and request.data.listed is not None:
            plan(request, registry, devices.kind)  # what cannot be run is refused before anything is imported
            request = replace(request, data=request.data.imported(on_image))
        with _no_collection():
            planned = plan(request, registry, devices.kind, on_cell)
            session = cls(request, registry, setup, devices, planned, Workspace(workspace, create=create))
            session._find_records()
            session._again = rerun(setup.rerun, planned)
        check_plugins(session.missing(), registry)
        return session

    def _find_records(self) -> None:
        there = set(_names(self.workspace.records))
        for planned in self.plan.cells:
            name = records_.file_name(planned.cell, planned.key)
            if name in there:
                path = self.workspace.records / name
                key, status = records_.state_of(path)
                if key == planned.key:
                    self._note(key, path, status)
        changes = code_changes.notes(self.plan.cells, self._paths, there, self.workspace.records, self.registry)
        self.notes = (*self.plan.notes, *changes)

    def _note(self, key: str, path: Path, status: str) -> None:
        self._paths[key] = path
        (self._failed.add if status == "failed" else self._failed.discard)(key)

    def _record(self, key: str) -> Record:
        """The record of a cell that has one, read when it is first wanted."""
        if key not in self._records:
            self._records[key] = records_.read(self._paths[key])
        return self._records[key]

    def headlines(self) -> list[str]:
        """What is run on what, a line per task."""
        lines = []
        for task in dict.fromkeys(self.request.tasks):
            profile = choose_profile(self.registry.tasks[task], self.request.profile, self.devices.kind)
            cells = [planned for planned in self.plan.cells if planned.cell.task == task]
            source = cells[0].source
            kind = "images" if source.classes else "texts"
            data = f"{source.train_samples} training and {source.test_samples} test {kind} of {source.dataset}"
            chosen = "as asked" if self.request.profile else f"the default on a {self.devices.kind}"
            beside = [f"{one.name} {one.provenance}" for one in source.companions]
            altered = source.alteration.words if source.alteration else ""
            made = f"{source.provenance}, {source.train_hash[:12]}" if source.train_hash else ""
            facts = "; ".join(filter(None, [made, altered, source.note, *beside]))
            lines.append(f"{task}: profile {profile} ({chosen}), {data} ({facts}), {plural(len(cells), 'cell')}")
        slow = {precision.warning(planned.cell.precision, self.devices.kind) for planned in self.plan.cells}
        return [*lines, *filter(None, slow)]

    def missing(self) -> list[PlannedCell]:
        """Cells that are to be made: those without a good record, failed ones only if they are to be tried again."""
        settled = self._paths.keys() - (self._failed if self.setup.retry_failed else set()) - self._again.cells
        return [planned for planned in self.plan.cells if planned.key not in settled]

    def jobs_to_do(self) -> dict[str, Job]:
        """The jobs of the missing cells that are not done yet, by key."""
        done = self.workspace.done_folders()
        needed = jobs_of(self.plan, self.missing())
        return {key: job for key, job in needed.items() if job.folder not in done or key in self._again.jobs}

    def measured(self) -> Measured:
        """What jobs like those to do took in this workspace."""
        return measure(self.workspace, self.jobs_to_do().values(), self.devices.kind)

    def too_long(self) -> list[Job]:
        """The jobs to do that are expected to take longer than the setup's time box, the longest first."""
        box, measured = self.setup.box_s, self.measured()
        jobs = [] if box is None else [measured.sized(job) for job in self.jobs_to_do().values()]
        return sorted((job for job in jobs if job.needs.seconds > (box or 0)), key=lambda job: -job.needs.seconds)

    def forecast(self) -> Forecast:
        """What the plan comes to, and what is left of it costs."""
        return forecast(self.plan.jobs, self.jobs_to_do(), self.measured())

    def spreads(self) -> dict[tuple[str, str], Spread | None]:
        """How paired differences to random have spread in this workspace, by the plan's tasks and profiles."""
        places = {(planned.cell.task, planned.cell.profile): None for planned in self.plan.cells}
        known = {(s.task, s.profile): s for s in spreads(records_.read_plain(self.workspace.records))}
        return {place: known.get(place) for place in places}

    def work(self, on_event: Callable[[Event], None] = lambda event: None) -> None:
        """Do the jobs, and write the record of each cell as soon as its last job is done.

        Raises:
            KeyboardInterrupt: stopped by the user; what is done is kept.
            UsageError: the setup's time box is shorter than any job that can start.
        """
        box = None if self.setup.box_s is None else TimeBox(self.setup.box_s)
        if box is not None:
            box.check(self._startable())
        dropped = self._drop_what_is_done_again()
        missing = self.missing()
        writer = CellWriter(missing, self.plan, self.workspace, self.registry, self.request, self._keep, on_event)
        writer.begin()
        measured = self.measured()
        jobs = {key: self.setup.limited(measured.sized(job)) for key, job in jobs_of(self.plan, missing).items()}
        with self.setup.executor(self.devices, self.registry.files) as executor:
            retries = self.setup.max_retries
            outcome = run_jobs(
                jobs, self.workspace, executor, on_event=writer, max_retries=retries, measured=measured, box=box
            )
        writer.end(outcome)
        made_again = writer.redone | (dropped & outcome.ran)
        for record, why in refresh(self.workspace, made_again) if made_again else ():
            on_event(OutOfDate(record.file_name, why, record.command))

    def _startable(self) -> list[Job]:
        """The jobs to do whose inputs are there, with what they are expected to take."""
        to_do, measured = self.jobs_to_do(), self.measured()
        return [measured.sized(job) for job in to_do.values() if not to_do.keys() & set(job.inputs.values())]

    def _drop_what_is_done_again(self) -> frozenset[str]:
        """Remove the artifacts and records of ``--rerun``; gives the keys of the jobs.

        Raises:
            UsageError: another runner is at one of them.
        """
        again, self._again = self._again, Rerun()
        drop(self.plan, again.jobs, self.workspace)
        for key in again.cells & self._paths.keys():
            if key not in self._failed:
                self.before[key] = self._record(key)
            self._records.pop(key, None)
            self._failed.discard(key)
            self._paths.pop(key).unlink(missing_ok=True)
        return again.jobs

    def _keep(self, record: Record, path: Path) -> None:
        self._records[record.key] = record
        self._note(record.key, path, record.status)

    def records(self) -> list[Record]:
        """The records of the plan's cells, in its order, good and failed."""
        return [self._record(planned.key) for planned in self.plan.cells if planned.key in self._paths]

    def failed(self) -> list[Record]:
        """The records of cells that failed."""
        return [self._record(planned.key) for planned in self.plan.cells if planned.key in self._failed]

    def unmade(self) -> list[PlannedCell]:
        """The cells that have no record yet."""
        return [planned for planned in self.plan.cells if planned.key not in self._paths]

    def log_of(self, key: str) -> Path:
        """The log of a job of this plan."""
        return self.workspace.log(self.plan.jobs[key])


def _names(place: Path) -> Iterator[str]:
    """Every file two levels below, as ``folder/file``; much faster than globbing."""
    for folder in os.scandir(place) if place.is_dir() else ():
        if folder.is_dir():
            yield from (f"{folder.name}/{entry.name}" for entry in os.scandir(folder))


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection meanwhile: thousands of planned cells are no garbage, and walking them takes time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
