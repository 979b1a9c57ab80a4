"""The index of records saves time and nothing else: with it boards are what they are without."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dqbench import checksums, records
from dqbench.board import files, reading
from dqbench.board.index import Index
from dqbench.board.reading import Survey
from dqbench.board.sections import split
from dqbench.board.training_curves import TrainingCurves
from dqbench.errors import UsageError
from dqbench.records import Record

MakeRecord = Callable[..., Record]
LATER_NS = 10**10


class Place:
    """Records of two tasks, boards and an index, which a run of the command keeps up to date."""

    def __init__(self, make: MakeRecord, folder: Path) -> None:
        self.make, self.records, self.out, self.cache = make, folder / "records", folder / "boards", folder / "cache"
        for task in ("a", "b"):
            for method in ("random", "dq"):
                self.add(method, task)

    def add(self, method: str, task: str) -> Path:
        return records.write(self.make(method, 0.1, [1.0, 2.0, 3.0], task=task, profile="quick"), self.records)

    def open(self) -> Index:
        index = Index.open(self.records, self.cache)
        index.noted += LATER_NS  # as if the files were old
        return index

    def run(self) -> dict[str, str]:
        index = self.open()
        survey = Survey.of(self.records, known=index.known)
        texts = files.generate(survey, out=self.out, index=index)
        files.write(texts, self.out)
        index.save(survey)
        return texts


@pytest.fixture
def place(make: MakeRecord, tmp_path: Path) -> Place:
    return Place(make, tmp_path)


def _read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are read from now on."""
    found: list[str] = []
    plain = records.plain_bytes
    monkeypatch.setattr(reading.records, "plain_bytes", lambda path: found.append(Path(path).name) or plain(path))
    return found


def test_with_an_index_nothing_is_read_twice_and_one_new_record_reads_its_task_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = place.run()
    read = _read(monkeypatch)
    assert place.run() == first
    assert read == []
    new = place.add("adq", "b")
    texts = place.run()
    assert set(read) == {path.name for path in new.parent.iterdir()}
    assert texts == files.generate(place.records)
    assert texts["README.md"] != first["README.md"]


def test_a_change_that_keeps_size_and_time_is_seen(place: Place) -> None:
    place.run()
    path = place.add("dq", "a")
    place.run()
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"score": 2.0', b'"score": 9.0'))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    survey = Survey.of(place.records, known=place.open().known)
    assert survey.in_state("wrong") == [path]


def test_a_file_that_was_just_written_is_not_noted(place: Place) -> None:
    index = Index.open(place.records, place.cache)
    index.save(Survey.of(place.records))
    again = Index.open(place.records, place.cache)
    assert all(
        again.known(f"{path.parent.name}/{path.name}", path.stat()) is None for path in place.records.glob("*/*.json")
    )


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', "\x00"])
def test_a_damaged_index_is_as_good_as_none(place: Place, damage: str) -> None:
    first = place.run()
    (stored,) = place.cache.glob("*.json")
    stored.write_text(damage)
    assert place.run() == first


def test_an_index_of_another_folder_or_format_is_not_used(place: Place) -> None:
    place.run()
    (stored,) = place.cache.glob("*.json")
    for change in ({"format": 0}, {"folder": "/elsewhere"}):
        stored.write_text(json.dumps({**json.loads(stored.read_text()), **change}))
        assert not place.open()._files
        place.run()


def test_a_record_in_another_tasks_folder_is_refused(place: Place) -> None:
    path = place.add("adq", "b")
    path.rename(place.records / "a" / path.name)
    with pytest.raises(UsageError, match="is of task 'b'; move it"):
        place.run()


def test_a_record_without_its_curves_is_the_same_in_all_else(place: Place) -> None:
    curve = [{"epoch": 1.0, "loss": 2.5, "accuracy": 0.5, "lr": 0.1}]
    record = place.make("dq", 0.1, [1.0, 2.0])
    record = record.model_copy(update={"runs": [run.model_copy(update={"curve": curve}) for run in record.runs]})
    path = records.write(record, place.records)
    lean = records.parse_without_curves(path.read_bytes(), path)
    assert [run.curve for run in lean.runs] == [None, None]
    without = {"runs": {"__all__": {"curve"}}}
    assert lean.model_dump(exclude=without) == record.model_dump(exclude=without)
    (section,) = split(reading.load(place.records, "cifar10-xarch"))
    ((cell_key, found),) = section.done.items()
    shown = TrainingCurves(section).added_to(found, cell_key)
    assert [run.model_dump() for run in shown.runs] == [run.model_dump() for run in record.runs]


@pytest.mark.parametrize("line", ['"seed": 0', '"method": "dq"'])
def test_what_a_whole_read_refuses_is_refused_without_curves_too(place: Place, line: str) -> None:
    path = place.add("dq", "a")
    text = checksums.without(path.read_bytes()).replace(line.encode(), b'"stranger": 1, ' + line.encode())
    for parse in (records.parse, records.parse_without_curves):
        with pytest.raises(UsageError, match="is no readable record"):
            parse(text, path)
