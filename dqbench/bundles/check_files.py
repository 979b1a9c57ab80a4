"""Records that lie as files in a folder, checked as those of bundles are: all that needs no training must agree.

Nobody signs a record: that it says "measured" is as true as whoever wrote the file. Found here are edits, copies, files
in another's place and numbers that cannot be. A forger who plans a cell, and makes up all its numbers in agreement with
each other, is found by running the cell again alone: so what comes from others says "claimed".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dqbench import checksums, records
from dqbench.bundles.check_record import agreed, check_numbers, validated
from dqbench.bundles.copies import copies
from dqbench.bundles.zip_file import parse
from dqbench.data import store
from dqbench.errors import UsageError
from dqbench.jobs.job import VERSIONS
from dqbench.plausible import implausible
from dqbench.plugins import Registry
from dqbench.records import Record
from dqbench.references import FULL, REFERENCES

OLDER = "made by other versions of the code, whose keys are not computed here"
ABSENT = "of data that are not here"
UNSIGNED = (
    'A record that says "measured" is vouched for by nothing but the run that made it; what others made says '
    '"claimed", until it is run again here.'
)


@dataclass
class Verdict:
    """What was found.

    Attributes:
        findings: by file, what does not agree, in words.
        counts: records by what could be done: checked in all, recomputed, or why not.
    """

    findings: dict[Path, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, path: Path, words: Iterable[str]) -> None:
        """Note what does not agree."""
        if found := list(words):
            self.findings.setdefault(path, []).extend(found)


def check(folder: Path, registry: Registry, of_others: Sequence[Path] = (), deleted: Sequence[Path] = ()) -> Verdict:
    """Check every record below ``folder``.

    Args:
        folder: of records.
        registry: the methods, tasks and architectures that are known.
        of_others: files that came from others, as in a pull request: they must hold a checksum, say "claimed" and be
            recomputed here, whatever they say of the code that made them.
        deleted: files that others took away.

    Raises:
        UsageError: no such folder, or one of the files of others is not in it.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder of records; give --records DIR")
    strict = {path.resolve() for path in of_others}
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() and not path.name.startswith("."))
    if absent := strict - {path.resolve() for path in paths}:
        raise UsageError(f"{min(absent)} is not in {folder}")
    verdict, found = Verdict(), {}
    for path in paths:
        try:
            found[path] = _record(path, folder, path.resolve() in strict, verdict)
        except UsageError as error:
            verdict.add(path, [str(error)])
        verdict.counts["records"] += 1
    for path, record in found.items():
        verdict.add(path, _findings(record, registry, path.resolve() in strict, verdict.counts))
    for path, words in copies(found):
        verdict.add(path, [words])
    for path in deleted:
        verdict.add(path, ["it was deleted: whoever brings results takes none away"])
    return verdict


def _record(path: Path, folder: Path, strict: bool, verdict: Verdict) -> Record:
    """The record in a file that is plain, whole, in its place and without what no dqbench writes."""
    try:
        if path.is_symlink():
            raise OSError("it is a link")
        data = records.plain_bytes(path)
    except OSError as error:
        raise UsageError(f"it cannot be read: {error}") from None
    state = checksums.state(data)
    if state == "wrong":
        raise UsageError("it was changed after it was written: it does not have the checksum that it holds")
    value = parse(data, "the record")
    held = value.pop(checksums.FIELD, None) if isinstance(value, dict) else None
    if state == "none":
        verdict.counts["without a checksum"] += 1
        if strict or held is not None:
            verdict.add(path, ["it does not end with its checksum"])
    record = validated(value)
    if path.relative_to(folder).as_posix() != record.file_name:
        verdict.add(path, [f"it is the record that belongs in {record.file_name}"])
    return record


def _findings(record: Record, registry: Registry, strict: bool, counts: Counter[str]) -> Iterator[str]:
    yield from _of_trust(record, strict)
    if record.status != "done":
        counts["of failed cells"] += 1
        return
    try:
        if wrong := implausible(record):
            raise UsageError(wrong)
        _known(record, registry)
        check_numbers(record, registry)
    except UsageError as error:
        yield str(error)
        return
    if wrong := _not_recomputed(record, registry, strict, counts):
        yield wrong


def _of_trust(record: Record, strict: bool) -> Iterator[str]:
    measured, bundle = record.trust == "measured", re.fullmatch("[0-9a-f]{64}", record.bundle)
    if measured and record.bundle:
        yield "it says measured, and that it came in a bundle"
    if not measured and not bundle:
        yield f"it says {record.trust}, and of no bundle"
    if not measured and record.cell.method in REFERENCES:
        yield f"{record.cell.method} is {record.trust}; references must be measured"
    if strict and record.trust != "claimed":
        yield (
            f"it says {record.trust}, which nothing but the run that made it vouches for: results of others come as a "
            "bundle (dqbench results export, import), and stand as claimed until they were run again here"
        )


def _known(record: Record, registry: Registry) -> None:
    """Refuse a task, method, architecture or metric that no dqbench with these plugins has.

    Raises:
        UsageError: it is unknown, or of a version that does not exist yet.
    """
    cell, task = record.cell, registry.tasks[record.cell.task]
    method = None if cell.method == FULL else registry.methods[cell.method]
    registry.archs[cell.arch]
    if cell.profile not in task.profiles:
        raise UsageError(f"{cell.task} has no profile {cell.profile!r}")
    for what, theirs, ours in (
        (cell.task, cell.task_version, task.version),
        (cell.method, cell.method_version, method.version if method else 1),
    ):
        if not 1 <= theirs <= ours:
            raise UsageError(f"it is of version {theirs} of {what}; the one here is {ours}")


def _not_recomputed(record: Record, registry: Registry, strict: bool, counts: Counter[str]) -> str:
    """Why the cell planned here is not the record's, in words; empty where it is, or where that proves nothing."""
    try:
        agreed(record, registry)
    except UsageError as error:
        why = OLDER if _is_older(record, registry) else ABSENT if not _has_data(record, registry) else ""
        counts[why or "that do not agree"] += 1
        return str(error) if strict or not why else ""
    counts["recomputed"] += 1
    return ""


def _is_older(record: Record, registry: Registry) -> bool:
    """Whether it says itself that other versions made it, or is from before records said which versions of jobs did."""
    cell, kinds = record.cell, record.versions.job_versions
    method = None if cell.method == FULL else registry.methods[cell.method]
    other = method is not None and method.version != cell.method_version
    return other or not kinds or any(VERSIONS.get(kind) != number for kind, number in kinds.items())


def _has_data(record: Record, registry: Registry) -> bool:
    """Whether the data set that it names is here, with the same content."""
    try:
        return store.info(record.source.dataset, registry).train_hash == record.source.train_hash
    except UsageError:
        return False
