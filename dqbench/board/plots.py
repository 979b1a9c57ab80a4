"""Pictures for papers, drawn by matplotlib: curves over the keep ratio, accuracy against cost, architectures, bins."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dqbench import whole_file
from dqbench.board import costs, text
from dqbench.board.board import Board
from dqbench.board.pairing import seconds
from dqbench.board.sections import Network, Row
from dqbench.board.sentences import title
from dqbench.board.statistics import Estimate
from dqbench.board.sweeps import Sweep, places, show
from dqbench.errors import UsageError
from dqbench.references import FULL, TWIN

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
REFERENCE_COLOURS = {TWIN: "#555555", FULL: "#111111"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F00")
"""Okabe and Ito's colours, which readers with any kind of colour vision tell apart."""
MARKERS = "os^Dvp<>"
CHARACTERS = 18
"""Characters of a title on an inch."""

Cost = Literal["seconds", "bytes"]


def check(out: Path) -> None:
    """Whether there is a matplotlib, and a format it writes.

    Raises:
        UsageError: there is none, or the ending is another.
    """
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"{out} does not end in {', '.join(FORMATS)}; the ending says which picture is written")
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError("dqbench plot needs matplotlib; run: pip install 'dqbench[plots]'") from error
    matplotlib.use("agg")
    matplotlib.rc("svg", hashsalt="dqbench")
    matplotlib.rc("savefig", dpi=200)
    matplotlib.rc("font", size=9)
    matplotlib.rc("axes.spines", top=False, right=False)
    matplotlib.rc("pdf", fonttype=42)


def save(figure: Figure, out: Path) -> None:
    """Write a figure; equal figures give equal files.

    Raises:
        UsageError: it cannot be written.
    """
    nothing: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(out.suffix.lower(), {})
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file.appearing(out) as temporary:
            figure.savefig(temporary, bbox_inches="tight", metadata=nothing or None)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}; give another -o FILE") from error


def ratio_curve(board: Board) -> Figure:
    """Score against keep ratio, a panel for each network: bands are 95 % intervals, or ranges below three seeds.

    Raises:
        UsageError: the board has no keep ratio.
    """
    budgets = [budget for budget in board.section.budgets if budget.kind == "ratio"]
    if not budgets:
        raise UsageError(f"{title(board.section.setting)} has no keep ratio to draw")

    def draw(axes: Axes, network: Network) -> None:
        for row in board.section.rows:
            cells = [(b.value, cell.score) for b in budgets if (cell := board.cell(row, network, b))]
            if cells:
                _curve(axes, board, row, [ratio for ratio, _ in cells], [score for _, score in cells])
        axes.set_xscale("log")
        shown = _apart([b.value for b in budgets])
        axes.set_xticks([b.value for b in budgets], [f"{b.value:g}" if b.value in shown else "" for b in budgets])
        axes.minorticks_off()
        axes.set_xlabel("keep ratio")

    drawn = {network for row, network, budget in board.section.done if budget in budgets}
    networks = [network for network in board.section.networks if network in drawn]
    return _panels(board, draw, f"{_score(board)}\n{_spread(board)}", networks)


def _apart(values: Sequence[float]) -> set[float]:
    """Those of ascending values that are far enough from the one before to be read on a logarithmic axis."""
    kept: list[float] = []
    room = math.log(values[-1] / values[0]) / 9 if values else 0.0
    for value in values:
        if not kept or math.log(value / kept[-1]) >= room:
            kept.append(value)
    return set(kept)


def sweep_curve(board: Board, sweep: Sweep) -> Figure:
    """Score against the values of a swept option, a panel for each network, a line for each budget; dotted: random."""
    shared = places(board.section, sweep)
    numeric = all(isinstance(value, int | float) for value in sweep.values)
    x = [float(value) if numeric else float(at) for at, value in enumerate(sweep.values)]

    def draw(axes: Axes, network: Network) -> None:
        budgets = [budget for budget in board.section.budgets if (network, budget) in shared]
        for number, budget in enumerate(budgets):
            colour = COLOURS[number % len(COLOURS)]
            cells = [(at, board.cell(row, network, budget)) for at, row in zip(x, sweep.rows, strict=True)]
            known = [(at, cell.score) for at, cell in cells if cell]
            shift = 0.0 if numeric else 0.12 * (number - (len(budgets) - 1) / 2)
            _swept(axes, numeric, [at + shift for at, _ in known], [s for _, s in known], colour, text.budget(budget))
            twin = board.cell(board.section.twin, network, budget) if board.section.twin else None
            if twin:
                axes.axhline(twin.score.mean, linestyle=":", color=colour, linewidth=1)
        axes.set_xticks(x, [show(value) for value in sweep.values])
        axes.set_xlabel(sweep.option)

    networks = [network for network in board.section.networks if any(network == one for one, _ in shared)]
    figure = _panels(board, draw, f"{_score(board)}\n{_spread(board)}", networks)
    return titled(figure, f"{title(board.section.setting)}\n{sweep.title}; dotted: random")


def _swept(axes: Axes, numeric: bool, x: Sequence[float], scores: Sequence[Estimate], colour: str, label: str) -> None:
    """A banded line over numbers; over names, which have no order, points with bars beside each other."""
    if numeric:
        _banded(axes, x, scores, "-", colour, "o", label)
        return
    ends = [_ends(score) for score in scores]
    bars = [[s.mean - low for s, (low, _) in zip(scores, ends, strict=True)],
            [high - s.mean for s, (_, high) in zip(scores, ends, strict=True)]]  # fmt: skip
    axes.errorbar(x, [s.mean for s in scores], bars, fmt="o", color=colour, markersize=4, capsize=2, label=label)


def _curve(axes: Axes, board: Board, row: Row, x: Sequence[float], scores: Sequence[Estimate]) -> None:
    colour, marker = _look(board, row)
    style = "--" if row.is_full else ":" if row.control_of else "-"
    _banded(axes, x, scores, style, colour, "" if row.is_full else marker, row.label)


def _banded(
    axes: Axes, x: Sequence[float], scores: Sequence[Estimate], style: str, colour: str, marker: str, label: str
) -> None:
    """A line of means, in a band from end to end of each score."""
    low, high = zip(*(_ends(score) for score in scores), strict=True)
    axes.plot(x, [s.mean for s in scores], style, color=colour, marker=marker, markersize=4, label=label)
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _ends(score: Estimate) -> tuple[float, float]:
    return score.interval or (score.least, score.most)


def _spread(board: Board) -> str:
    counts = {cell.score.count for cell in board.cells.values()}
    seeds = f"{min(counts)} seeds" if len(counts) == 1 else f"{min(counts)} to {max(counts)} seeds"
    return f"band: {'95 % interval' if min(counts) > 2 else 'range'} over {seeds}"


def pareto(board: Board, cost: Cost = "seconds") -> Figure:
    """Score against seconds to compress or bytes to store, a panel for each network, with the front drawn.

    A method's points are joined, and the larger the mark, the larger the budget. Seconds are those of observing,
    preparing and compressing, all that is on a cell's path.

    Raises:
        UsageError: no cell has that cost.
    """

    budgets = [text.budget(budget) for budget in board.section.budgets]
    sizes = {name: 10.0 + 60.0 * place / max(1, len(budgets) - 1) for place, name in enumerate(budgets)}

    def draw(axes: Axes, network: Network) -> None:
        points: list[tuple[float, float, str]] = []
        for row in board.section.rows:
            found = _costs(board, row, network, cost)
            colour, marker = _look(board, row)
            if found:
                xs, ys = [x for x, _, _ in found], [y for _, y, _ in found]
                axes.plot(xs, ys, "-", color=colour, linewidth=0.6, alpha=0.6)
                axes.scatter(xs, ys, color=colour, marker=marker, s=[sizes[name] for _, _, name in found])
                axes.plot([], [], color=colour, marker=marker, linestyle="", markersize=5, label=row.label)
            points += found
        front = _front([(x, y) for x, y, _ in points], board.measure.sign)
        axes.step([x for x, _ in front], [y for _, y in front], "-", where="post", color="#999999", lw=1, label="front")
        axes.set_xscale("log")
        axes.set_xlabel("seconds to compress" if cost == "seconds" else "bytes to store")
        axes.annotate(
            f"larger marks: {budgets[0]} to {budgets[-1]}",
            (0.98, 0.03),
            xycoords="axes fraction",
            fontsize=6,
            ha="right",
        )

    if not any(_costs(board, row, network, cost) for row in board.section.rows for network in board.section.networks):
        raise UsageError(f"{title(board.section.setting)}: no record has {cost} to draw")
    return _panels(board, draw, _score(board))


def _costs(board: Board, row: Row, network: Network, cost: Cost) -> list[tuple[float, float, str]]:
    found = []
    for budget in board.section.budgets if not row.is_full else ():
        cell, record = board.cell(row, network, budget), board.section.record(row, network, budget)
        if cell and record:
            roles = [role for group in costs.ROLES.values() for role in group]
            x = cell.bytes if cost == "bytes" else seconds(record, roles)
            found += [(x, cell.score.mean, text.budget(budget))] if x else []
    return found


def _front(points: Sequence[tuple[float, float]], sign: float = 1.0) -> list[tuple[float, float]]:
    """The points that none is both cheaper and better than, cheapest first; by ``sign`` higher or lower is better."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not front or sign * y > sign * front[-1][1]:
            front.append((x, y))
    return front or [(1.0, 0.0)]


def bins(
    points: npt.NDArray[np.float64], bin_: npt.NDArray[np.int64] | None, kept: npt.NDArray[np.bool_], words: str
) -> Figure:
    """Samples at their places (n, 2), coloured by bin (n,) where there are bins, and by kept or dropped (n,)."""
    import matplotlib.pyplot as plt

    count = 1 if bin_ is None else 2
    figure, panels = plt.subplots(1, count, figsize=(4.2 * count + 0.6, 4.2), squeeze=False, layout="constrained")
    if bin_ is not None:
        shown = panels[0][0].scatter(*points.T, c=bin_ + 1, cmap="viridis", s=5, linewidths=0)
        figure.colorbar(shown, ax=panels[0][0], label="bin, in the order of their making", shrink=0.9)
    axes = panels[0][-1]
    axes.scatter(*points[~kept].T, color="#C8C8C8", s=4, linewidths=0, label=f"dropped ({int((~kept).sum()):,})")
    axes.scatter(*points[kept].T, color=COLOURS[1], s=7, linewidths=0, label=f"kept ({int(kept.sum()):,})")
    axes.legend(fontsize=7, markerscale=2, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2)
    for axes in panels[0]:
        axes.set_axis_off()
    return titled(figure, words)


def _panels(
    board: Board, draw: Callable[[Axes, Network], None], label: str, networks: Sequence[Network] = ()
) -> Figure:
    import matplotlib.pyplot as plt

    networks = networks or board.section.networks
    columns = min(3, len(networks))
    lines = -(-len(networks) // columns)
    shape = (3.6 * columns + 1.2, 3.0 * lines + 0.5)
    figure, grid = plt.subplots(lines, columns, figsize=shape, squeeze=False, layout="constrained")
    panels = list(grid.flat)
    for axes, network in zip(panels, networks, strict=False):
        draw(axes, network)
        axes.set_title(network.label, fontsize=9)
        axes.grid(True, color="#EEEEEE", linewidth=0.6)
    for axes in panels[len(networks) :]:
        axes.set_axis_off()
    panels[0].set_ylabel(label, fontsize=8)
    found = {name: line for axes in panels for line, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(found.values()), list(found), loc="outside right center", fontsize=7, frameon=False)
    return titled(figure, title(board.section.setting))


def _score(board: Board) -> str:
    return board.measure.axis(board.section.setting.metric)


def titled(figure: Figure, words: str) -> Figure:
    """The figure with a title, its lines no longer than the figure is wide."""
    most = int(CHARACTERS * figure.get_figwidth())
    figure.suptitle("\n".join(textwrap.fill(line, most) for line in words.splitlines()), fontsize=8)
    return figure


def _look(board: Board, row: Row) -> tuple[str, str]:
    """Colour and marker: those of the references, else by the place among the other rows."""
    if row.is_full or row.is_twin:
        return REFERENCE_COLOURS[row.method], "x"
    place = [other for other in board.section.rows if not (other.is_full or other.is_twin)].index(row)
    return COLOURS[place % len(COLOURS)], MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]
