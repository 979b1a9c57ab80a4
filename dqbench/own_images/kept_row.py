"""The kept set of a row of a board: found by its record, read from the artifacts beside it, and held against both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dqbench import compressed, records
from dqbench.compressed import Compressed, content_hash
from dqbench.errors import UsageError, unknown_name
from dqbench.job_folders import job_folder
from dqbench.records import Record, Run
from dqbench.specs import Budget

Found = tuple[Record, Run]


def load_kept_row(
    where: Path, method: str, data: str, budget: Budget, seed: int, options: Mapping[str, Any], profile: str | None
) -> Compressed:
    """The set that a method kept; see :func:`dqbench.load_kept`.

    Raises:
        UsageError: no such record, several sets that fit, or the set is not there or is another.
    """
    fitting = list(_fitting(where, method, data, budget, seed))
    chosen = [one for one in fitting if _asked(one[0], options, profile)]
    sets = {run.kept_hash: (record, run) for record, run in chosen}
    if not sets:
        raise _nothing(where, method, data, budget, seed, fitting, options, profile)
    if len(sets) > 1:
        rows = sorted({f"{r.cell.task}, {r.cell.profile}, {r.cell.row}" for r, _ in sets.values()})
        raise UsageError(f"{len(sets)} sets fit ({'; '.join(rows)}); give the task for data, profile= or config=")
    return _read(where, [(record, run) for record, run in chosen])


def _fitting(where: Path, method: str, data: str, budget: Budget, seed: int) -> Iterator[Found]:
    folder = where / "records"
    for record in records.read_all(folder if folder.is_dir() else where):
        cell = record.cell
        if (cell.method, cell.budget) == (method, budget) and data in (cell.task, record.source.dataset):
            yield from ((record, run) for run in record.runs if run.seed == seed and run.kept_hash is not None)


def _asked(record: Record, options: Mapping[str, Any], profile: str | None) -> bool:
    """Whether it has these options, and no others that are not the method's defaults."""
    cell = record.cell
    if profile is not None and cell.profile != profile:
        return False
    varied = re.findall(r"(?:^|, )(\w+)=", cell.variant)
    return all(cell.config.get(name) == value for name, value in options.items()) and set(varied) <= set(options)


def _read(where: Path, chosen: list[Found]) -> Compressed:
    for _, run in chosen:
        kind = "pixels" if run.jobs.get("pixels") else "compress"
        for key in run.jobs.get(kind, ()):
            folder = where / "artifacts" / job_folder(kind, key)
            if not folder.is_dir():
                continue
            kept = compressed.load(folder)
            if content_hash(kept) != run.kept_hash:
                raise UsageError(f"{folder} does not hold the set that its record names; delete it and run it again")
            return kept
    raise UsageError(
        f"the records of this row are in {where}, but the set is not: its artifacts are gone; make it again with: "
        f"{chosen[0][0].command}"
    )


def _nothing(
    where: Path,
    method: str,
    data: str,
    budget: Budget,
    seed: int,
    fitting: list[Found],
    options: Mapping[str, Any],
    profile: str | None,
) -> UsageError:
    if fitting:
        rows = sorted({f"{record.cell.row} at {record.cell.profile}" for record, _ in fitting})
        asked = ", ".join([*(f"{name}={value}" for name, value in options.items()), *([profile] if profile else [])])
        return UsageError(f"no record of {method} with {asked or 'its default options'}; there are: {', '.join(rows)}")
    found = list(records.read_all(where / "records" if (where / "records").is_dir() else where))
    if not found:
        return UsageError(f"{where} holds no records; give a workspace, or run: dqbench run --method {method} …")
    names = {name for record in found for name in (record.cell.task, record.source.dataset)}
    if data not in names:
        return unknown_name("data set or task in these records", data, names)
    of_it = [record for record in found if data in (record.cell.task, record.source.dataset)]
    methods = {record.cell.method for record in of_it if record.cell.method != "full"}
    if method not in methods:
        return unknown_name(f"method in the records of {data}", method, methods)
    cells = [record.cell for record in of_it if record.cell.method == method]
    there = sorted({f"{cell.budget} (seeds {', '.join(map(str, cell.seeds))})" for cell in cells})
    return UsageError(f"no record of {method} on {data} at {budget} with seed {seed}; there are: {'; '.join(there)}")
