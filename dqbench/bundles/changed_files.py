"""Records that a branch brings, by git: what it added or changed came from others, and what it deleted is named."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dqbench.errors import UsageError


@dataclass(frozen=True)
class Changed:
    """Files below a folder of records since a commit: ``brought`` are there now, ``deleted`` are not any more."""

    brought: tuple[Path, ...]
    deleted: tuple[Path, ...]


def since(folder: Path, commit: str) -> Changed:
    """What was added, changed or deleted since the last commit that a branch shares with another.

    Files that were not committed count, ignored ones too, as boards are made of all files; hidden ones, which no board
    reads, do not.

    Args:
        folder: of records, in a git checkout.
        commit: the other branch, or a commit.

    Raises:
        UsageError: no such folder, no checkout, or a commit that git does not know.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder of records; give --records DIR")
    other = _git(folder, commit, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}").strip()
    base = _git(folder, commit, "merge-base", other, "HEAD").strip()
    words = _git(
        folder, commit, "diff", "--name-status", "--no-renames", "--no-ext-diff", "--relative", "-z", base, "."
    )
    parts = words.split("\0")[:-1]
    found = {*parts[1::2], *_git(folder, commit, "ls-files", "--others", "-z", ".").split("\0")[:-1]}
    there = {folder / name: os.path.lexists(folder / name) for name in sorted(found) if Path(name).name[0] != "."}
    return Changed(tuple(p for p in there if there[p]), tuple(p for p in there if not there[p]))


def _git(folder: Path, commit: str, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or str(error).encode()).decode(errors="replace").strip()
        raise UsageError(f"what changed in {folder} since {commit!r} is not known: git says {reason[:200]!r}") from None
    return done.stdout.decode(errors="surrogateescape")
