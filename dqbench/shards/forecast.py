"""What a choice from shards comes to before it runs: jobs, hours by the number of cores, memory."""

from __future__ import annotations

from typing import Any

from dqbench.shards.choice import Choice
from dqbench.shards.costs import CHOOSING, rows_of
from dqbench.workspace.workspace import Workspace

KINDS = ("observeshards", "embedshard", *CHOOSING)
"""The rounds of jobs: each begins where the one before it ends."""
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128)


def forecast(choice: Choice) -> dict[str, Any]:
    """Jobs, how many are there, seconds by cores and GiB of the largest job; nothing is made on disk.

    A round ends with its longest job; with w cores it takes that, or a w-th of the sum if that is more. No more cores
    are counted than the largest round has jobs. Memory is that of choosing.
    """
    workspace = Workspace(choice.order.workspace, create=False)
    there = workspace.done_folders()
    to_do = [job for job in choice.jobs.values() if job.folder not in there]
    rounds = [[job.needs.seconds for job in to_do if job.kind == kind] for kind in KINDS]
    chosen_from = [rows_of(job) for job in choice.jobs.values() if job.kind in CHOOSING]
    most = max(1, *map(len, rounds))
    return {
        "how": choice.words,
        "rounds": choice.rounds,
        "jobs": len(choice.jobs),
        "jobs_there": len(choice.jobs) - len(to_do),
        "gib_a_job": round(max(choice.costs.gib(rows) for rows in chosen_from), 2),
        "seconds_by_workers": {
            str(count): round(sum(max(max(one), sum(one) / count) for one in rounds if one), 1)
            for count in WORKERS
            if count == 1 or count < 2 * most
        },
        "groups": [
            {"class": group.name, "rows": group.rows, "keep": group.keep, "partitions": len(group.parts),
             "largest_partition": max(group.parts), "candidates": sum(group.offered)}
            for group in choice.plan.groups
        ],
    }  # fmt: skip
