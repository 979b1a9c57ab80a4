"""Records of one cell with disjoint seeds become one where all else agrees; what disagrees is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dqbench.board.reading import Entry
from dqbench.errors import UsageError
from dqbench.records import Plugin, Record
from dqbench.seed_ranges import not_replaced, overlaps, seeds_words

K = TypeVar("K")


@dataclass(frozen=True)
class Apart:
    """A record that is not pooled with the others of its cell.

    Attributes:
        entry: the record.
        with_seeds: of what stands in its cell.
        why: what differs, in words.
    """

    entry: Entry
    with_seeds: tuple[int, ...]
    why: str


@dataclass(frozen=True)
class Pool:
    """What stands in one cell.

    Attributes:
        record: the record of its parts together, runs by ascending seed; costs and versions of all jobs stay by job.
        parts: the records in it, by their first seed.
        apart: records with other seeds that disagree with the parts.
        replaced: files of records whose seeds another one has all of.
    """

    record: Record
    parts: tuple[Entry, ...]
    apart: tuple[Apart, ...] = ()
    replaced: tuple[str, ...] = ()


def pools(entries: Sequence[Entry], key: Callable[[Record], K]) -> dict[K, Pool]:
    """What stands in each cell, by its key.

    Raises:
        UsageError: two records of one cell share some of their seeds.
    """
    by_cell: dict[K, list[Entry]] = {}
    for entry in entries:
        by_cell.setdefault(key(entry.record), []).append(entry)
    return {cell: _pool(found) for cell, found in by_cell.items()}


def _pool(entries: Sequence[Entry]) -> Pool:
    if len(entries) == 1:
        return Pool(entries[0].record, tuple(entries))
    _check_disjoint(entries)
    kept = not_replaced([entry.record.cell.seeds for entry in entries])
    whole = [entries[place] for place in kept]
    replaced = tuple(entry.record.file_name for place, entry in enumerate(entries) if place not in kept)
    groups: list[list[Entry]] = []
    for entry in sorted(whole, key=lambda entry: min(_seeds(entry))):
        fitting = (group for group in groups if not any(_difference(entry.record, one.record) for one in group))
        group = next(fitting, None)
        if group is None:
            groups.append([entry])
        else:
            group.append(entry)
    parts = max(groups, key=lambda group: sum(len(_seeds(entry)) for entry in group))
    record = joined([entry.record for entry in parts])
    apart = (_apart(entry, parts, record) for group in groups if group is not parts for entry in group)
    return Pool(record, tuple(parts), tuple(apart), replaced)


def _seeds(entry: Entry) -> set[int]:
    return set(entry.record.cell.seeds)


def _check_disjoint(entries: Sequence[Entry]) -> None:
    for one, other, shared in overlaps([entry.record.cell.seeds for entry in entries]):
        a, b = entries[one], entries[other]
        older = min(a, b, key=lambda entry: entry.record.ended).origin
        raise UsageError(
            f"{a.origin} and {b.origin} are records of the same cell and share {seeds_words(shared)}; delete one "
            f"(the older is {older})"
        )


def _apart(entry: Entry, parts: Sequence[Entry], record: Record) -> Apart:
    why = next(words for one in parts if (words := _difference(entry.record, one.record)))
    return Apart(entry, record.cell.seeds, why)


def joined(parts: Sequence[Record]) -> Record:
    """One record of the runs of several; a single one is itself."""
    first = parts[0]
    if len(parts) == 1:
        return first
    runs = sorted((run for part in parts for run in part.runs), key=lambda run: run.seed)
    return first.model_copy(
        update={
            "cell": first.cell.model_copy(update={"seeds": tuple(run.seed for run in runs)}),
            "runs": runs,
            "jobs": {key: facts for part in parts for key, facts in part.jobs.items()},
            "started": min(part.started for part in parts),
            "ended": max(part.ended for part in parts),
        }
    )


def _difference(one: Record, other: Record) -> str:
    """What keeps two records of one cell from being pooled, in words; empty where nothing does."""
    theirs = _facts(other)
    return next(
        (f"{name}: {a}, not {b}" for name, a in _facts(one).items() if _differ(a, b := theirs.get(name, ""))), ""
    )


def _facts(record: Record) -> Mapping[str, Any]:
    method, kinds = record.versions.method, record.versions.job_versions
    cell = record.cell.model_dump(mode="json", exclude={"seeds"})
    devices = {_device_kind(facts.device) for facts in record.jobs.values()} or {_device_kind(record.machine.device)}
    return {
        "code of the method": method.source_hash[:12] if method and not _is_dqbench(method) else "",
        **{f"code of {what}": code[:12] for what, code in record.versions.code.items()},
        "versions of its jobs": ", ".join(f"{kind} {number}" for kind, number in sorted((kinds or {}).items())),
        "device": " and ".join(sorted(devices)),
        **{name: str(value) for name, value in _flat(cell)},
        "data": str(record.source.model_dump(mode="json", exclude={"leaks"})),
    }


def _is_dqbench(method: Plugin) -> bool:
    """Whether a method is dqbench's own, whose version, in the cell, says when its results change."""
    return method.distribution.partition(" ")[0] == "dqbench"


def _differ(a: str, b: str) -> bool:
    """Facts that one of the two does not state, as records of an older dqbench, keep nothing apart."""
    return bool(a and b and a != b)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _device_kind(device: str) -> str:
    return "CPU" if device == "cpu" else "GPU"
