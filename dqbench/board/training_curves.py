"""Training curves of a cell, read from its records' files when they are shown: boards are read without them."""

from __future__ import annotations

from pathlib import Path

from dqbench import records
from dqbench.board.reading import Entry
from dqbench.board.sections import CellKey, Section
from dqbench.records import Record, Run


class TrainingCurves:
    """The curves of a section's cells."""

    def __init__(self, section: Section) -> None:
        self._parts = section.parts
        self._entries = {(entry.record.key, entry.record.trust): entry for entry in section.entries}

    def added_to(self, record: Record, cell_key: CellKey) -> Record:
        """The record of a cell, perhaps pooled, with the curves of its runs.

        Raises:
            UsageError: a file that was removed or damaged since it was read.
        """
        parts = self._parts.get(cell_key) or (self._entries[record.key, record.trust],)
        curves = {run.seed: run.curve for part in parts for run in _whole(part).runs}
        runs = [Run.model_construct(**{**dict(run), "curve": curves[run.seed]}) for run in record.runs]
        return Record.model_construct(**{**dict(record), "runs": runs})


def _whole(entry: Entry) -> Record:
    """The record as it was written; one that was never on a disk has its curves."""
    read = all(run.curve is not None for run in entry.record.runs)
    return entry.record if read else records.read(Path(entry.origin))
