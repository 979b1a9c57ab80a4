"""Records from disk, checked for what a board needs; each file is read once."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dqbench import checksums, records
from dqbench.checksums import State
from dqbench.errors import UsageError
from dqbench.plausible import implausible
from dqbench.records import Record
from dqbench.references import REFERENCES


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and where it came from.

    Attributes:
        record: the record; read for a board, its training curves are None.
        origin: its file, or words for one that was never written.
        digest: sha256 of the file's text.
    """

    record: Record
    origin: str
    digest: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A record's file, not parsed: its path, what its checksum says and the sha256 of its text."""

    path: Path
    state: State
    digest: str


Known = Callable[[str, os.stat_result], tuple[State, str] | None]
"""State and digest of a file that was read before, by its path below the folder; None where it may have changed."""


@dataclass(frozen=True)
class Survey:
    """What lies in a folder of records.

    Attributes:
        folder: the folder.
        tasks: by name, the files of each task's folder, in the order of their paths.
    """

    folder: Path
    tasks: Mapping[str, Sequence[Seen]]

    @classmethod
    def of(cls, folder: Path, task: str | None = None, known: Known | None = None) -> Survey:
        """Read every file once, but those that are ``known``.

        Raises:
            UsageError: no such folder, or what is no plain file.
        """
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder of records; run dqbench run first, or give --records DIR")
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and task in (None, entry.name))
        found = {name: tuple(_seen(folder, name, known)) for name in names}
        return cls(folder, {name: seen for name, seen in found.items() if seen})

    def in_state(self, state: State) -> list[Path]:
        """The files by what their checksums say: ``right``, ``wrong``, or ``none`` where they hold none."""
        return [one.path for seen in self.tasks.values() for one in seen if one.state == state]

    def unchanged(self, task: str) -> list[Seen]:
        """The files of a task but those that were changed after they were written."""
        return [one for one in self.tasks.get(task, ()) if one.state != "wrong"]

    def digests(self) -> list[str]:
        """What tells these records from others: name and sha256 of each unchanged file."""
        return [f"{task}/{one.path.name} {one.digest}" for task in self.tasks for one in self.unchanged(task)]


def _seen(folder: Path, task: str, known: Known | None) -> Iterator[Seen]:
    found = [entry for entry in os.scandir(folder / task) if entry.name.endswith(".json") and entry.name[0] != "."]
    for entry in sorted(found, key=lambda entry: entry.name):
        there = known(f"{task}/{entry.name}", entry.stat()) if known else None
        yield Seen(Path(entry.path), *(there or checksums.state_and_digest(_bytes(entry.path))))


def load(folder: Path, task: str | None = None) -> list[Entry]:
    """Every record below ``folder``, in the order of their paths, checked; those that were changed are left out.

    Raises:
        UsageError: no such folder, or a record that is damaged, of another format, or not usable.
    """
    survey = Survey.of(folder, task)
    return [entry for name in survey.tasks for entry in entries(name, survey.unchanged(name))]


def entries(task: str, seen: Iterable[Seen]) -> list[Entry]:
    """The records of a task, checked.

    Raises:
        UsageError: a record that is damaged, of another format, of another task, not usable, or changed meanwhile.
    """
    with uncollected():
        return [_entry(task, one) for one in seen]


def _entry(task: str, seen: Seen) -> Entry:
    data = _bytes(seen.path)
    if checksums.state_and_digest(data)[1] != seen.digest:
        raise UsageError(f"{seen.path} was changed while it was read; run the command again")
    record = records.parse_without_curves(data, seen.path)
    check(record, str(seen.path))
    if record.cell.task != task:
        raise UsageError(f"{seen.path} is of task {record.cell.task!r}; move it to the folder of that name")
    return Entry(record, str(seen.path), seen.digest)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's search for cycles, which goes over all records again and again, and finds none."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _bytes(path: str | Path) -> bytes:
    try:
        return records.plain_bytes(path)
    except OSError as error:
        raise UsageError(f"{path} is no readable record ({error}); move it away") from error


def entries_of(found: Iterable[Record]) -> list[Entry]:
    """Records that are already in memory, checked.

    Raises:
        UsageError: a record that is not usable.
    """
    made = []
    for record in found:
        check(record, record.file_name)
        text = json.dumps(record.model_dump(mode="json"), sort_keys=True)
        made.append(Entry(record, record.file_name, hashlib.sha256(text.encode()).hexdigest()))
    return made


def check(record: Record, origin: str) -> None:
    """Refuse a record whose numbers cannot stand on a board.

    Raises:
        UsageError: not finite, runs that do not fit the cell, or a task whose name can be no file's.
    """
    taken = record.cell.task.lower() in ("readme", "claims")
    if taken or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", record.cell.task):
        raise UsageError(
            f"{origin}: task {record.cell.task!r} is no name for a board's file; use letters, digits, - . _"
        )
    if record.cell.method in REFERENCES and record.trust != "measured":
        raise UsageError(f"{origin}: {record.cell.method} is {record.trust}; references must be measured: delete it")
    if record.status != "done":
        return
    seeds = [run.seed for run in record.runs]
    if not seeds or sorted(seeds) != sorted(record.cell.seeds) or len(set(seeds)) != len(seeds):
        raise UsageError(
            f"{origin}: runs have the seeds {seeds}, the cell has {list(record.cell.seeds)}; run its cell again"
        )
    if wrong := implausible(record):
        raise UsageError(f"{origin}: {wrong}; delete it and run its cell again")
