"""``dqbench data`` for what tasks read beside their source: corrupted images, detection and segmentation sets."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from dqbench.cli.file_progress import file_progress
from dqbench.cli.state import State
from dqbench.data import benchmarks, store
from dqbench.data.annotated import ANNOTATIONS, OFFICIAL
from dqbench.data.companion import Companion, present_companions, read_companion
from dqbench.errors import UsageError

CORRUPTED = "cifar10c"


def refuse_get(name: str) -> None:
    """A companion is never downloaded.

    Raises:
        UsageError: the name is one's.
    """
    if name in OFFICIAL or name == benchmarks.NAME:
        raise UsageError(f"{name} cannot be downloaded; run: dqbench data import {name} DIR")
    if name == CORRUPTED:
        raise UsageError(
            f"{name} is not downloaded: import the official arrays (dqbench data import {name} DIR); without them "
            "runs generate their own"
        )


def import_companion(state: State, name: str, source: Path) -> tuple[Companion, list[str]] | None:
    """Import the folder if its name or layout is a companion's; None if it is not."""
    if name == benchmarks.NAME:
        return benchmarks.import_benchmarks(source)
    if name != CORRUPTED:
        return _import_annotated(state, name, source)
    from dqbench.corrupt.official import import_official

    with file_progress(state, f"importing {source}") as progress:
        return import_official(source, progress), []


def _import_annotated(state: State, name: str, source: Path) -> tuple[Companion, list[str]] | None:
    if name not in OFFICIAL and (name in state.registry().datasets or not (source / ANNOTATIONS).is_dir()):
        return None
    from dqbench.data.annotated_import import import_annotated

    with file_progress(state, f"importing {source}") as progress:
        return import_annotated(name, source, progress)


def verify_companion(name: str) -> dict[str, Any] | None:
    """What verifying a companion found; None if the name is none's."""
    if name not in present_companions():
        return None
    try:
        return {"name": name, "error": None, "companion": told(_verified(name))}
    except UsageError as error:
        return {"name": name, "error": str(error), "companion": None}


def _verified(name: str) -> Companion:
    if name == CORRUPTED:
        from dqbench.corrupt.official import verify_official

        return verify_official()
    if name == benchmarks.NAME:
        return benchmarks.verify_benchmarks(read_companion(name) or Companion(name, "", "imported"))
    from dqbench.data.annotated_import import verify_annotated

    return verify_annotated(name)


def report(state: State, found: Companion, notes: list[str]) -> None:
    """Say what was imported."""
    if state.json:
        state.print_json({**told(found), "notes": notes})
        return
    lines = [f"{found.name}: {found.provenance}", *(f"note: {note}" for note in (found.note, *notes) if note)]
    state.console.print("\n".join([*lines, f"hash {found.hash}", f"in {found.folder}"]), soft_wrap=True)


def told(found: Companion) -> dict[str, Any]:
    """A companion as JSON."""
    return {**dataclasses.asdict(found), "folder": str(found.folder)}


def rows() -> list[dict[str, Any]]:
    """A row for each companion that is known or on disk."""
    return [_row(name) for name in sorted({CORRUPTED, benchmarks.NAME, *OFFICIAL, *present_companions()})]


def _row(name: str) -> dict[str, Any]:
    row = {"name": name, "origin": "import", "folder": str(store.data_root() / name), "dataset": None, "error": None}
    try:
        found = read_companion(name)
    except UsageError as error:
        return {**row, "state": "damaged", "error": str(error)}
    return {**row, "state": found.provenance if found else "not here", "companion": told(found) if found else None}
