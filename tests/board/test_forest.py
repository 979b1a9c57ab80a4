"""The picture of a board: every interval where its numbers say, well formed, the same from the same records."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dqbench import records
from dqbench.board import files, forest
from dqbench.board.board import Board, build
from dqbench.board.reading import entries_of
from dqbench.board.sections import split
from dqbench.records import Record

MakeRecord = Callable[..., Record]
SVG = "{http://www.w3.org/2000/svg}"
NOISE = [0.3, -0.2, 0.1, -0.3, 0.1]


def _records(make: MakeRecord, lifts: dict[str, float], keep: float = 0.1, **facts: object) -> list[Record]:
    shifted = {method: NOISE[turn:] + NOISE[:turn] for turn, method in enumerate(lifts)}
    return [make(m, keep, [50 + lifts[m] + x for x in shifted[m]], profile="proxy", **facts) for m in lifts]


def _board(found: list[Record]) -> Board:
    (section,) = split(entries_of(found))
    return build(section)


def _groups(svg: str) -> dict[str, ElementTree.Element]:
    """What is drawn of each cell, by the words of its title."""
    root = ElementTree.fromstring(svg)
    return {(group.find(f"{SVG}title").text or ""): group for group in root.iter(f"{SVG}g")}  # type: ignore[union-attr]


def test_dots_are_where_their_differences_are_and_filled_where_marked(make: MakeRecord) -> None:
    found = _groups(forest.picture(_board(_records(make, {"random": 0, "dq": 4.0, "graphcut": -2.0, "adq": 0.05}))))
    x, fill = {}, {}
    for title, group in found.items():
        method, value = re.match(r"(\S+), keep 0.1: ([+-]?[\d.]+)", title).groups()  # type: ignore[union-attr]
        circle = group.find(f"{SVG}circle")
        assert circle is not None
        x[float(value)], fill[method] = float(circle.get("cx", "")), circle.get("fill")
    values = sorted(x)
    assert len(values) == 3
    steps = [(x[b] - x[a]) / (b - a) for a, b in itertools.pairwise(values)]
    assert steps[0] == pytest.approx(steps[1], rel=0.05), "one scale"
    assert fill == {"dq": forest.COLOURS["above"], "graphcut": forest.COLOURS["below"], "adq": "#fff"}


def test_an_interval_beyond_the_panel_ends_in_an_arrow(make: MakeRecord) -> None:
    wild = {f"method-{i}": 0.1 * i for i in range(19)}
    made = _records(make, {"random": 0, **wild})
    made.append(make("wild", 0.1, [30.0, 70.0, 45.0, 62.0, 41.0], profile="proxy"))
    arrows = {title.split(",")[0]: len(list(group.iter(f"{SVG}path"))) - 1 for title, group in _groups_of(made).items()}
    assert arrows.pop("wild") == 2
    assert not any(arrows.values())


def _groups_of(made: list[Record]) -> dict[str, ElementTree.Element]:
    return _groups(forest.picture(_board(made)))


def test_names_cannot_write_the_picture(make: MakeRecord) -> None:
    hostile = '</text><script>alert("&")</script>'
    found = _groups_of(
        [*_records(make, {"random": 0, "dq": 1.0}), make(hostile, 0.1, [51, 51.1, 51.3, 50.9, 51.2], profile="proxy")]
    )
    assert any(hostile in title for title in found)


def test_without_intervals_there_is_no_picture(grid: list[Record]) -> None:
    assert forest.picture(_board(grid)) == ""


def test_the_file_lies_beside_the_board_and_goes_with_it(make: MakeRecord, tmp_path: Path) -> None:
    folder, out = tmp_path / "records", tmp_path / "out"
    for record in _records(make, {"random": 0, "dq": 4.0}):
        records.write(record, folder)
    files.write(files.generate(folder, out=out), out)
    svg = (out / "cifar10-xarch.svg").read_text()
    assert "(cifar10-xarch.svg)" in (out / "cifar10-xarch.md").read_text()
    assert "(cifar10-xarch.svg)" in (out / "README.md").read_text()
    assert not files.differences(files.generate(folder, out=out), out)
    (out / "cifar10-xarch.svg").write_text(svg.replace("#fff", "#eee"))
    assert [d.name for d in files.differences(files.generate(folder, out=out), out)] == ["cifar10-xarch.svg"]
    (out / "cifar10-xarch.svg").unlink()
    files.write(files.generate(folder, out=out), out)
    assert (out / "cifar10-xarch.svg").read_text() == svg
