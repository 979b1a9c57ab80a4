"""One picture of a board as SVG: differences to random with their intervals, a panel for each budget and network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from xml.sax.saxutils import escape, quoteattr

from dqbench.board import answer, text
from dqbench.board.board import Board, CellNumbers, Mark
from dqbench.board.sections import Network, Row
from dqbench.board.tables import row_name
from dqbench.specs import Budget

GENERATED = "<!-- Made by dqbench leaderboard from the records; do not edit. -->"

ROW, PANEL, GAP, HEAD, FOOT, MARGIN = 18, 150, 14, 22, 34, 12
"""Height of a method's line, width of a panel and what lies between, above, below and around panels, in pixels."""

CHARACTER = 6.4
COLOURS: dict[Mark, str] = {"above": "#00785a", "below": "#c04a00", "": "#5a5a5a"}
STYLE = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#222}.b{font-weight:600}"
    ".t{font-size:10.5px;fill:#555}.z{stroke:#888}.g{stroke:#e4e4e4}"
)

LEGEND = "Filled: distinguishable after Holm, green above, red below. Hollow: not distinguishable."


@dataclass(frozen=True)
class _Panels:
    """What is drawn: the methods from best to worst, and what is measured of them where."""

    board: Board
    rows: Sequence[Row]
    networks: Sequence[Network]
    budgets: Sequence[Budget]

    @property
    def left(self) -> float:
        """Where the first panel begins."""
        names = [*map(row_name, self.rows), *(network.label for network in self.networks)]
        return MARGIN + CHARACTER * max(map(len, names)) + 10

    @property
    def band(self) -> int:
        """Height of the panels of one network, with their titles and ticks."""
        return HEAD + ROW * len(self.rows) + FOOT

    @cached_property
    def ends(self) -> dict[Budget, float]:
        """What the panels of each budget reach to, on all networks."""
        return {b: _scale(self.cells(self.networks, [b]), 10.0**-self.board.decimals) for b in self.budgets}

    def cells(self, networks: Sequence[Network], budgets: Sequence[Budget]) -> list[CellNumbers]:
        """Those with an interval."""
        found = (self.board.with_interval(row, n, b) for row in self.rows for n in networks for b in budgets)
        return [cell for cell in found if cell]


def picture(board: Board) -> str:
    """The picture as SVG text; empty where no difference has an interval."""
    panels = _panels(board)
    if panels is None:
        return ""
    width = panels.left + len(panels.budgets) * (PANEL + GAP) + MARGIN
    height = 2 * MARGIN + len(panels.networks) * panels.band + 16
    label = f"Differences to random selection with 95 % intervals: {board.section.setting.task}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'height="{height}" role="img" aria-label={quoteattr(label)}>'
    )
    lines = [GENERATED, head, f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="#fff"/>']
    for number, network in enumerate(panels.networks):
        lines += _band(panels, network, MARGIN + number * panels.band)
    lines += [_text(panels.left, height - MARGIN, _legend(board), "t"), "</svg>"]
    return "\n".join(lines) + "\n"


def _legend(board: Board) -> str:
    words = board.measure.against_random
    better = " Above 0 is better." if board.measure.lower_is_better else ""
    return f"{words[0].upper()}{words[1:]}.{better} {LEGEND}"


def _panels(board: Board) -> _Panels | None:
    main = answer.main_network(board)
    if main is None:
        return None
    every = _Panels(board, answer.compared(board), board.section.networks, board.section.budgets)
    networks = [network for network in every.networks if every.cells([network], every.budgets)]
    budgets = [b for b in every.budgets if any(board.with_interval(row, n, b) for row in every.rows for n in networks)]
    rows = [row for row in every.rows if any(board.with_interval(row, n, b) for n in networks for b in budgets)]
    rows.sort(key=lambda row: -_average(board, row, networks, budgets))
    return _Panels(board, rows, networks, budgets) if networks else None


def _average(board: Board, row: Row, networks: Sequence[Network], budgets: Sequence[Budget]) -> float:
    cells = [board.cell(row, network, budget) for network in networks for budget in budgets]
    deltas = [cell.delta.mean for cell in cells if cell and cell.delta]
    return sum(deltas) / len(deltas)


def _band(panels: _Panels, network: Network, top: float) -> Iterator[str]:
    """The panels of one network, side by side; those of one budget have one scale."""
    yield _text(MARGIN, top + 14, network.label, "b")
    for number, row in enumerate(panels.rows):
        yield _text(MARGIN, top + HEAD + ROW * number + 13, row_name(row))
    for number, budget in enumerate(panels.budgets):
        left = panels.left + number * (PANEL + GAP)
        yield _text(left + PANEL / 2, top + 14, text.budget(budget), "b", "middle")
        end = panels.ends[budget]
        yield from _axis(left, top + HEAD, ROW * len(panels.rows), end)
        for place, row in enumerate(panels.rows):
            if cell := panels.board.with_interval(row, network, budget):
                name = f"{row_name(row)}, {text.budget(budget)}: {_difference(panels.board, cell)}"
                yield from _mark(cell, left, top + HEAD + ROW * (place + 0.5), end, name)


def _difference(board: Board, cell: CellNumbers) -> str:
    return board.measure.amount(text.points(cell.delta, board.decimals))


def _scale(cells: Sequence[CellNumbers], least: float) -> float:
    """What the panels reach to: a round number that holds nine in ten of the intervals, and all means."""
    reaches = sorted(abs(cell.delta.mean) + (cell.delta.half or 0.0) for cell in cells if cell.delta)
    means = max(abs(cell.delta.mean) for cell in cells if cell.delta)
    wanted = max(reaches[math.ceil(0.9 * len(reaches)) - 1], 1.1 * means, least)
    size = 10.0 ** math.floor(math.log10(wanted))
    return next(step * size for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * size >= wanted)


def _axis(left: float, top: float, height: float, end: float) -> Iterator[str]:
    for share, value in ((-1.0, -end), (-0.5, None), (0.0, 0.0), (0.5, None), (1.0, end)):
        x = left + PANEL * (share + 1) / 2
        kind = "g" if share else "z"
        yield f'<path d="M{text.fixed(x, 1)} {top:.0f}v{height:.0f}" class="{kind}"/>'
        if value is not None:
            words = f"{value:+g}".replace("-", "−") if value else "0"
            yield _text(x, top + height + 13, words, "t", "middle" if not share else "start" if share < 0 else "end")


def _mark(cell: CellNumbers, left: float, y: float, end: float, name: str) -> Iterator[str]:
    """A dot with its interval; ends beyond the panel are arrows."""
    if cell.delta is None or cell.interval is None:
        return
    colour, middle = COLOURS[cell.mark], left + PANEL / 2
    low, high = cell.interval
    start, stop, x = (
        text.fixed(middle + PANEL / 2 * min(1.0, max(-1.0, value / end)), 1) for value in (low, high, cell.delta.mean)
    )
    yield f"<g stroke='{colour}'><title>{escape(name)}</title>"
    yield f'<path d="M{start} {y:.1f}H{stop}" stroke-width="2"/>'
    for beyond, tip, way in ((low < -end, start, 1), (high > end, stop, -1)):
        if beyond:
            yield f'<path d="M{tip} {y:.1f}l{6 * way} -4v8z" fill="{colour}"/>'
    yield f'<circle cx="{x}" cy="{y:.1f}" r="4" fill="{colour if cell.mark else "#fff"}" stroke-width="1.6"/></g>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    styled = f' class="{kind}"' if kind else ""
    return f'<text x="{text.fixed(x, 1)}" y="{text.fixed(y, 1)}" text-anchor="{anchor}"{styled}>{escape(words)}</text>'
