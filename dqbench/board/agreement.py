"""How far a proxy speaks for the papers' protocol: the rank correlation of what both measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dqbench.board import text
from dqbench.board.board import Board
from dqbench.board.pairing import mean
from dqbench.specs import Budget

PROXY, PROTOCOL = "proxy", "paper"
LEAST = 3
"""Fewer pairs have no rank correlation worth a number."""


def words(board: Board, boards: Sequence[Board]) -> list[str]:
    """What a board of the profile ``proxy`` says of its agreement with ``paper``; nothing for other profiles.

    Args:
        board: the one that speaks.
        boards: all of its task.
    """
    if board.section.setting.profile != PROXY:
        return []
    own, theirs = _differences(board), _differences(_counterpart(board, boards))
    shared = sorted(own.keys() & theirs.keys(), key=str)
    if len(shared) < LEAST:
        there = f"are {len(shared)}" if len(shared) > 1 else f"is {'one' if shared else 'none'}"
        return [
            f"A proxy is a proxy: nothing says how far its order holds at the profile {PROTOCOL}. That takes {LEAST} "
            f"pairs of method and budget that stand beside random at both, and there {there}."
        ]
    from scipy.stats import spearmanr

    both = [[differences[place] for place in shared] for differences in (own, theirs)]
    correlation = float(spearmanr(*both).statistic)
    return [
        f"A proxy is a proxy: over {len(shared)} pairs of method and budget that the profile {PROTOCOL} has measured, "
        "too, the rank correlation (Spearman's) of the differences to random is "
        f"{text.fixed(correlation, 2)}; each is a mean over the networks of its profile."
    ]


def _counterpart(board: Board, boards: Sequence[Board]) -> Board | None:
    """The board of the same task, labels and data at the profile of the papers."""
    own = board.section.setting
    for other in boards:
        setting = other.section.setting
        same = (setting.task_version, setting.labels, setting.altered) == (own.task_version, own.labels, own.altered)
        if setting.profile == PROTOCOL and same and setting.train_hash == own.train_hash:
            return other
    return None


def _differences(board: Board | None) -> Mapping[tuple[str, Budget], float]:
    """The mean difference to random over the networks, by row and budget."""
    found: dict[tuple[str, Budget], list[float]] = {}
    for (row, _, budget), cell in board.cells.items() if board else ():
        if cell.delta and not row.is_claimed:
            found.setdefault((row.label, budget), []).append(cell.delta.mean)
    return {place: mean(values) for place, values in found.items()}
