"""Job ``choosepart``: candidates of one partition of shards, by features; with one partition, the choice itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench import compressed
from dqbench.data.shards import Shard, read_rows
from dqbench.errors import UsageError
from dqbench.jobs.by_features import choose
from dqbench.jobs.inputs import load_arrays, save_arrays
from dqbench.jobs.job import Context
from dqbench.seeds import generator

CANDIDATES = "candidates"


def run(spec: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, context: Context) -> dict[str, Any]:
    """Save what is kept, ids being rows of all shards, with its features and a draw of the partition's rows.

    Raises:
        UsageError: a shard has changed since it was planned, or a row cannot be compared.
    """
    values, rows = part_rows(spec, inputs)
    if len(values) != spec["rows"]:
        raise UsageError(f"{len(values):,} rows are there where {spec['rows']:,} were planned; run the command again")
    kept = choose(spec, values, spec["keep"], context)
    chosen = kept.ids
    compressed.save(replace(kept, ids=rows[chosen]), out)
    (out / CANDIDATES).mkdir()
    drawn = generator(spec["seed"], "judged-rows", spec["class"], spec["part"]).permutation(len(values))
    judged = values[np.sort(drawn[: spec["judged"]])]
    save_arrays({"features": values[chosen], "judged": judged}, out / CANDIDATES)
    return {"rows": len(values), "kept": len(chosen)}


def part_rows(
    spec: Mapping[str, Any], inputs: Mapping[str, Path]
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
    """The rows of a partition, (n, d), and which of all shards' rows they are, (n,)."""
    parts = []
    for words in spec["shards"]:
        if words["state"]["file"] in inputs:
            parts.append(_embedded(words, inputs[words["state"]["file"]], spec["class"] if spec["of_class"] else None))
        else:
            parts.append(read_rows(Path(spec["folder"]), Shard.of(words), spec["of_class"]))
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([values for values, _ in parts]), np.concatenate([rows for _, rows in parts])


def _embedded(
    words: Mapping[str, Any], folder: Path, number: int | None
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.int64]]:
    """The same of a shard of images, whose features an earlier job made."""
    arrays = load_arrays(folder)
    places = np.arange(words["rows"]) if number is None else np.flatnonzero(arrays["labels"] == number)
    return np.asarray(arrays["features"][places]), places + words["first"]
