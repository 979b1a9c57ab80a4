"""How jobs are put in words."""

from __future__ import annotations

from dqbench.jobs.job import Job


def first_line(text: str) -> str:
    """The first line; empty where there is none."""
    return text.splitlines()[0] if text else ""


def name(job: Job) -> str:
    """What a job is called."""
    return job.label or job.kind
