"""Write what was kept of shards: a manifest by shard and row, and the arrays behind it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dqbench import compressed
from dqbench.compressed import Subset
from dqbench.data.shards import Shards
from dqbench.own_images.write import check_out, whole_folder

COLUMNS = ("position", "id", "shard", "row", "label", "class", "bin", "rank", "weight")


def write(kept: Subset, shards: Shards, out: Path, facts: Mapping[str, Any]) -> None:
    """Write ``manifest.csv``, ``manifest.json`` and the set's arrays; all at once, or nothing.

    Raises:
        UsageError: ``out`` is there and not empty, or cannot be written.
    """
    check_out(out)
    with whole_folder(out) as temporary:
        compressed.save(kept, temporary / "kept")
        with (temporary / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows(kept, shards))
        (temporary / "manifest.json").write_text(json.dumps(dict(facts), indent=1) + "\n", encoding="utf-8")


def rows(kept: Subset, shards: Shards) -> Iterator[dict[str, Any]]:
    """The manifest's rows in the order of selection; what a method does not say is empty."""
    for i, identity in enumerate(kept.ids.tolist()):
        shard, row = shards.place(identity)
        label = int(shards.labels[identity])
        yield {
            "position": i,
            "id": identity,
            "shard": shard,
            "row": row,
            "label": label,
            "class": shards.class_names[label],
            "bin": "" if kept.bins is None else int(kept.bins[i]),
            "rank": "" if kept.ranks is None else int(kept.ranks[i]),
            "weight": 1.0 if kept.weights is None else float(kept.weights[i]),
        }
