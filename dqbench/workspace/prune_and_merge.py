"""Upkeep of workspaces: how large they are, what no record needs, and two made one. Imports no torch."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dqbench import records
from dqbench.errors import UsageError
from dqbench.job_folders import job_folder
from dqbench.workspace import artifacts
from dqbench.workspace.workspace import Workspace

KEPT = (artifacts.JOB_FILE, artifacts.RESULT_FILE)
_ARRAYS = ("observe", "dynamics", "prepare", "embed", "losses")
DAY_S = 24 * 3600.0

POLICY = """\
First go checkpoints: the weights of networks on the paths of finished cells. Then whole artifacts that no record names
and that are older than --days. With --arrays go, too, what observers said and what methods prepared for finished cells.
Records, kept sets, logs, job.json and result.json of all that a record names always stay, so that a finished grid stays
finished; a later grid that needs a pruned file makes it again."""


@dataclass(frozen=True)
class Doomed:
    """A file or folder that may go: why (``checkpoint``, ``array`` or ``unnamed``), and its bytes."""

    path: Path
    why: str
    bytes: int


def bytes_by_kind(workspace: Workspace) -> dict[str, tuple[int, int]]:
    """Number of entries and bytes: of artifacts by kind of job, of their checkpoints, of records, logs and boards."""
    counts: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for name in sorted(workspace.done_folders()):
        kind = name.partition("-")[0]
        counts[kind] += 1
        for path in _files(workspace.artifacts / name):
            part = f"{kind} (checkpoints)" if path.suffix == ".safetensors" else kind
            counts[part] += part != kind
            total[part] += path.stat().st_size
    for part in ("records", "logs", "boards", "failures"):
        files = list(_files(workspace.path / part))
        counts[part], total[part] = len(files), sum(path.stat().st_size for path in files)
    return {part: (counts[part], total[part]) for part in counts}


def prunable(workspace: Workspace, *, days: float = 1.0, arrays: bool = False) -> list[Doomed]:
    """What :data:`POLICY` lets go, checkpoints first."""
    finished, named = _named(workspace)
    doomed, unnamed, prepared = [], [], []
    for name in sorted(workspace.done_folders()):
        folder, kind = workspace.artifacts / name, name.partition("-")[0]
        if name not in named:
            if time.time() - folder.stat().st_mtime >= days * DAY_S:
                unnamed.append(Doomed(folder, "unnamed", sum(path.stat().st_size for path in _files(folder))))
        elif name in finished and kind in ("train", "trainlm"):
            doomed += [_doomed(path, "checkpoint") for path in _files(folder) if path.suffix == ".safetensors"]
        elif name in finished and kind in _ARRAYS and arrays:
            prepared += [_doomed(path, "array") for path in _files(folder) if path.name not in KEPT]
    return doomed + unnamed + prepared


def may_be_pruned(kind: str, name: str) -> bool:
    """Whether :data:`POLICY` lets a file of a named job of this kind go."""
    return (kind == "train" and name.endswith(".safetensors")) or (kind in _ARRAYS and name not in KEPT)


def prune(workspace: Workspace, doomed: list[Doomed]) -> None:
    """Remove them.

    Raises:
        UsageError: a runner is at work in the workspace.
    """
    if any(workspace.alive(path.stem) for path in workspace.runners.glob("*.json")):
        raise UsageError(f"a runner is at work in {workspace.path}; prune when it is done (see: dqbench status)")
    for one in doomed:
        if one.path.is_dir():
            gone = one.path.with_name(f".tmp-{one.path.name}-pruned")
            one.path.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
        else:
            one.path.unlink(missing_ok=True)


def _named(workspace: Workspace) -> tuple[set[str], set[str]]:
    """Folders of jobs on the paths of finished cells that no unfinished cell shares, and of all cells."""
    done: set[str] = set()
    failed: set[str] = set()
    for record in records.read_plain(workspace.records):
        folders = {job_folder(facts["kind"], key) for key, facts in record["jobs"].items()}
        (done if record["status"] == "done" else failed).update(folders)
    return done - failed, done | failed


@dataclass(frozen=True)
class Merged:
    """What a merge did: artifacts and records taken over, those that were there already, and what was damaged."""

    artifacts: int
    records: int
    there: int
    damaged: tuple[str, ...]


def merge(workspace: Workspace, other: Workspace) -> Merged:
    """Take over what ``other`` has and ``workspace`` has not. Artifacts whose hashes are wrong are left out.

    Raises:
        UsageError: both are the same folder, or ``other`` is no workspace.
    """
    if workspace.path.resolve() == other.path.resolve():
        raise UsageError(f"{other.path} is the workspace itself; give another one")
    if not (other.path / "workspace.json").exists():
        raise UsageError(f"{other.path} is no workspace; it has no workspace.json")
    mine, taken, damaged = workspace.done_folders(), 0, []
    with workspace.runner() as token:
        for name in sorted(other.done_folders() - mine):
            if any(file not in _pruned(other.artifacts / name) for file in artifacts.damaged(other.artifacts / name)):
                damaged.append(name)
                continue
            _copy_artifact(other, workspace, name, token)
            taken += 1
    there = len(other.done_folders() & mine)
    new = _merge_records(workspace, other, set(damaged))
    return Merged(taken, new, there, tuple(damaged))


def _pruned(folder: Path) -> set[str]:
    """Recorded files that are gone: a pruned artifact is good as it is."""
    try:
        recorded = artifacts.read_result(folder)["files"]
    except UsageError:
        return set()
    return {name for name in recorded if not (folder / name).exists()}


def _copy_artifact(other: Workspace, workspace: Workspace, name: str, token: str) -> None:
    temporary = workspace.artifacts / f".tmp-{name}-{token}"
    shutil.copytree(other.artifacts / name, temporary)
    temporary.rename(workspace.artifacts / name)
    log = other.logs / f"{name}.log"
    if log.exists() and not (workspace.logs / log.name).exists():
        shutil.copyfile(log, workspace.logs / log.name)


def _merge_records(workspace: Workspace, other: Workspace, damaged: set[str]) -> int:
    """Copy records that are missing here, and good ones over failed ones."""
    taken = 0
    for path in sorted(other.records.glob("*/*.json")):
        if path.name.startswith("."):
            continue
        record = records.read(path)
        mine = workspace.records / record.file_name
        better = not mine.exists() or (records.state_of(mine)[1] == "failed" and record.status == "done")
        if better and not {job_folder(facts.kind, key) for key, facts in record.jobs.items()} & damaged:
            records.write(record, workspace.records)
            taken += 1
    return taken


def _doomed(path: Path, why: str) -> Doomed:
    return Doomed(path, why, path.stat().st_size)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in sorted(names))
