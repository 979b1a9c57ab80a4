"""How a run is carried out: on which devices, and how often failed work is tried again. It changes no result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from dqbench.errors import UsageError
from dqbench.executors import devices
from dqbench.executors.clusters import Cluster
from dqbench.executors.devices import Devices
from dqbench.executors.executor import Executor
from dqbench.executors.local import LocalExecutor
from dqbench.jobs.job import Job


@dataclass(frozen=True)
class Setup:
    """What a run is carried out with.

    Attributes:
        device: ``auto``, ``cpu`` or ``cuda``.
        gpus: which of the visible GPUs; None takes all.
        threads: CPU threads for all jobs together; None takes those that this process may use.
        retry_failed: whether cells that failed in an earlier run are tried again.
        max_retries: how often a failed job is tried again within one run.
        cluster: what runs the jobs; None is this machine.
        gpus_per_job: GPUs that one training may share its work among, where its recipe can.
        time_limit_s: any job is stopped after so long, whether it makes steps or not; None stops only those that hang.
        box_s: no job is started that is not expected to end within so many seconds of the run's start; None starts all.
        rerun: methods and tasks whose cells are done again.
    """

    device: str = "auto"
    gpus: tuple[int, ...] | None = None
    threads: int | None = None
    retry_failed: bool = True
    max_retries: int = 0
    cluster: Cluster | None = None
    gpus_per_job: int = 1
    time_limit_s: float | None = None
    box_s: float | None = None
    rerun: tuple[str, ...] = ()

    def limited(self, job: Job) -> Job:
        """The job with the time limit of this run."""
        if self.time_limit_s is None:
            return job
        return replace(job, needs=replace(job.needs, hard_limit_s=self.time_limit_s))

    def devices(self) -> Devices:
        """The devices, found on this machine or in the cluster.

        Raises:
            UsageError: one that is not there.
        """
        if self.cluster is not None:
            if self.box_s is not None:
                raise UsageError("--for is for --executor local; on a cluster its queue decides when a job starts")
            if self.gpus is not None or self.threads is not None or self.gpus_per_job > 1:
                raise UsageError(
                    "--gpus, --gpus-per-job and --threads are for --executor local; a cluster shares its devices out "
                    "itself"
                )
            return self.cluster.devices(self.device)
        return devices.find(self.device, self.gpus, self.threads, self.gpus_per_job)

    def executor(self, found: Devices, plugin_files: Sequence[Path]) -> AbstractContextManager[Executor]:
        """What runs the jobs on these devices, to be closed at the end of the context."""
        if self.cluster is not None:
            return self.cluster.executor(found, plugin_files)
        return LocalExecutor(found, plugin_files=plugin_files)


def parse_gpus(text: str | None) -> tuple[int, ...] | None:
    """``0,1`` as numbers; None is None.

    Raises:
        UsageError: not whole numbers with commas between.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"--gpus {text!r} is no list of GPU numbers; give e.g. 0,1")
    return tuple(int(part) for part in parts)
