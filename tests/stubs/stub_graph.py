"""Graphs of stub jobs, and a runner of one as a script.

Its arguments are ``WORKSPACE COUNT [SLEEP [DEPTH [GRACE [GATE]]]]``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dqbench.executors import local
from dqbench.executors.devices import Devices
from dqbench.jobs import job as job_module
from dqbench.jobs.job import Job, Needs
from dqbench.runner.scheduler import run_jobs
from dqbench.workspace.workspace import Workspace

NEEDS = Needs(seconds=0.01, time_limit_s=300.0)


def stub(name: str, *inputs: Job, needs: Needs = NEEDS, **spec: Any) -> Job:
    """A stub job that reads the outputs of others."""
    roles = {f"in{i}": other.key for i, other in enumerate(inputs)}
    return Job("stub", {"name": name, **spec}, roles, name, needs)


def graph_of(*jobs: Job) -> dict[str, Job]:
    """Jobs by key."""
    return {job.key: job for job in jobs}


def layers(count: Path, sleep: float, width: int = 5, depth: int = 4, gate: Path | None = None) -> dict[str, Job]:
    """Layers of jobs, each reading two of the layer before; every run is counted in a file.

    ``gate`` is a file with the number of runs that may go on; those after them wait until it is raised.
    """
    more = {"count": str(count), "sleep": sleep, **({"gate": str(gate)} if gate else {})}
    before: list[Job] = []
    jobs: list[Job] = []
    for layer in range(depth):
        inputs = [[before[i], before[(i + 1) % width]] if before else [] for i in range(width)]
        before = [stub(f"{layer}-{i}", *inputs[i], value=i, **more) for i in range(width)]
        jobs += before
    return graph_of(*jobs)


def register() -> None:
    """Make ``stub`` a kind of job in this process."""
    job_module.VERSIONS = {**job_module.VERSIONS, "stub": 1}
    local.FUNCTIONS = {**job_module.FUNCTIONS, "stub": "stub_jobs:run"}


def main() -> None:
    """Run the layers."""
    register()
    workspace, count = Workspace(sys.argv[1]), Path(sys.argv[2])
    sleep = float(sys.argv[3]) if len(sys.argv) > 3 else 0.02
    depth = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    grace = float(sys.argv[5]) if len(sys.argv) > 5 else 1.0
    gate = Path(sys.argv[6]) if len(sys.argv) > 6 else None
    with local.LocalExecutor(Devices("cpu", 2), preload=()) as executor:
        outcome = run_jobs(layers(count, sleep, depth=depth, gate=gate), workspace, executor, grace_s=grace)
    print(len(outcome.done), len(outcome.ran), len(outcome.failed))


if __name__ == "__main__":
    main()
