"""Job ``mergeparts``: the second of two rounds, a choice among the candidates of all partitions.

GreeDi (Mirzasoleiman et al., Distributed Submodular Maximization, NeurIPS 2013, Alg. 2): the greedy choice among all
partitions' candidates, or the best single partition's, whichever has the larger objective. Objectives are judged on a
uniform draw of the rows of all partitions (§4.5), where the method has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench import compressed
from dqbench.compressed import Subset
from dqbench.errors import UsageError
from dqbench.jobs.by_features import choose, method_of
from dqbench.jobs.choosepart import CANDIDATES
from dqbench.jobs.inputs import load_arrays
from dqbench.jobs.job import Context

Values = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Candidates:
    """What a partition offers: rows of all shards, in the order of picking, and their features."""

    kept: Subset
    features: Values


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save what is kept of the candidates, ids being rows of all shards."""
    parts, judged = _read(inputs)
    features = np.concatenate([part.features for part in parts])
    rows = np.concatenate([part.kept.ids for part in parts])
    merged = choose(spec, features, spec["keep"], context)
    facts: dict[str, Any] = {"candidates": len(rows), "rows": spec["rows"], "chosen": "merged"}
    kept = replace(merged, ids=rows[merged.ids])
    method = method_of(spec, context)
    if hasattr(method, "objective"):
        values = _judged(method, spec, judged, features[merged.ids], parts)
        facts["objective"] = values
        facts["chosen"] = best = max(values, key=lambda name: values[name])  # of equal ones the first, the merged
        if best != "merged":
            kept = _first(parts[int(best.removeprefix("part "))].kept, spec["keep"])
    compressed.save(replace(kept, notes=None), out)
    return facts


def _read(inputs: Mapping[str, Path]) -> tuple[list[Candidates], Values]:
    parts, judged = [], []
    for role in sorted(inputs):
        kept, arrays = compressed.load(inputs[role]), load_arrays(inputs[role] / CANDIDATES)
        if not isinstance(kept, Subset):
            raise UsageError(f"{inputs[role]} holds no chosen samples; make it again")
        parts.append(Candidates(kept, np.asarray(arrays["features"])))
        judged.append(np.asarray(arrays["judged"]))
    return parts, np.concatenate(judged)


def _judged(
    method: Any, spec: Mapping[str, Any], judged: Values, merged: Values, parts: Sequence[Candidates]
) -> dict[str, float]:
    """The objective of the merged choice and of each partition that offers enough, of the rows that were drawn."""
    values = {"merged": float(method.objective(judged, merged, spec["rows"]))}
    for i, part in enumerate(parts):
        if len(part.kept) >= spec["keep"]:
            values[f"part {i}"] = float(method.objective(judged, part.features[: spec["keep"]], spec["rows"]))
    return values


def _first(kept: Subset, count: int) -> Subset:
    columns: dict[str, Any] = {name: getattr(kept, name) for name in ("bins", "ranks", "weights")}
    return Subset(kept.ids[:count], **{name: each[:count] for name, each in columns.items() if each is not None})
