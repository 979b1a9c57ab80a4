"""Rows of an n×n matrix that is never whole in memory, unless it fits: each is made with those of likely next picks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dqbench.select.cut import IntArray
from dqbench.select.rank_one import FloatArray

BLOCK = 64
"""Rows that are made in one matrix product."""

Make = Callable[[IntArray | slice, FloatArray], object]
"""Writes the rows of the given places, shape (m, n), to its second argument."""


class Rows:
    """Rows by pick.

    A row that is missing comes with those of the highest scores, which take the places of the lowest. Where the buffer
    holds all rows and most will be asked for, they are made at once.
    """

    def __init__(self, make: Make, n: int, buffer: FloatArray, picks: int | None = None) -> None:
        """
        Args:
            make: makes rows.
            n: rows and columns of the matrix.
            buffer: working memory, flat; its length over n is the number of rows held at a time.
            picks: how many rows will be asked for; None for all.
        """
        self._make, self._n = make, n
        held = max(1, min(len(buffer) // n, n))
        self._rows = buffer[: held * n].reshape(held, n)
        self._owner = np.full(held, -1)
        self._where = np.full(n, -1)
        if held == n and (n if picks is None else 4 * picks) >= n:
            make(slice(None), self._rows)
            self._where = np.arange(n)

    def of(self, pick: int, score: FloatArray) -> FloatArray:
        """The row of ``pick``, shape (n,), to be read before the next call.

        Args:
            score: how likely each is to be picked next, shape (n,); −inf where it never will.
        """
        if self._where[pick] < 0:
            self._fetch(pick, score)
        row: FloatArray = self._rows[self._where[pick]]
        return row

    def _fetch(self, pick: int, score: FloatArray) -> None:
        places = _lowest(np.where(self._owner >= 0, score[self._owner], -np.inf), BLOCK)
        self._where[self._owner[places][self._owner[places] >= 0]] = -1
        missing = np.where(self._where < 0, np.minimum(score, np.finfo(np.float64).max), -np.inf)
        missing[pick] = np.inf
        likely = _lowest(-missing, len(places))
        likely = likely[missing[likely] > -np.inf]
        places = places[: len(likely)]
        rows = np.empty((len(likely), self._n))
        self._make(likely, rows)
        self._rows[places] = rows
        self._owner[places], self._where[likely] = likely, places


def rows_held(n: int, memory: int) -> int:
    """How many rows of n float64 ``memory`` bytes hold, at least 1 and at most n."""
    return max(1, min(n, memory // (8 * n)))


def _lowest(values: npt.NDArray[np.float64], number: int) -> IntArray:
    return np.argpartition(values, min(number, len(values)) - 1)[:number]
