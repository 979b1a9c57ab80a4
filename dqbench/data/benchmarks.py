"""Benchmarks of language models: the files of MMLU, BBH, DROP and HumanEval, stored as a companion of a task."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from dqbench.data.companion import Companion, write_companion
from dqbench.errors import UsageError
from dqbench.hashing import sha256_of

NAME = "lm-benchmarks"

FILES: Mapping[str, tuple[str, ...]] = {
    "mmlu": ("mmlu.tar.gz",),
    "bbh": ("bbh.tar.gz",),
    "drop": ("drop.json", "drop_sample.tar.gz"),
    "humaneval": ("HumanEval.jsonl.gz",),
}
"""Of each benchmark, the names under which its file is looked for."""


def import_benchmarks(folder: Path) -> tuple[Companion, list[str]]:
    """Store those benchmarks whose files a folder holds, and say which it lacks. They are never trained on.

    Raises:
        UsageError: it holds none, or the data folder cannot be written.
    """
    found = {name: path for name in FILES if (path := _found(folder, name)) is not None}
    if not found:
        wanted = ", ".join(file for files in FILES.values() for file in files)
        raise UsageError(f"{folder} holds none of {wanted}")

    def fill(into: Path) -> Companion:
        digest = hashlib.sha256()
        for name, path in sorted(found.items()):
            shutil.copyfile(path, into / path.name)
            digest.update(f"{name} {sha256_of(path)}\n".encode())
        facts = {"files": {name: path.name for name, path in found.items()}}
        return Companion(NAME, digest.hexdigest(), "imported", ", ".join(sorted(found)), facts)

    missing = [name for name in FILES if name not in found]
    sample = ["drop is a sample, too small for any score"] if _is_sample(found.get("drop")) else []
    return write_companion(NAME, fill), [*sample, *(f"{name} is not there, and is not scored" for name in missing)]


def verify_benchmarks(found: Companion) -> Companion:
    """Hash the files anew.

    Raises:
        UsageError: one is not what it was.
    """
    digest = hashlib.sha256()
    for name, file in sorted(found.facts["files"].items()):
        path = found.folder / file
        if not path.is_file():
            raise UsageError(f"{path} is not there; import {NAME} again")
        digest.update(f"{name} {sha256_of(path)}\n".encode())
    if digest.hexdigest() != found.hash:
        raise UsageError(f"the files of {NAME} have changed; import it again")
    return found


def _found(folder: Path, name: str) -> Path | None:
    return next((folder / file for file in FILES[name] if (folder / file).is_file()), None)


def _is_sample(path: Path | None) -> bool:
    return path is not None and "sample" in path.name
