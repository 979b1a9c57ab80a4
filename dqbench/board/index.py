"""What was found in a folder of records before, so that what did not change is not read again.

It only saves time: a file is read anew as soon as its size, inode or one of its times is another, and so is one that
was written shortly before it was noted, whose times might not show a second change. ``dqbench leaderboard --check``
goes without. It lies in the user's cache folder, where nobody's records bring one along.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import platformdirs
from pydantic import TypeAdapter

from dqbench import whole_file
from dqbench.board.reading import Survey
from dqbench.board.stamp import Stamp
from dqbench.board.summary import Summary
from dqbench.checksums import State

FORMAT = 3
_SETTLED_NS = 2_000_000_000
"""A file that was changed up to two seconds before it was noted is read again: clocks of file systems are coarse."""

Identity = tuple[int, int, int, int]


@dataclass
class _Stored:
    format: int
    folder: str
    files: dict[str, tuple[Identity, State, str]]
    summaries: dict[str, tuple[str, str, Summary]]
    page: tuple[str, str]


@dataclass
class Index:
    """What is known of a folder's files and tasks."""

    folder: Path
    place: Path
    noted: int = field(default_factory=time.time_ns)
    _files: Mapping[str, tuple[Identity, State, str]] = field(default_factory=dict)
    _summaries: dict[str, tuple[str, str, Summary]] = field(default_factory=dict)
    _page: tuple[str, str] = ("", "")

    @classmethod
    def open(cls, folder: Path, cache: Path) -> Index:
        """The index of a folder of records below the folder ``cache``; an empty one where there is none to use."""
        where = str(folder.resolve())
        index = cls(folder, cache / f"{hashlib.sha256(where.encode('utf-8', 'surrogateescape')).hexdigest()[:24]}.json")
        try:
            stored = _adapter().validate_json(index.place.read_bytes())
        except (OSError, ValueError):
            return index
        if (stored.format, stored.folder) == (FORMAT, where):
            index._files, index._summaries, index._page = stored.files, stored.summaries, stored.page
        return index

    def known(self, name: str, stat: os.stat_result) -> tuple[State, str] | None:
        """State and digest of a file that did not change since they were noted."""
        found = self._files.get(name)
        return found[1:] if found and found[0] == _identity(stat) else None

    def summary(self, task: str, stamp: Stamp) -> Summary | None:
        """What the overview says of a task whose records and makers have this stamp."""
        records, maker, summary = self._summaries.get(task, ("", "", None))
        return summary if (records, maker) == (stamp.records, stamp.maker) else None

    def note(self, task: str, stamp: Stamp, summary: Summary) -> None:
        """Keep what the overview says of a task."""
        self._summaries[task] = (stamp.records, stamp.maker, summary)

    def has_page(self, made_from: str, page: Path) -> bool:
        """Whether a page is what was last made, and that from the same."""
        return self._page == (made_from, _sha256(page))

    def note_page(self, made_from: str, page: Path) -> None:
        """Keep what a page was made from."""
        self._page = (made_from, _sha256(page))

    def save(self, survey: Survey) -> None:
        """Write it for the next time; where that cannot be, the next time takes longer."""
        files = {}
        for task, seen in survey.tasks.items():
            for one in seen:
                stat = one.path.stat()
                if max(stat.st_mtime_ns, stat.st_ctime_ns) < self.noted - _SETTLED_NS:
                    files[f"{task}/{one.path.name}"] = (_identity(stat), one.state, one.digest)
        summaries = {task: found for task, found in self._summaries.items() if task in survey.tasks}
        stored = _Stored(FORMAT, str(self.folder.resolve()), files, summaries, self._page)
        try:
            whole_file.write(self.place, _adapter().dump_json(stored).decode())
        except OSError:
            return


def cache_folder() -> Path:
    """Where indexes lie: below the user's cache folder."""
    return platformdirs.user_cache_path("dqbench") / "boards"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _identity(stat: os.stat_result) -> Identity:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


@cache
def _adapter() -> TypeAdapter[_Stored]:
    return TypeAdapter(_Stored)
