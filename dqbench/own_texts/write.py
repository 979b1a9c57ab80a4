"""Write kept texts: the rows as they were, and a manifest of what was chosen."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqbench import compressed
from dqbench.compressed import Subset
from dqbench.data.text_files import Rows
from dqbench.data.text_source import TextSource
from dqbench.errors import UsageError

COLUMNS = ("position", "row", "place", "own_id", "bin", "rank", "weight")


def check_out(out: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        UsageError: ``out`` is there and not empty, or is a file.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there and not empty; give a new folder")


def write(kept: Subset, source: TextSource, rows: Rows, out: Path, facts: Mapping[str, Any]) -> None:
    """Write ``kept.jsonl``, ``manifest.csv``, ``manifest.json`` and the set's arrays; all at once, or nothing.

    The kept rows have all their columns and come in the order of the file; ``position`` in the manifest is their place
    in the order of selection.

    Raises:
        UsageError: ``out`` cannot be written.
    """
    check_out(out)
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        compressed.save(kept, temporary / "kept")
        with (temporary / "kept.jsonl").open("w", encoding="utf-8") as file:
            for row in sorted(kept.ids.tolist()):
                file.write(json.dumps(rows.values[row], ensure_ascii=False, default=str) + "\n")
        _write_manifest(kept, rows, temporary / "manifest.csv")
        (temporary / "manifest.json").write_text(json.dumps(dict(facts), indent=1) + "\n", encoding="utf-8")
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_manifest(kept: Subset, rows: Rows, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for place, row in enumerate(kept.ids.tolist()):
            columns = [None if column is None else column[place] for column in (kept.bins, kept.ranks)]
            weight = 1.0 if kept.weights is None else float(kept.weights[place])
            own = rows.values[row].get("id", "")
            writer.writerow(
                [place, row, rows.places[row], own, *("" if one is None else int(one) for one in columns), weight]
            )
