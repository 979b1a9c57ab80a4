"""Pictures: they are made in every format, show what the board says, and say what is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dqbench.board import plots
from dqbench.board.board import Board, build
from dqbench.board.heatmap import heatmap
from dqbench.board.reading import entries_of
from dqbench.board.sections import split
from dqbench.errors import UsageError
from dqbench.records import Record
from dqbench.specs import Budget

MakeRecord = Callable[..., Record]
matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not there: PICTURES WERE NOT TESTED")


@pytest.fixture(autouse=True)
def ready(tmp_path: Path) -> None:
    plots.check(tmp_path / "a.png")


def _board(found: list[Record]) -> Board:
    (section,) = split(entries_of(found))
    return build(section)


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_every_format_is_written_and_equal_figures_are_equal_files(
    grid: list[Record], tmp_path: Path, suffix: str, start: bytes
) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
    for path in files:
        plots.save(plots.ratio_curve(_board(grid)), path)
    assert files[0].read_bytes().startswith(start)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_curve_goes_through_the_means_and_its_band_is_the_range_of_two_seeds(grid: list[Record]) -> None:
    figure = plots.ratio_curve(_board(grid))
    axes = figure.axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"full", "random", "adq", "adq-shuffled", "dq"}
    np.testing.assert_allclose(lines["adq"].get_xydata(), [[0.1, 41.7], [0.3, 47.7]])
    np.testing.assert_allclose(lines["full"].get_ydata(), [70.2, 70.2])
    band = axes.collections[[line.get_label() for line in axes.get_lines()].index("adq")].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((41.5, 47.9))
    assert "range over 2 seeds" in axes.get_ylabel()


def test_a_band_is_the_interval_from_three_seeds_on(make: MakeRecord) -> None:
    figure = plots.ratio_curve(_board([make("random", keep, [50.0, 51.0, 52.0]) for keep in (0.1, 0.3)]))
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(51 + 4.302653 / 3**0.5, abs=1e-5)
    assert "95 % interval" in figure.axes[0].get_ylabel()


def test_the_front_holds_what_none_is_cheaper_and_better_than() -> None:
    points = [(1.0, 50.0), (2.0, 40.0), (3.0, 60.0), (3.0, 55.0), (9.0, 60.0), (10.0, 61.0)]
    assert plots._front(points) == [(1.0, 50.0), (3.0, 60.0), (10.0, 61.0)]


@pytest.mark.parametrize(("cost", "x"), [("seconds", 15.5), ("bytes", 250 * 3073)])
def test_points_lie_at_their_cost(grid: list[Record], cost: plots.Cost, x: float) -> None:
    axes = plots.pareto(_board(grid), cost).axes[0]
    first = [c.get_offsets()[0].tolist() for c in axes.collections]
    assert pytest.approx([x, 41.7]) in first


def test_a_network_without_a_keep_ratio_has_no_panel(grid: list[Record], make: MakeRecord) -> None:
    other = make("random", Budget.ipc(10), [30.0, 31.0], "convnet3-in-slim")
    figure = plots.ratio_curve(_board([*grid, other]))
    assert [axes.get_title() for axes in figure.axes] == ["resnet10-slim", "convnet3-slim"]


def test_no_two_of_many_methods_are_drawn_alike(make: MakeRecord) -> None:
    found = [make(f"method-{i:02}", 0.1, [50.0 + i, 51.0 + i]) for i in range(40)]
    board = _board([make("random", 0.1, [1.0, 2.0]), *found])
    assert len({plots._look(board, row) for row in board.section.rows}) == 41


def test_ticks_that_would_overlap_are_left_without_words() -> None:
    assert plots._apart([0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8]) == {0.02, 0.05, 0.1, 0.2, 0.4, 0.8}


def test_a_heat_map_is_coloured_by_the_difference_to_random(grid: list[Record]) -> None:
    figure = heatmap(_board(grid))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["adq", "adq-shuffled", "dq"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[1.4, 1.4], [0.35, 0.35], [0.4, 0.4]])
    assert [words.get_text() for words in axes.texts[:2]] == ["+1.4", "+1.4"], "number and colour agree"


def test_bins_show_kept_and_dropped() -> None:
    rng = np.random.default_rng(0)
    kept = np.arange(40) < 10
    figure = plots.bins(rng.normal(size=(40, 2)), np.arange(40) % 4, kept, "words")
    both = figure.axes[1].get_legend_handles_labels()[1]
    assert both == ["dropped (30)", "kept (10)"]
    assert len(plots.bins(rng.normal(size=(40, 2)), None, kept, "words").axes) == 1


def test_what_cannot_be_drawn_is_said(make: MakeRecord, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no keep ratio"):
        plots.ratio_curve(_board([make("random", Budget.ipc(5), [1.0, 2.0])]))
    with pytest.raises(UsageError, match="has no method to draw"):
        heatmap(_board([make("random", 0.1, [1.0, 2.0])]))
    with pytest.raises(UsageError, match="no record has seconds"):
        plots.pareto(_board([make("full", 1, [1.0, 2.0])]))
    with pytest.raises(UsageError, match=r"does not end in \.png"):
        plots.check(tmp_path / "a.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        plots.save(plots.ratio_curve(_board([make("random", 0.1, [1.0, 2.0])])), tmp_path / "file" / "a.png")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'dqbench\[plots\]'"):
        plots.check(tmp_path / "a.png")
