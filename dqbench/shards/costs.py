"""What choosing from shards is expected to take, before anything runs: time by a trial here, memory by counting."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from dqbench.jobs.by_features import choose
from dqbench.jobs.job import Context, Job
from dqbench.plan.shard_jobs import ShardPlan
from dqbench.plugins import Registry
from dqbench.seeds import generator

TRIAL_ROWS = 1_024
BASE_GIB = 0.5
"""A job's process with its libraries, before it reads anything."""
SUPPOSED_WIDTH = 512
"""Of features that an observer is still to make."""
MATRIX_GIB = 2.0
"""What the similarities of all pairs may take at most; see ``MEMORY`` of the kernels."""
_COPIES = 4
"""Of the rows in float64, beside the matrix."""


@dataclass(frozen=True)
class Costs:
    """What jobs are expected to take.

    Attributes:
        trial_s: seconds that the method took to choose the same share of ``TRIAL_ROWS`` made rows.
        width: d of the embeddings.
    """

    trial_s: float
    width: int

    def seconds(self, rows: int) -> float:
        """Of a choice from so many rows: as the square of their number, which greedy methods stay below or near."""
        return self.trial_s * max(1e-3, (rows / TRIAL_ROWS) ** 2)

    def gib(self, rows: int) -> float:
        """Host memory at most, as near as can be known beforehand."""
        return BASE_GIB + _COPIES * 8 * rows * self.width / 2**30 + min(MATRIX_GIB, 8 * rows**2 / 2**30)

    def sized(self, job: Job) -> Job:
        """The job with its expected time; what looks at images has one."""
        if job.kind not in CHOOSING:
            return job
        return replace(job, needs=replace(job.needs, seconds=self.seconds(rows_of(job))))


CHOOSING = ("choosepart", "mergeparts")


def rows_of(job: Job) -> int:
    """How many rows a job chooses from."""
    return int(job.spec["offered"] if job.kind == "mergeparts" else job.spec["rows"])


def tried(plan: ShardPlan, width: int, registry: Registry) -> Costs:
    """Time the method on made rows of this width.

    Raises:
        UsageError: the method needs more than features.
    """
    context = Context("cpu", plugin_files=tuple(registry.files))
    spec = next(job.spec for job in plan.jobs.values() if job.kind == "choosepart")
    rows = min(TRIAL_ROWS, max(2, int(spec["rows"])))
    made = generator(0, "trial").standard_normal((rows, width)).astype(np.float32)
    keep = max(1, round(rows * spec["keep"] / spec["rows"]))
    choose(spec, made[:2], 1, context)  # refuses, and loads what is loaded once
    started = time.perf_counter()
    choose(spec, made, keep, context)
    return Costs((time.perf_counter() - started) * (TRIAL_ROWS / rows) ** 2, width)
