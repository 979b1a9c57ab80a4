"""What two rounds lose against the exact choice: objectives on made embeddings, by the number of partitions.

``python tests/bench/sharded_selection.py --rows 20000`` prints a table; CPU seconds are of this process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from dqbench import compressed, plugins
from dqbench.data.shards import open_shards
from dqbench.jobs import choosepart, mergeparts
from dqbench.jobs.job import Context
from dqbench.plan.shard_jobs import Rounds, plan_rounds
from dqbench.select import facility_location_value, graph_cut_value
from dqbench.specs import Budget

RUN = {"choosepart": choosepart.run, "mergeparts": mergeparts.run}
CENTRES = 100


def made(rows: int, width: int) -> np.ndarray[Any, Any]:
    """A mixture of Gaussians, in random order."""
    draw = np.random.default_rng(0)
    centres = 2 * draw.standard_normal((CENTRES, width))
    return (centres[draw.integers(0, CENTRES, rows)] + draw.standard_normal((rows, width))).astype(np.float32)


def chosen(
    folder: Path, name: str, keep: float, partition_rows: int, candidates: int | None
) -> tuple[np.ndarray[Any, Any], str, float, float]:
    """Rows kept, which set was kept, CPU seconds of all jobs and of the longest."""
    method = plugins.load(()).methods[name]
    config, budget = method.config(embedding="feature"), Budget.ratio(keep)
    rounds = Rounds(method, config, budget, partition_rows=partition_rows, candidates=candidates)
    plan = plan_rounds(open_shards(folder), rounds)
    which, seconds = "exact", []
    with tempfile.TemporaryDirectory() as room:
        for job in plan.jobs.values():
            out = Path(room) / job.folder
            out.mkdir()
            inputs = {role: Path(room) / plan.jobs[key].folder for role, key in job.inputs.items()}
            started = time.process_time()
            facts = RUN[job.kind](json.loads(json.dumps(job.spec)), inputs, out, Context("cpu"))
            seconds.append(time.process_time() - started)
            which = facts.get("chosen", which)
        kept = compressed.load(Path(room) / plan.jobs[plan.groups[0].key].folder)
    return kept.ids, which, sum(seconds), max(seconds)


def main() -> None:
    """Print a line for each method and number of partitions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--keep", type=float, default=0.01)
    parser.add_argument("--partitions", default="1,10,50")
    parser.add_argument("--candidates", type=int)
    parser.add_argument("--methods", default="graphcut,facility-location")
    asked = parser.parse_args()
    values, shards = made(asked.rows, asked.width), max(int(one) for one in asked.partitions.split(","))
    worth = {
        "graphcut": lambda ids: graph_cut_value(values, values[ids], len(values)),
        "facility-location": lambda ids: facility_location_value(values, values[ids]),
    }
    uniform = np.random.default_rng(1).permutation(asked.rows)[: round(asked.keep * asked.rows)]
    with tempfile.TemporaryDirectory() as folder:
        for i, part in enumerate(np.array_split(values, shards)):
            np.save(Path(folder) / f"part-{i:03d}.npy", part)
        for name in asked.methods.split(","):
            objective = worth[name]
            print(f"{name}, a uniform draw: {objective(uniform):.6g}", flush=True)
            for count in map(int, asked.partitions.split(",")):
                limit = -(-asked.rows // count)
                ids, which, total, longest = chosen(Path(folder), name, asked.keep, limit, asked.candidates)
                took = f"{total:.1f} CPU s, the longest job {longest:.1f}"
                print(f"{name}, {count} partitions ({which}): {objective(ids):.6g}, {took}", flush=True)


if __name__ == "__main__":
    main()
