"""Rows that differ in one option are one sweep; what differs in more is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqbench.board import plots
from dqbench.board.board import Board, build
from dqbench.board.markdown import document
from dqbench.board.published import load
from dqbench.board.reading import Entry
from dqbench.board.sections import split
from dqbench.board.sweeps import Sweep, sweep_table, sweeps
from dqbench.records import Record


@pytest.fixture
def record(make):  # type: ignore[no-untyped-def]
    def one(method: str, score: float, keep: float = 0.1, **config: object) -> Record:
        observer = config.pop("observer", "resnet10-slim")
        words = ", ".join(f"{name}={value}" for name, value in config.items())
        made: Record = make(
            method, keep, [score, score + 1], config=config, variant=words,
            **({"observer_arch": observer} if method not in ("random", "full") else {}),
        )  # fmt: skip
        return made

    return one


def board(*records: Record) -> Board:
    (section,) = split([Entry(r, f"{i}.json", str(i)) for i, r in enumerate(records)])
    return build(section)


def found(*records: Record) -> list[Sweep]:
    return sweeps(board(*records).section)


def test_values_of_one_option_are_a_sweep_in_their_order(record) -> None:  # type: ignore[no-untyped-def]
    (sweep,) = found(*(record("dq", 50.0 + b, bins=b) for b in (10, 1, 5)), record("random", 40.0), record("adq", 1.0))
    assert (sweep.method, sweep.option, sweep.held, sweep.values) == ("dq", "bins", "", (1, 5, 10))
    assert [row.label for row in sweep.rows] == ["dq[bins=1]", "dq[bins=5]", "dq[bins=10]"]


def test_no_sweep_without_two_values(record) -> None:  # type: ignore[no-untyped-def]
    assert not found(record("dq", 50.0, bins=5), record("dq", 51.0, keep=0.2, bins=5), record("random", 40.0))


def test_a_grid_of_two_options_is_a_sweep_of_each_at_every_value_of_the_other(record) -> None:  # type: ignore[no-untyped-def]
    made = found(*(record("adq", 50.0, bins=b, alpha=a) for b in (5, 10) for a in (0.0, 0.5, 1.0)))
    assert sorted((s.option, s.held, s.values) for s in made) == [
        ("alpha", "bins=10", (0.0, 0.5, 1.0)),
        ("alpha", "bins=5", (0.0, 0.5, 1.0)),
        ("bins", "alpha=0.0", (5, 10)),
        ("bins", "alpha=0.5", (5, 10)),
        ("bins", "alpha=1.0", (5, 10)),
    ]


def test_rows_that_differ_in_two_options_at_once_are_no_sweep(record) -> None:  # type: ignore[no-untyped-def]
    assert not found(record("adq", 50.0, bins=5, alpha=0.0), record("adq", 50.0, bins=10, alpha=1.0))


def test_observers_are_swept_too(record) -> None:  # type: ignore[no-untyped-def]
    (sweep,) = found(*(record("dq", 50.0, bins=5, observer=arch) for arch in ("vit", "resnet18")))
    assert (sweep.option, sweep.values, sweep.title) == (
        "observer.arch", ("resnet18", "vit"), "observer.arch of dq",
    )  # fmt: skip


def test_whole_images_begin_every_sweep_of_drop(record) -> None:  # type: ignore[no-untyped-def]
    whole = record("dq", 60.0, bins=5)
    made = found(whole, *(record("dq", 50.0, bins=5, drop=d, fill=f) for d in (0.25, 0.5) for f in ("mean", "zero")))
    drops = [s for s in made if s.option == "drop"]
    assert [(s.held, s.values) for s in drops] == [("fill=mean", (0, 0.25, 0.5)), ("fill=zero", (0, 0.25, 0.5))]


def test_the_table_has_a_line_for_each_value_and_the_references_below(record) -> None:  # type: ignore[no-untyped-def]
    made = board(*(record("dq", 50.0 + b, bins=b) for b in (1, 5)), record("random", 40.0), record("full", 90.0))
    table = sweep_table(made, sweeps(made.section)[0])
    assert [row[0] for row in table.rows] == ["1", "5", "full", "random"]
    assert table.header[0] == "bins"
    assert table.rows[1][1].startswith("55.5")
    assert "### Sweeps" in document("cifar10-xarch", [made], load())


def test_the_curve_is_drawn(record, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("matplotlib")
    made = board(*(record("dq", 50.0 + b, bins=b) for b in (1, 5)), record("random", 40.0))
    plots.check(tmp_path / "sweep.png")
    drawn = plots.sweep_curve(made, sweeps(made.section)[0])
    (line,) = [line for line in drawn.axes[0].lines if len(line.get_xdata()) == 2 and line.get_marker() == "o"]
    assert list(line.get_ydata()) == [51.5, 55.5]
    plots.save(drawn, tmp_path / "sweep.png")
