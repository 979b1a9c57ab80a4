"""Companions: data that a task's stage reads beside its source, e.g. corrupted test images. Needs no NumPy.

A companion is a folder below the data root with ``companion.json`` and whatever files its form has.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dqbench.data.arrays import Provenance
from dqbench.data.info import damaged, data_root, folder_of
from dqbench.data.writing import locked, unwritable
from dqbench.errors import UsageError

FORMAT = 1
FILE = "companion.json"


@dataclass(frozen=True)
class Companion:
    """What is known of a companion without opening its files.

    Attributes:
        name: of its folder.
        hash: of its content, or of what stands for it; jobs that read it have this in their key.
        provenance: see :data:`dqbench.data.arrays.Provenance`.
        note: what must be known of how it was made, in words; empty where there is nothing to say.
        facts: what its form needs to know, as JSON values, e.g. where files lie that were left in their place.
    """

    name: str
    hash: str
    provenance: Provenance
    note: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return folder_of(self.name)

    @property
    def words(self) -> dict[str, str]:
        """What a job's spec says of it; see :func:`reopen`."""
        return {"name": self.name, "hash": self.hash}


def read_companion(name: str) -> Companion | None:
    """The companion of this name, or None if it is not there.

    Raises:
        UsageError: its description is damaged or of another format.
    """
    try:
        data = json.loads((folder_of(name) / FILE).read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT or data["name"] != name:
            raise ValueError("another format or name")
        return Companion(**data)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(name, f"{FILE}: {error}") from error


def reopen(words: Mapping[str, str]) -> Companion:
    """The companion that a job's spec names.

    Raises:
        UsageError: it is not there, or has changed since the job was planned.
    """
    found = read_companion(words["name"])
    if found is None or found.hash != words["hash"]:
        raise UsageError(f"{words['name']} changed since this run was planned; run the command again")
    return found


def write_companion(name: str, fill: Callable[[Path], Companion]) -> Companion:
    """Store a companion, whole or not at all, in place of what was there.

    Args:
        fill: writes the files into the folder that it is given, and describes them.

    Raises:
        UsageError: something else lies in that place, or the data folder cannot be written.
    """
    target = folder_of(name)
    with locked(name):
        if target.exists() and not (target / FILE).is_file():
            raise UsageError(f"{target} is there but holds no {name}; move it, or set DQBENCH_DATA elsewhere")
        temporary = target.with_name(f".{name}.{os.getpid()}.tmp")
        try:
            temporary.mkdir()
            made = fill(temporary)
            text = json.dumps({"format": FORMAT, **dataclasses.asdict(made)}, indent=1)
            (temporary / FILE).write_text(text + "\n", encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
        except OSError as error:
            raise unwritable(error) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return made


def present_companions() -> list[str]:
    """The names of all companions that are on disk, sorted."""
    try:
        return sorted(folder.name for folder in data_root().iterdir() if (folder / FILE).is_file())
    except OSError:
        return []
