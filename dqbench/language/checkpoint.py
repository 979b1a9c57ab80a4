"""A user's own checkpoint: a folder that transformers reads, with its tokenizer, known by what it holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dqbench.errors import UsageError
from dqbench.hashing import sha256_of
from dqbench.language.library import load

TOKENIZERS = ("tokenizer.json", "tokenizer.model")
"""Files of which a folder with a tokenizer has one."""


@dataclass(frozen=True)
class FoundModel:
    """A checkpoint that is there.

    Attributes:
        path: its folder.
        sha256: of its files.
    """

    path: str
    sha256: str

    @property
    def words(self) -> str:
        """Name and identity, without what belongs to one machine."""
        return f"{Path(self.path).name} (sha256 {self.sha256[:12]})"


def find(name: str) -> FoundModel:
    """The checkpoint in a folder; nothing is fetched.

    Raises:
        UsageError: no folder, or one without a config, weights in safetensors, or a tokenizer.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        raise UsageError(f"model={name} is no folder; give one with a checkpoint (nothing is downloaded)")
    if not (path / "config.json").is_file() or not any(path.glob("*.safetensors")):
        raise UsageError(f"model={name} holds no checkpoint: a config.json and weights in safetensors are needed")
    if not any((path / file).is_file() for file in TOKENIZERS):
        raise UsageError(f"model={name} has no tokenizer: one of {', '.join(TOKENIZERS)} is needed")
    return FoundModel(str(path.resolve()), folder_hash(path))


def reopen(words: dict[str, str]) -> Path:
    """The folder that a job's spec names by ``path`` and ``sha256``.

    Raises:
        UsageError: it has changed since the job was planned.
    """
    found = find(words["path"])
    if found.sha256 != words["sha256"]:
        raise UsageError(f"{words['path']} changed since this run was planned; run the command again")
    return Path(found.path)


def folder_hash(folder: Path) -> str:
    """sha256 over the names and contents of the files of a folder, without sub-folders and hidden files."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    state = tuple((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return _hash(folder.resolve(), state)


@cache
def _hash(folder: Path, state: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, _, _ in state:
        digest.update(f"{name}\n{sha256_of(folder / name)}\n".encode())
    return digest.hexdigest()


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer of a checkpoint, as transformers reads it.

    Raises:
        UsageError: there is none.
    """
    try:
        return load("transformers").AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"{folder} holds no tokenizer that transformers reads: {str(error).splitlines()[0]}"
        ) from error
