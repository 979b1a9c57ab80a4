"""Draws the figures of the explanation: from the power of a paired t-test, and from the committed records."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import dqbench
from dqbench.board import files, plots
from dqbench.board.board import build
from dqbench.board.heatmap import heatmap
from dqbench.board.reading import load
from dqbench.power import POWER, power

RECORDS = Path(__file__).parent.parent / "leaderboards" / "records"
SEEDS = range(3, 21)
SPREADS = (0.3, 0.7, 1.5)
TESTS = 48
mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "dqbench", "axes.spines.top": False, "axes.spines.right": False, "font.size": 9})


def draw(folder: Path) -> None:
    """Write ``power.svg`` and ``pairing.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in (("power", _power), ("pairing", _pairing)):
        figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
        paint(axes)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)


def draw_boards(folder: Path) -> None:
    """Write one of each of ``dqbench plot``'s pictures, of the committed digits board at ``paper``."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = files.by_task(load(RECORDS, "digits-xarch"))["digits-xarch"]
    board = build(next(section for section in sections if section.setting.profile == "paper"))
    plots.check(folder / "any.svg")
    for name, picture in (("ratio-curve", plots.ratio_curve), ("pareto", plots.pareto), ("heatmap", heatmap)):
        plots.save(picture(board), folder / f"{name}.svg")


def _power(axes: Axes) -> None:
    for place, sd in enumerate(SPREADS):
        for alpha, style in ((0.05, "-"), (0.05 / TESTS, "--")):
            seen = [_smallest(sd, seeds, alpha) for seeds in SEEDS]
            label = f"spread {sd} points" if style == "-" else None
            axes.plot(list(SEEDS), seen, style, color=f"C{place}", label=label)
    axes.set(xlabel="seeds", ylabel="difference in points", yscale="log", xticks=list(range(4, 21, 2)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(frameon=False)


def _smallest(sd: float, seeds: int, alpha: float) -> float:
    """The difference that is found in four of five tries, by bisection."""
    low, high = 0.0, 1000.0 * sd
    while high - low > 1e-3 * sd:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, sd, seeds, alpha) >= POWER else (middle, high)
    return high


def _pairing(axes: Axes) -> None:
    table = dqbench.results(RECORDS)
    table = table[(table["task"] == "digits-xarch") & (table["profile"] == "paper") & (table["trust"] == "measured")]
    where = ["arch", "budget", "recipe"]
    spreads = []
    for _, cells in table.groupby(where):
        scores = cells.pivot_table(index="seed", columns=["method", "variant"], values="score")
        twin = next((name for name in scores if name[0] == "random" and not name[1]), None)
        for name in scores if twin else ():
            if name[0] not in ("random", "full"):
                apart = (scores[name].var() + scores[twin].var()) ** 0.5
                spreads.append((apart, (scores[name] - scores[twin]).std()))
    points = pd.DataFrame(spreads, columns=["apart", "paired"]).dropna()
    axes.plot(points["apart"], points["paired"], ".", alpha=0.7)
    ratio = (points["paired"] / points["apart"]).median()
    axes.set_title(f"{len(points)} cells; median of the ratios {ratio:.2f}", fontsize=9)
    axes.axline((0, 0), slope=1, color="0.5", linewidth=0.8)
    axes.set(xlabel="spread if drawn apart, points", ylabel="spread of the pairs, points")
