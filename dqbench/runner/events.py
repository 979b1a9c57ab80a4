"""The events that the scheduler reports of a run."""

from __future__ import annotations

from dataclasses import dataclass

from dqbench.jobs.job import Job
from dqbench.workspace.failures import JobFailure


@dataclass(frozen=True)
class Planned:
    """Comes once, before anything runs: the jobs to do, and how many are there already."""

    to_do: tuple[Job, ...]
    already: int


@dataclass(frozen=True)
class Started:
    """A job runs now, ``where`` in words; ``pid`` is its process, if that is on this host."""

    job: Job
    where: str
    pid: int | None = None


@dataclass(frozen=True)
class Stepped:
    """A running job goes on: its step, in words."""

    job: Job
    step: str


@dataclass(frozen=True)
class Waiting:
    """A job is being done by another runner of this workspace."""

    job: Job


@dataclass(frozen=True)
class Finished:
    """A job that was to do is done; ``here`` is false if another runner did it."""

    job: Job
    seconds: float
    here: bool = True


@dataclass(frozen=True)
class Failed:
    """A job failed, for good or until the next run."""

    job: Job
    failure: JobFailure


@dataclass(frozen=True)
class Skipped:
    """A job cannot run, as ``failure`` struck one that it needs."""

    job: Job
    failure: JobFailure


@dataclass(frozen=True)
class Redone:
    """A job is run again: its artifact is damaged, or its process was lost."""

    job: Job
    reason: str


@dataclass(frozen=True)
class Stopping:
    """The run was interrupted; the jobs that still run get ``grace_s`` seconds to end."""

    running: tuple[Job, ...]
    grace_s: float


@dataclass(frozen=True)
class CellEnded:
    """The last job of a cell has ended: its scores by seed, or why it failed.

    Attributes:
        cell: the cell in words.
        scores: one for each seed; empty if it failed.
        failed: why, in words; empty if it is done.
        decimals: that its scores are shown with.
    """

    cell: str
    scores: tuple[float, ...] = ()
    failed: str = ""
    decimals: int = 2


@dataclass(frozen=True)
class OutOfDate:
    """A record of another cell is no longer that of its jobs, one of which was made again.

    Attributes:
        record: its file below ``records/``.
        reason: where they differ, in words.
        command: what makes it anew, once the record is deleted.
    """

    record: str
    reason: str
    command: str


Event = Planned | Started | Stepped | Waiting | Finished | Failed | Skipped | Redone | Stopping | CellEnded | OutOfDate
