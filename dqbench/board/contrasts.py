"""The difference that a comparison speaks of, by seed, from the cells of one board."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.pairing import mean
from dqbench.board.sections import Network, Row
from dqbench.claims import ALL, OBSERVER, UNSEEN, Cells, Comparison, Pair
from dqbench.references import FULL


class Missing(Exception):
    """What a comparison needs and a board has not, in words."""


@dataclass(frozen=True)
class Contrast:
    """Differences by tested seed, above 0 where this is better, and the networks that were compared, by label."""

    values: tuple[float, ...]
    networks: tuple[str, ...]


def contrast(board: Board, comparison: Comparison) -> Contrast:
    """This - that in merit for each tested seed, each a mean over its networks, less the pair it is net of.

    Raises:
        Missing: a cell is not there, or has not all tested seeds.
    """
    own = _difference(board, comparison)
    if comparison.net_of is None:
        return own
    other = _difference(board, comparison.net_of)
    return Contrast(tuple(a - b for a, b in zip(own.values, other.values, strict=True)), own.networks)


def _difference(board: Board, pair: Pair) -> Contrast:
    observer = _observer(board, (pair.this, pair.that))
    here = _networks(board, pair.this, observer)
    there = here if pair.this.network == pair.that.network else _networks(board, pair.that, observer)
    this, that = _scores(board, pair.this, here), _scores(board, pair.that, there)
    networks = dict.fromkeys(network.label for network in (*here, *there))
    return Contrast(tuple(a - b for a, b in zip(this, that, strict=True)), tuple(networks))


def _scores(board: Board, cells: Cells, networks: Sequence[Network]) -> list[float]:
    """By tested seed, the mean over the networks."""
    seeds, row, columns = board.section.tested.seeds, row_of(board, cells), []
    for network in networks:
        record = board.section.record(row, network, cells.budget)
        if record is None:
            raise Missing(f"{words(cells)} is not measured on {network.label}")
        found = record.merits
        if not set(seeds) <= set(found):
            raise Missing(f"{words(cells)} on {network.label} lacks some of the tested seeds")
        columns.append([found[seed] for seed in seeds])
    return [mean(values) for values in zip(*columns, strict=True)]


def row_of(board: Board, cells: Cells) -> Row:
    """The row of a board that was measured with these options and no others.

    Raises:
        Missing: there is none, or there are several.
    """
    section = board.section
    records = {row: record for (row, _, _), record in section.done.items() if row.method == cells.method}
    fitting = [row for row, record in records.items() if _has(record.cell.config, cells) and row.trust == "measured"]
    plain = [row for row in fitting if _named(row.variant) <= cells.options.keys()]
    chosen = _seen(board, plain, cells)
    if len(chosen) != 1:
        raise Missing(f"{words(cells)}: {'several rows fit' if chosen else 'no such row'}")
    return chosen[0]


def _has(config: dict[str, object], cells: Cells) -> bool:
    """Whether a cell's options are those asked for; what drops no patches does not say so."""
    return all(config.get(name, 0.0 if name == "drop" else None) == value for name, value in cells.options.items())


def _named(variant: str) -> set[str]:
    """The options that a row's variant names."""
    return set(re.findall(r"(?:^|, )(\w+)=", variant))


def _seen(board: Board, rows: Sequence[Row], cells: Cells) -> list[Row]:
    """Those through the observer asked for, else through that of most rows of the board."""
    if cells.observer:
        return [row for row in rows if row.observer_arch == cells.observer]
    usual = _usual_observer(board)
    return list(rows) if len(rows) < 2 else [row for row in rows if row.observer_arch == usual]


def _usual_observer(board: Board) -> str | None:
    counts = Counter(row.observer_arch for row in board.section.rows if row.observer_arch)
    return max(sorted(counts), key=counts.__getitem__, default=None)


def _observer(board: Board, sides: Sequence[Cells]) -> str | None:
    """The observer's architecture: of this, else of that, else of most rows."""
    found = (row_of(board, cells).observer_arch for cells in sides)
    return next((arch for arch in found if arch), _usual_observer(board))


def _networks(board: Board, cells: Cells, observer: str | None) -> list[Network]:
    """Those that the side is on; of all and of unseen ones those that its row has."""
    section = board.section
    if cells.network in (UNSEEN, ALL):
        row = row_of(board, cells)
        own = [n for n in section.networks if section.record(row, n, cells.budget)]
        found = [n for n in own if cells.network == ALL or n.arch != observer]
        least = 2 if cells.network == ALL else 1
        if len(found) < least:
            raise Missing(f"{words(cells)} is measured on {text.plural(len(found), 'such network')}; it takes {least}")
        return found
    wanted = observer if cells.network == OBSERVER else cells.network
    found = [n for n in section.networks if n.arch == wanted]
    if len(found) != 1:
        raise Missing(f"{wanted or 'the observer'} is no network of this board, or has several recipes")
    return found


def words(cells: Cells) -> str:
    """A side's method, options and budget."""
    options = ", ".join(f"{name}={value}" for name, value in cells.options.items())
    name = f"{cells.method}[{options}]" if options else cells.method
    via = f" via {cells.observer}" if cells.observer else ""
    return name + via + ("" if cells.method == FULL else f" at {text.budget(cells.budget)}")
