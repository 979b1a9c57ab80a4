"""The scheduler: runs a graph of jobs to its end, through failures, other runners and interruptions."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from dqbench.errors import UsageError
from dqbench.executors.executor import Executor, JobEnded, JobStarted, JobStepped, Report, Work
from dqbench.jobs.job import Job
from dqbench.runner.events import (
    Event,
    Failed,
    Finished,
    Planned,
    Redone,
    Skipped,
    Started,
    Stepped,
    Stopping,
    Waiting,
)
from dqbench.runner.graph import Graph
from dqbench.runner.heartbeat import Heartbeat
from dqbench.runner.interrupts import Stop, interruptible
from dqbench.runner.measured import Measured
from dqbench.runner.readers import Readers
from dqbench.runner.retries import Retries
from dqbench.runner.time_box import TimeBox
from dqbench.workspace import failures
from dqbench.workspace.failures import JobFailure
from dqbench.workspace.workspace import Workspace

_LOOK_AHEAD = 16
"""So many jobs that fit may start before one that waits for room."""
_TICK_S = 0.2


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        done: keys of needed jobs that are done, now or before.
        ran: those of them that this call ran.
        failed: failures by key.
        skipped: key of the failed cause, by the key of each job that could not run for it.
        redone: why, by the key of each job that was run again.
        left: keys of needed jobs for which the time box had no room.
    """

    done: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    failed: dict[str, JobFailure] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    redone: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)


def run_jobs(
    jobs: Mapping[str, Job],
    workspace: Workspace,
    executor: Executor,
    *,
    on_event: Callable[[Event], None] = lambda event: None,
    targets: Iterable[str] | None = None,
    verify: bool = True,
    grace_s: float = 5.0,
    max_retries: int = 0,
    measured: Measured | None = None,
    box: TimeBox | None = None,
) -> Outcome:
    """Do what is needed and not there yet; a failed job stops only what depends on it.

    Args:
        jobs: every job by key, inputs included.
        workspace: where results are kept; another runner may use it at the same time.
        executor: started when there is something to do; the caller closes it.
        on_event: called with every event, in this thread.
        targets: the jobs that are wanted, default all; what they need is done as well, unless they are done already.
        verify: check the recorded hashes of inputs that an earlier run made, and redo what is damaged.
        grace_s: how long running jobs may go on after SIGINT or SIGTERM; a second signal ends them at once.
        max_retries: how often a job that fails is tried again; one that ran out of memory always is, once, alone.
        measured: what like jobs took, learned on as jobs end; None goes by what jobs declare.
        box: the time in which started jobs are expected to end; None has no end.

    Raises:
        KeyboardInterrupt: after SIGINT or SIGTERM; the workspace is good and the same call goes on from there.
        ExecutorError: the executor cannot go on.
    """
    there = workspace.done_folders()
    graph = Graph(jobs, jobs if targets is None else targets, lambda job: job.folder in there)
    planned = Planned(tuple(jobs[key] for key in jobs if key in graph.to_do), len(graph.done))
    on_event(planned)
    outcome = Outcome()
    if graph.to_do:
        with workspace.runner() as token, interruptible() as stop:
            heart = Heartbeat(workspace.runners / f"{token}.json")
            scheduler = _Scheduler(
                jobs,
                workspace,
                executor,
                on_event,
                graph,
                outcome,
                token,
                verify,
                heart,
                Retries(max_retries),
                measured,
                box,
            )
            heart.note(planned)
            try:
                scheduler.run(stop, grace_s)
            finally:
                heart.close()
    outcome.done, outcome.left = graph.done, graph.to_do
    return outcome


@dataclass
class _Scheduler:
    jobs: Mapping[str, Job]
    workspace: Workspace
    executor: Executor
    on_event: Callable[[Event], None]
    graph: Graph
    outcome: Outcome
    token: str
    verify: bool
    heart: Heartbeat
    retries: Retries
    measured: Measured | None
    box: TimeBox | None
    running: dict[str, FileLock] = field(default_factory=dict)
    held: dict[str, FileLock] = field(default_factory=dict)
    elsewhere: dict[str, JobFailure | None] = field(default_factory=dict)
    trusted: set[str] = field(default_factory=set)
    overtaken: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.readers = Readers(self.jobs, self.graph.done, self.workspace)

    def tell(self, event: Event) -> None:
        self.heart.note(event)
        self.on_event(event)

    def run(self, stop: Stop, grace_s: float) -> None:
        try:
            self.executor.start()
            while self.graph.to_do and not stop.signals and not self._box_is_over():
                self._look_elsewhere()
                self._submit_ready()
                self.heart.beat()
                self._hear(self.executor.poll(_TICK_S))
            if stop.signals:
                self._wind_down(stop, grace_s)
                raise KeyboardInterrupt
        finally:
            self._abandon()

    def _box_is_over(self) -> bool:
        """Whether nothing runs and nothing can be started any more; what other runners do is waited for to its end."""
        if self.box is None or self.running or (self.elsewhere and self.box.left):
            return False
        return not any(self.box.takes(key, self._sized(key).needs.seconds) for key in self.graph.ready(len(self.jobs)))

    def _submit_ready(self) -> None:
        passed: list[str] = []
        for key in self.graph.ready(_LOOK_AHEAD + (self.box.refused if self.box else 0)):
            if not self.graph.can_start(key):  # an input of the one before must be redone first
                continue
            job = self._sized(key)
            if self.box is not None and not self.box.takes(key, job.needs.seconds):
                continue
            if not self.executor.fits(job):
                if self.overtaken[key] >= _LOOK_AHEAD:  # a large job must not starve: wait until it fits
                    return
                passed.append(key)
            elif self._submit(job):
                self.overtaken.update(passed)

    def _sized(self, key: str) -> Job:
        """The job with the memory that like ones took, and alone if it must be."""
        job = self.jobs[key]
        return self.retries.arranged(self.measured.sized(job) if self.measured else job)

    def _submit(self, job: Job) -> bool:
        """Start a ready job, unless another runner has it or an input must be redone first."""
        lock = self.held.pop(job.key, None) or self.workspace.lock(job)
        if lock is None:
            self.graph.take(job.key)
            self.elsewhere[job.key] = self.workspace.failure(job)
            self.tell(Waiting(job))
            return False
        if self.workspace.has(job):  # another runner made it between the first listing and this lock
            self.graph.take(job.key)
            self._done_elsewhere(job, lock)
            return False
        if not self._inputs_are_sound(job):
            lock.release()
            return False
        self.graph.take(job.key)
        self.running[job.key] = lock
        ws = self.workspace
        inputs = {role: ws.artifact(self.jobs[key]) for role, key in job.inputs.items()}
        self.executor.submit(Work(job, inputs, ws.temporary(job, self.token), ws.artifact(job), ws.log(job)))
        return True

    def _inputs_are_sound(self, job: Job) -> bool:
        sound = True
        for key in dict.fromkeys(job.inputs.values()) if self.verify else ():
            if key in self.trusted:
                continue
            damage = self.workspace.verify(self.jobs[key])
            if damage:
                sound = False
                self._redo(self.jobs[key], f"damaged: {', '.join(damage)}")
            else:
                self.trusted.add(key)
        return sound

    def _redo(self, job: Job, reason: str, outdated: bool = False) -> None:
        lock = self.workspace.lock(job)
        if lock is not None:
            if outdated or self.workspace.verify(job):  # another runner may have redone it meanwhile
                self.workspace.discard(job)
            lock.release()
        self.trusted.discard(job.key)
        self.graph.reopen(job.key)
        self._note_redone(job, reason)

    def _note_redone(self, job: Job, reason: str) -> None:
        self.outcome.redone[job.key] = reason
        self.tell(Redone(job, reason))

    def _look_elsewhere(self) -> None:
        for key, failure_before in list(self.elsewhere.items()):
            job = self.jobs[key]
            lock = self.workspace.lock(job)
            if lock is None:
                continue
            del self.elsewhere[key]
            failure = self.workspace.failure(job)
            if self.workspace.has(job):
                self._done_elsewhere(job, lock)
            elif failure is not None and failure != failure_before:
                lock.release()
                self._fail(job, failure)
            else:  # its runner died or gave up
                lock.release()
                self.graph.give_back(key)

    def _done_elsewhere(self, job: Job, lock: FileLock) -> None:
        lock.release()
        self.graph.finish(job.key)
        self.tell(Finished(job, 0.0, here=False))

    def _hear(self, reports: Iterable[Report]) -> None:
        for report in reports:
            job = self.jobs[report.key]
            if isinstance(report, JobStarted):
                self.tell(Started(job, report.where, report.pid))
            elif isinstance(report, JobStepped):
                self.tell(Stepped(job, report.step))
            elif report.key in self.running:  # else it was abandoned, and its end comes late
                self._ended(job, report)

    def _ended(self, job: Job, report: JobEnded) -> None:
        lock = self.running.pop(job.key)
        if not report.error and self.workspace.has(job):
            self._done(job, report, lock)
            return
        shutil.rmtree(self.workspace.temporary(job, self.token), ignore_errors=True)
        failure = self._failure(job, report)
        again = self.retries.reason(job, report)
        if not report.lost or not again:
            with suppress(OSError):  # a full disk must not stop the others
                self.workspace.record_failure(failure, job)
        if again:
            self.held[job.key] = lock  # kept, or another runner would take the job before its second try
            self.graph.give_back(job.key)
            self._note_redone(job, again)
            return
        lock.release()
        self._fail(job, failure)

    def _done(self, job: Job, report: JobEnded, lock: FileLock) -> None:
        self.trusted.add(job.key)
        self.outcome.ran.add(job.key)
        self.workspace.clear_failure(job)
        if self.measured is not None:
            with suppress(UsageError):  # damaged at once; whoever reads it will see
                self.measured.note(job.kind, job.spec, self.workspace.result(job))
        if self.box is not None:
            self.box.learned()
        Path(lock.lock_file).unlink(missing_ok=True)  # whoever locks the name anew finds the artifact
        lock.release()
        self.graph.finish(job.key)
        for reader in self.readers.outdated(job):
            if reader.key in self.graph.done:
                self._redo(reader, f"{job.label or job.kind} was made again and differs", outdated=True)
        self.tell(Finished(job, report.seconds))

    def _failure(self, job: Job, report: JobEnded) -> JobFailure:
        before = self.workspace.failure(job)
        return JobFailure(
            key=job.key,
            kind=job.kind,
            label=job.label,
            error=report.error or "no result",
            message=report.message or "the job ended without leaving its artifact",
            log_tail=failures.log_tail(self.workspace.log(job)),
            attempts=1 + (before.attempts if before else 0),
            ended=failures.now(),
        )

    def _fail(self, job: Job, failure: JobFailure) -> None:
        self.outcome.failed[job.key] = failure
        self.tell(Failed(job, failure))
        for key in self.graph.fail(job.key):
            self.outcome.skipped[key] = job.key
            self.tell(Skipped(self.jobs[key], failure))

    def _wind_down(self, stop: Stop, grace_s: float) -> None:
        self.tell(Stopping(tuple(self.jobs[key] for key in self.running), grace_s))
        end = time.monotonic() + grace_s
        while self.running and stop.signals < 2 and (left := end - time.monotonic()) > 0:
            self._hear(self.executor.poll(min(left, _TICK_S)))

    def _abandon(self) -> None:
        """Kill what still runs and let go of its locks; nothing of it counts."""
        for key in self.running:
            self.executor.kill(key)
        end = time.monotonic() + 5.0
        waiting = set(self.running)
        with suppress(Exception):
            while waiting and time.monotonic() < end:
                waiting -= {report.key for report in self.executor.poll(_TICK_S) if isinstance(report, JobEnded)}
        for lock in (*self.running.values(), *self.held.values()):
            lock.release()
        self.running.clear()
        self.held.clear()
