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

TRIALS = ((1_024, 16), (2_048, 16), (4_096, 16), (1_024, 256), (4_096, 256))
"""Rows, and how many of them are kept."""
_REPEATS = 2
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
        growth_s: seconds of a choice, of each row, of each row and pick, and of the square of each row.
        width: d of the embeddings.
    """

    growth_s: tuple[float, ...]
    width: int

    def seconds(self, rows: int, keep: int) -> float:
        """Of a choice of ``keep`` from so many rows, by the fit."""
        return sum(each * size for each, size in zip(self.growth_s, _sizes(rows, keep), strict=True))

    def gib(self, rows: int) -> float:
        """Host memory at most, as near as can be known beforehand."""
        return BASE_GIB + _COPIES * 8 * rows * self.width / 2**30 + min(MATRIX_GIB, 8 * rows**2 / 2**30)

    def sized(self, job: Job) -> Job:
        """The job with its expected time; what looks at images has one."""
        if job.kind not in CHOOSING:
            return job
        return replace(job, needs=replace(job.needs, seconds=self.seconds(rows_of(job), job.spec["keep"])))


CHOOSING = ("choosepart", "mergeparts")


def rows_of(job: Job) -> int:
    """How many rows a job chooses from."""
    return int(job.spec["offered"] if job.kind == "mergeparts" else job.spec["rows"])


def tried(plan: ShardPlan, width: int, registry: Registry) -> Costs:
    """Time the method on made rows of this width, and fit how its time grows.

    Raises:
        UsageError: the method needs more than features.
    """
    from scipy.optimize import nnls

    spec = next(job.spec for job in plan.jobs.values() if job.kind == "choosepart")
    context = Context("cpu", plugin_files=tuple(registry.files))
    made = generator(0, "trial").standard_normal((max(TRIALS)[0], width)).astype(np.float32)

    def taken(rows: int, keep: int) -> float:
        started = time.perf_counter()
        choose(spec, made[:rows], keep, context)
        return time.perf_counter() - started

    choose(spec, made[:2], 1, context)  # refuses, and loads what is loaded once
    least = [min(taken(*trial) for _ in range(_REPEATS)) for trial in TRIALS]  # others on the machine only add
    grown = nnls(np.array([_sizes(*trial) for trial in TRIALS]), np.array(least))[0]
    return Costs(tuple(grown.tolist()), width)


def _sizes(rows: int, keep: int) -> tuple[float, ...]:
    """What greedy methods' times are sums of."""
    return 1.0, float(rows), float(rows * keep), float(rows**2)
