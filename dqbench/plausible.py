"""Whether the numbers of a record can be: finite, and within what any run of this world takes or scores."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dqbench.measure import PERCENT
from dqbench.records import Cell, JobFacts, Record, Run

SHARES = ("top1", "corruption_accuracy", "map", "miou")
"""Metrics that lie between 0 and 100 where their unit is percent."""

MOST_SCORE = 1e9
MOST_SECONDS = 1e9
MOST_GIB = 1e6
MOST_COUNT = 10**15
"""Of samples, bytes and updates."""

Bounded = tuple[str, object, float, float, float]
"""What it is and of which job or seed, the value, and the least and the most that it can be."""


def implausible(record: Record) -> str:
    """The first number that cannot be, in words; empty where all can."""
    for key, job in record.jobs.items():
        if not _is_possible(job):
            return _first(_job(key[:12], job))
    for run in record.runs:
        if words := _first(_run(run, record.cell)):
            return words
    return ""


def _first(found: Iterator[Bounded]) -> str:
    for what, of, value, least, most in found:
        if not least <= value <= most:  # NaN is not, either
            return f"{what} {of} is {_short(value)}, not between {least:g} and {most:g}"
    return ""


def _is_possible(job: JobFacts) -> bool:
    """Whether :func:`_job` finds nothing: asked of every job of every record, so without its words."""
    return (
        0 <= job.wall_s <= MOST_SECONDS and 0 <= job.peak_host_gib <= MOST_GIB and 0 <= job.peak_device_gib <= MOST_GIB
    )


def _job(key: str, job: JobFacts) -> Iterator[Bounded]:
    yield "the seconds of job", key, job.wall_s, 0, MOST_SECONDS
    yield "the memory of job", key, job.peak_host_gib, 0, MOST_GIB
    yield "the GPU memory of job", key, job.peak_device_gib, 0, MOST_GIB


def _run(run: Run, cell: Cell) -> Iterator[Bounded]:
    is_share = cell.metric in SHARES and cell.measure.unit == PERCENT
    seed, (least, most) = run.seed, (0.0, 100.0) if is_share else (-MOST_SCORE, MOST_SCORE)
    yield "the score of seed", seed, run.score, least, most
    if run.best_epoch_score is not None:
        yield "the best score of seed", seed, run.best_epoch_score, least, most
    yield "the samples of seed", seed, _float(run.samples), 1, MOST_COUNT
    yield "the updates of seed", seed, _float(run.updates), 0, MOST_COUNT
    yield "the bytes (all) of seed", seed, _float(run.bytes), 0, MOST_COUNT
    for part, size in run.bytes_parts.items():
        yield f"the bytes ({part[:20]}) of seed", seed, _float(size), 0, MOST_COUNT
    if run.kept_pixels is not None:
        yield "the share of kept pixels of seed", seed, run.kept_pixels, 0, 1e6


def _float(value: int) -> float:
    """Whole numbers in JSON have no end."""
    return float(value) if abs(value) <= MOST_COUNT else math.inf if value > 0 else -math.inf


def _short(value: float) -> str:
    return f"{value:.6g}"
