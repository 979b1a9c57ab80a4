"""Replay: a list of ids that somebody released, in place of a choice.

``--set replay.file=selections.json#dq_1k`` or ``--method replay:selections.json#dq_1k``. The file holds a list of row
numbers of the imported texts, or an object of such lists by name. Rows that were held out for testing are left out, and
counted in the record; a budget below what is left draws uniformly from the list, one above it is refused.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from dqbench import Config, MethodSpec, UsageError, generator
from dqbench.deferred import numpy as np

if TYPE_CHECKING:
    from dqbench import Arrays, ResolvedBudget, Subset
    from dqbench.data.text_source import TextSource


class ReplayConfig(Config):
    """Options of replay."""

    file: str = Field("", description="a JSON file with a list of row numbers, or FILE#NAME for one of several lists")
    sha256: str = Field("", description="of that list; filled in")

    @model_validator(mode="before")
    @classmethod
    def _with_hash(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("file") or values.get("sha256"):
            return values
        return {**values, "sha256": list_hash(read_list(str(values["file"])))}

    def shown(self) -> dict[str, Any]:
        """As records hold it: the file's bare name."""
        return {**self.stated(), "file": Path(self.file).name}


SPEC = MethodSpec(
    name="replay",
    target=f"{__name__}:Replay",
    config=ReplayConfig,
    kind="selection",
    version=1,
    summary="a released list of ids, e.g. DQ's own 1,000 rows of Alpaca",
    keeps="what the list names",
    cost="none",
    data=("texts",),
)


class Replay:
    """The texts that a list names."""

    def __init__(self, config: ReplayConfig) -> None:
        self.config = config

    def compress(self, source: TextSource, prepared: Arrays | None, budget: ResolvedBudget, seed: int) -> Subset:
        """The list, or a uniform sample of it.

        Raises:
            UsageError: no list, one that changed, rows that are not there, or fewer than the budget.
        """
        from dqbench import Subset

        listed = self._listed(source)
        there = np.isin(listed, source.ids)
        ids, name = listed[there], self.config.file
        if budget.total > len(ids):
            raise UsageError(
                f"{name} names {len(ids):,} texts of the training set, the budget is {budget.total:,}; give at most "
                f"--keep {len(ids) / len(source):.6f}"
            )
        drawn = ids if budget.total == len(ids) else generator(seed, "replay").permutation(np.sort(ids))[: budget.total]
        return Subset(ids=drawn, notes={"listed": len(listed), "not_in_training_set": int((~there).sum())})

    def _listed(self, source: TextSource) -> np.ndarray[Any, np.dtype[np.int64]]:
        if not self.config.file:
            raise UsageError("replay needs a list of ids: give --method replay:FILE, or --set replay.file=FILE")
        values = read_list(self.config.file)
        if list_hash(values) != self.config.sha256:
            raise UsageError(f"{self.config.file} changed since this run was planned; run the command again")
        listed = np.array(values, dtype=np.int64)
        absent = listed[(listed < 0) | (listed >= source.rows)]
        if len(absent):
            raise UsageError(
                f"{self.config.file} names row {absent[0]}, and {source.name} has {source.rows:,} rows "
                f"({len(absent)} of its ids are not there)"
            )
        return listed


def read_list(name: str) -> list[int]:
    """The row numbers in ``FILE`` or ``FILE#NAME``.

    Raises:
        ValueError: no such file or list, or something else than row numbers, each once.
    """
    path, _, key = name.partition("#")
    try:
        found = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"it cannot be read as JSON: {error}") from None
    if isinstance(found, dict):
        if key not in found:
            raise ValueError(f"it holds the lists {', '.join(found)}; name one as FILE#NAME")
        found = found[key]
    if not isinstance(found, list) or any(isinstance(row, bool) or not isinstance(row, int) for row in found):
        raise ValueError("it holds no list of row numbers")
    if not found or len(set(found)) != len(found):
        raise ValueError(f"it names {len(found) - len(set(found))} rows twice" if found else "it names no rows")
    return found


def list_hash(rows: list[int]) -> str:
    """sha256 of the row numbers in their order."""
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
