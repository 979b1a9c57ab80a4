"""Boards on disk: written, or compared with what the records say now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dqbench.board import markdown, published
from dqbench.board.board import Board, build
from dqbench.board.reading import Entry, load
from dqbench.board.sections import split
from dqbench.errors import UsageError

OVERVIEW = "README.md"


@dataclass(frozen=True)
class Difference:
    """A board file that does not say what the records say: ``stale``, ``missing`` or ``extra``."""

    name: str
    what: str


def boards(entries: Iterable[Entry]) -> dict[str, list[Board]]:
    """The boards of each task."""
    found: dict[str, list[Board]] = {}
    for section in split(entries):
        found.setdefault(section.setting.task, []).append(build(section))
    return found


def generate(folder: Path, task: str | None = None) -> dict[str, str]:
    """The text of every board file from the records below ``folder``, by file name.

    With ``task``, that task's file alone; the overview needs them all.

    Raises:
        UsageError: records that cannot be used, or none of that task.
    """
    made = boards(load(folder, task))
    if task is not None and task not in made:
        raise UsageError(f"{folder} has no record of task {task!r}; run: dqbench run --task {task}")
    known = published.load()
    texts = {f"{name}.md": markdown.document(name, found, known) for name, found in made.items()}
    return texts if task is not None else {**texts, OVERVIEW: markdown.overview(made)}


def differences(texts: Mapping[str, str], out: Path, whole: bool = True) -> list[Difference]:
    """How the files in ``out`` differ from ``texts``; extra ones are looked for if these are all (``whole``)."""
    found = []
    for name, text in sorted(texts.items()):
        path = out / name
        if not path.is_file():
            found.append(Difference(name, "missing"))
        elif _read(path) != text:
            found.append(Difference(name, "stale"))
    extra = _generated(out) - set(texts) if whole else set()
    return found + [Difference(name, "extra") for name in sorted(extra)]


def write(texts: Mapping[str, str], out: Path, whole: bool = True) -> list[Difference]:
    """Bring the files in ``out`` up to date, and remove generated ones without records; gives what was changed.

    Raises:
        UsageError: a file there that dqbench did not make, or a folder that cannot be written.
    """
    changed = differences(texts, out, whole)
    try:
        for difference in changed:
            path = out / difference.name
            if difference.what == "stale" and difference.name not in _generated(out):
                raise UsageError(f"{path} was not made by dqbench leaderboard; move it away, or give --out DIR")
            if difference.what == "extra":
                path.unlink()
                continue
            out.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[difference.name], encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; give --out DIR") from error
    return changed


def _generated(out: Path) -> set[str]:
    return {path.name for path in out.glob("*.md") if _read(path).startswith(markdown.GENERATED)}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
